// SPDX-License-Identifier: MIT
/*
 * Threads for tests.
 */
#include <tests/kernel/threads.h>
#include <kernel/bits.h>
#include <platform/cpu.h>

unsigned test_busy_cpus(void)
{
	return MIN(cpu_count(), 8u);
}

struct thread *test_thread_priority(int (*function)(void *), void *arg, unsigned cpu,
				    enum thread_priority priority)
{
	const struct thread_attributes attributes = {
		.name = "test", .cpu = cpu, .priority = priority};
	struct thread *thread = thread_create(&attributes, function, arg);

	NEED(thread, "no memory for a thread");
	return thread;
}

struct thread *test_thread_try(int (*function)(void *), void *arg, unsigned cpu)
{
	const struct thread_attributes attributes = {
		.name = "test", .cpu = cpu, .priority = THREAD_NORMAL};

	return thread_create(&attributes, function, arg);
}

struct thread *test_thread(int (*function)(void *), void *arg, unsigned cpu)
{
	return test_thread_priority(function, arg, cpu, THREAD_NORMAL);
}

long test_threads_run(unsigned count, int (*function)(void *), void *arg)
{
	static const struct thread_attributes attributes = {
		.name = "test", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *threads[TEST_THREADS_MAX];
	unsigned started = 0;
	long sum = 0;

	while (started < count &&
	       (threads[started] = thread_create(&attributes, function, arg)) != NULL)
		started++;
	/* They work on the caller's data: none may be left when the test ends. */
	for (unsigned i = 0; i < started; i++)
		sum += thread_join(threads[i]);
	NEED(started == count, "no memory for a thread");
	return sum;
}

// SPDX-License-Identifier: MIT
/*
 * Preemption where interrupts are real: a loop that calls nothing is interrupted, in the middle
 * of any instruction, and nobody waits for it.
 */
#include <kernel/rcu.h>
#include <kernel/scheduler.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

static volatile bool stop;

static int spin_bare(void *arg)
{
	(void)arg;
	while (!stop)
		;
	return 5;
}

static int say_cpu(void *arg)
{
	(void)arg;
	return (int)cpu_current();
}

TEST(preemption, loop_that_calls_nothing_delays_nobody)
{
	unsigned cpu = cpu_count() - 1;
	struct thread *spinner;

	stop = false;
	spinner = test_thread(spin_bare, NULL, cpu);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(thread_join(test_thread(say_cpu, NULL, cpu)), cpu);
	rcu_synchronize();
	CHECK(!stop);
	stop = true;
	CHECK_EQ(thread_join(spinner), 5);
}

static struct thread *spinners[8];

TEST(preemption, every_cpu_busy_and_still_all_run)
{
	unsigned count = test_busy_cpus();

	stop = false;
	for (unsigned i = 0; i < count; i++)
		spinners[i] = test_thread(spin_bare, NULL, i);
	for (unsigned i = 0; i < count; i++)
		CHECK_EQ(thread_join(test_thread(say_cpu, NULL, i)), i);
	stop = true;
	for (unsigned i = 0; i < count; i++)
		CHECK_EQ(thread_join(spinners[i]), 5);
}

// SPDX-License-Identifier: MIT
/*
 * Threads and the scheduler: nobody is delayed for ever, pins and priorities hold, no wake-up
 * is lost.
 */
#include <kernel/thread.h>
#include <kernel/completion.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <string.h>
#include <tests/kernel/threads.h>

static int add_one(void *arg)
{
	return *(int *)arg + 1;
}

TEST(thread, result_comes_back_through_join)
{
	int value = 41;

	CHECK_EQ(thread_join(test_thread(add_one, &value, THREAD_ANY_CPU)), 42);
}

TEST(thread, many_come_and_go)
{
	int zero = 0;
	long sum = 0;

	for (unsigned round = 0; round < 8; round++)
		sum += test_threads_run(32, add_one, &zero);
	CHECK_EQ(sum, 256);
}

static struct completion detached_ran = COMPLETION_INIT(detached_ran);

static int detached(void *arg)
{
	(void)arg;
	completion_signal(&detached_ran);
	return 0;
}

static void count_named(const struct thread *thread, void *arg)
{
	*(unsigned *)arg += strcmp(thread->name, "test") == 0;
}

TEST(thread, detached_one_is_reaped)
{
	unsigned left;

	thread_detach(test_thread(detached, NULL, THREAD_ANY_CPU));
	completion_wait(&detached_ran);
	do {
		left = 0;
		threads_for_each(count_named, &left);
		thread_yield();
	} while (left != 0);
	CHECK_EQ(left, 0);
}

static _Atomic bool stop;

static int spin(void *arg)
{
	(void)arg;
	while (!atomic_load_explicit(&stop, memory_order_relaxed))
		cpu_relax();
	return 0;
}

static int say_cpu(void *arg)
{
	(void)arg;
	return (int)cpu_current();
}

TEST(thread, one_that_spins_for_ever_delays_nobody)
{
	struct thread *spinners[TEST_THREADS_MAX];
	unsigned count = test_busy_cpus();

	atomic_store(&stop, false);
	for (unsigned cpu = 0; cpu < count; cpu++)
		spinners[cpu] = test_thread(spin, NULL, cpu);
	for (unsigned cpu = 0; cpu < count; cpu++)
		CHECK_EQ(thread_join(test_thread(say_cpu, NULL, cpu)), cpu);
	atomic_store(&stop, true);
	for (unsigned cpu = 0; cpu < count; cpu++)
		thread_join(spinners[cpu]);
}

static int many_wakeups(void *arg)
{
	struct completion *pair = arg;

	for (unsigned i = 0; i < 200; i++) {
		completion_wait(&pair[0]);
		completion_signal(&pair[1]);
	}
	return 0;
}

TEST(thread, woken_one_gets_on_beside_a_spinner)
{
	struct completion pair[2] = {COMPLETION_INIT(pair[0]), COMPLETION_INIT(pair[1])};
	struct thread *spinner;
	struct thread *partner;

	atomic_store(&stop, false);
	spinner = test_thread(spin, NULL, 0);
	partner = test_thread(many_wakeups, pair, 0);
	for (unsigned i = 0; i < 200; i++) {
		completion_signal(&pair[0]);
		completion_wait(&pair[1]);
	}
	thread_join(partner);
	CHECK(!atomic_load(&stop));
	atomic_store(&stop, true);
	thread_join(spinner);
}

static int stay_put(void *arg)
{
	unsigned cpu = *(unsigned *)arg;

	for (unsigned i = 0; i < 100; i++) {
		if (cpu_current() != cpu)
			return 1;
		thread_yield();
	}
	return 0;
}

TEST(thread, pinned_one_never_moves)
{
	static unsigned cpu;

	for (cpu = 0; cpu < cpu_count(); cpu++)
		CHECK_EQ(thread_join(test_thread(stay_put, &cpu, cpu)), 0);
}

static _Atomic unsigned meeting;
static _Atomic unsigned wanted;

/* Ends only if `wanted` of them run at the same time. */
static int meet(void *arg)
{
	(void)arg;
	preempt_disable();
	atomic_fetch_add(&meeting, 1);
	while (atomic_load(&meeting) < atomic_load(&wanted))
		cpu_relax();
	preempt_enable();
	return 0;
}

/* Threads for a meeting of so many. When one cannot be had the others do not wait for it. */
static unsigned meeting_start(struct thread **threads, unsigned count, unsigned of)
{
	unsigned started = 0;

	atomic_store(&meeting, 0);
	atomic_store(&wanted, of);
	while (started < count &&
	       (threads[started] = test_thread_try(meet, NULL, THREAD_ANY_CPU)))
		started++;
	if (started < count)
		atomic_store(&wanted, 0);
	return started;
}

TEST(thread, as_many_as_cpus_run_at_once)
{
	struct thread *threads[TEST_THREADS_MAX];
	unsigned count = test_busy_cpus();
	unsigned started = meeting_start(threads, count, count);

	for (unsigned i = 0; i < started; i++)
		thread_join(threads[i]);
	NEED(started == count, "no memory for a thread");
	CHECK_EQ(atomic_load(&meeting), count);
}

static _Atomic bool displaced_runs;

static int hold_cpu(void *arg)
{
	(void)arg;
	preempt_disable();
	while (!atomic_load(&displaced_runs))
		cpu_relax();
	preempt_enable();
	return 0;
}

TEST(thread, displaced_one_goes_on_where_a_cpu_idles)
{
	struct thread *holder;

	for (unsigned i = 0; i < 20; i++) {
		/* A lone CPU has nowhere to go: there the holder lets go at once. */
		atomic_store(&displaced_runs, cpu_count() == 1);
		preempt_disable();
		holder = test_thread_priority(hold_cpu, NULL, cpu_current(), THREAD_URGENT);
		preempt_enable();
		atomic_store(&displaced_runs, true);
		CHECK_EQ(thread_join(holder), 0);
	}
}

TEST(thread, idle_cpus_take_work_over)
{
	struct thread *threads[TEST_THREADS_MAX];
	unsigned count = test_busy_cpus();
	unsigned started;

	/* Threads that start on one CPU while that CPU may not switch must still all meet. */
	preempt_disable();
	started = meeting_start(threads, count - 1, count);
	meet(NULL);
	preempt_enable();
	for (unsigned i = 0; i < started; i++)
		thread_join(threads[i]);
	NEED(started == count - 1, "no memory for a thread");
	CHECK_EQ(atomic_load(&meeting), count);
}

/* What ran when, on one CPU. */
static char idle_letter[] = "i";
static char normal_letter[] = "n";
static char urgent_letter[] = "u";
static char order[16];
static unsigned order_length;

static int write_letter(void *arg)
{
	order[order_length++] = *(const char *)arg;
	return 0;
}

/* From the lowest priority on. */
static int start_three(void *arg)
{
	static char *const letters[] = {idle_letter, normal_letter, urgent_letter};
	static const enum thread_priority priorities[] = {THREAD_IDLE, THREAD_NORMAL,
							  THREAD_URGENT};
	struct thread **threads = arg;

	preempt_disable();
	for (unsigned i = 0; i < 3; i++)
		threads[i] =
			thread_create(&(struct thread_attributes){.name = "test",
								  .cpu = cpu_current(),
								  .priority = priorities[i]},
				      write_letter, letters[i]);
	preempt_enable();
	return 0;
}

TEST(thread, higher_priority_runs_first)
{
	struct thread *threads[3];

	memset(order, 0, sizeof(order));
	order_length = 0;
	thread_join(test_thread(start_three, threads, cpu_count() - 1));
	for (unsigned i = 0; i < 3; i++)
		if (threads[i])
			thread_join(threads[i]);
	NEED(threads[0] && threads[1] && threads[2], "no memory for a thread");
	CHECK_STR(order, "uni");
}

TEST(thread, urgent_one_preempts_at_once)
{
	struct thread *spinner;

	atomic_store(&stop, false);
	spinner = test_thread(spin, NULL, 0);
	CHECK_EQ(thread_join(test_thread_priority(say_cpu, NULL, 0, THREAD_URGENT)), 0);
	CHECK(!atomic_load(&stop));
	atomic_store(&stop, true);
	thread_join(spinner);
}

static _Atomic unsigned turns[2];
static _Atomic unsigned turn_takers;

static int take_turns(void *arg)
{
	unsigned me = *(unsigned *)arg;

	/* Turns count from the moment both are there. */
	atomic_fetch_add(&turn_takers, 1);
	while (atomic_load(&turn_takers) < 2)
		thread_yield();
	for (unsigned i = 0; i < 50; i++) {
		atomic_fetch_add(&turns[me], 1);
		thread_yield();
	}
	return 0;
}

TEST(thread, yield_lets_the_other_one_run)
{
	static unsigned first = 0, second = 1;
	struct thread *one = test_thread(take_turns, &first, 0);
	struct thread *two = test_thread(take_turns, &second, 0);

	thread_join(one);
	CHECK(atomic_load(&turns[1]) >= 40);
	thread_join(two);
	CHECK_EQ(atomic_load(&turns[0]) + atomic_load(&turns[1]), 100);
	atomic_store(&turns[0], 0);
	atomic_store(&turns[1], 0);
	atomic_store(&turn_takers, 0);
}

#define TAKEOVERS 5

/* Two that never give the CPU up by themselves. Each counts how often the other one ran between
 * two of its own looks: shares of time would be the host's, not ours. */
struct sharer {
	_Atomic uint64_t progress;
	_Atomic unsigned takeovers;
	struct sharer *other;
};

static int spin_until_both_took_over(void *arg)
{
	struct sharer *me = arg;
	uint64_t seen = 0;

	while (atomic_load(&me->takeovers) < TAKEOVERS ||
	       atomic_load(&me->other->takeovers) < TAKEOVERS) {
		uint64_t now = atomic_load(&me->other->progress);

		if (now != seen)
			atomic_fetch_add(&me->takeovers, 1);
		seen = now;
		atomic_fetch_add(&me->progress, 1);
		cpu_relax();
	}
	return 0;
}

TEST(thread, equal_ones_share_their_cpu)
{
	struct sharer pair[2] = {{.other = &pair[1]}, {.other = &pair[0]}};
	struct thread *one, *two;

	preempt_disable();
	unsigned cpu = cpu_current();
	one = test_thread(spin_until_both_took_over, &pair[0], cpu);
	two = test_thread(spin_until_both_took_over, &pair[1], cpu);
	preempt_enable();
	CHECK_EQ(thread_join(one), 0);
	CHECK_EQ(thread_join(two), 0);
}

TEST(thread, sleep_lasts_at_least_its_time)
{
	uint64_t before = clock_ns();

	thread_sleep_ns(3 * NSEC_PER_MSEC);
	CHECK(clock_ns() - before >= 3 * NSEC_PER_MSEC);
}

TEST_PANICS(thread, sleeping_with_preemption_off_is_reported, "sleeps with preemption off")
{
	preempt_disable();
	thread_sleep_ns(1);
}

#ifdef QUIRE_TEST_HOOKS
static void wake_self(struct hook *hook)
{
	atomic_fetch_add((_Atomic unsigned *)hook->arg, 1);
	thread_wake(thread_current());
}

TEST(thread, wake_up_before_the_sleep_is_not_lost)
{
	_Atomic unsigned came_by = 0;
	struct hook hook = {.name = "thread_block",
			    .function = wake_self,
			    .arg = (void *)&came_by,
			    .only = thread_current()};

	hook_attach(&hook);
	thread_block();
	hook_detach(&hook);
	CHECK_EQ(atomic_load(&came_by), 1);
}

TEST(thread, creation_survives_every_failing_allocation)
{
	const struct thread_attributes attributes = {.name = "test",
						     .cpu = THREAD_ANY_CPU,
						     .priority = THREAD_NORMAL,
						     .flags = THREAD_USES_FPU};
	int zero = 0;
	unsigned n;

	for (n = 1;; n++) {
		fault_arm(n);
		struct thread *thread = thread_create(&attributes, add_one, &zero);
		if (!fault_disarm()) {
			REQUIRE(thread != NULL);
			CHECK_EQ(thread_join(thread), 1);
			break;
		}
		CHECK(thread == NULL);
	}
	CHECK(n > 3);
}
/* Interrupted, but for the thread that comes: it looks idle again. */
static void let_it_sleep_again(struct hook *hook)
{
	unsigned cpu = *(unsigned *)hook->arg;

	ipi_reschedule(cpu);
	while (!cpumask_has(&cpus_idle, cpu))
		cpu_relax();
}

static int looks_idle(void *arg)
{
	(void)arg;
	return cpumask_has(&cpus_idle, cpu_current());
}

TEST(thread, cpu_that_runs_one_does_not_look_idle)
{
	static unsigned cpu;
	struct hook hook = {.name = "scheduler_enqueue",
			    .function = let_it_sleep_again,
			    .arg = &cpu,
			    .only = thread_current()};
	struct thread *thread;

	preempt_disable();
	cpu = cpu_current() == 0 ? cpu_count() - 1 : 0;
	if (cpu != cpu_current())
		hook_attach(&hook);
	thread = test_thread_try(looks_idle, NULL, cpu);
	if (cpu != cpu_current())
		hook_detach(&hook);
	preempt_enable();
	NEED(thread, "no memory for a thread");
	CHECK_EQ(thread_join(thread), 0);
}
#endif

// SPDX-License-Identifier: MIT
/*
 * Timers: order, accuracy downwards (never early), cancelling from everywhere.
 */
#include <kernel/timer.h>
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/interrupt.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <string.h>
#include <tests/kernel/threads.h>

#define MANY 200

struct probe {
	struct timer timer;
	uint64_t fired_ns;
	unsigned rank;
};

static struct probe probes[MANY];
static _Atomic unsigned nr_fired;
static struct completion all_fired = COMPLETION_INIT(all_fired);
static unsigned expected;

static void note(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	probe->fired_ns = clock_ns();
	probe->rank = atomic_fetch_add(&nr_fired, 1);
	if (probe->rank + 1 == expected)
		completion_signal(&all_fired);
}

static void prepare(unsigned count)
{
	memset(probes, 0, sizeof(probes));
	atomic_store(&nr_fired, 0);
	completion_reset(&all_fired);
	expected = count;
	for (unsigned i = 0; i < MANY; i++)
		timer_init(&probes[i].timer, note);
}

/* All on one CPU, with no interrupt in between. */
static void start_all(uint64_t base)
{
	struct irq_state irq = irq_save();

	for (unsigned i = 0; i < MANY; i++)
		timer_start(&probes[i].timer, base + test_random_below(5 * NSEC_PER_MSEC));
	irq_restore(irq);
}

TEST(timer, fires_in_order_and_never_early)
{
	prepare(MANY);
	start_all(clock_ns());
	completion_wait(&all_fired);
	for (unsigned i = 0; i < MANY; i++) {
		CHECK(probes[i].fired_ns >= probes[i].timer.deadline_ns);
		for (unsigned j = 0; j < i; j++) {
			if (probes[j].timer.deadline_ns < probes[i].timer.deadline_ns)
				CHECK(probes[j].rank < probes[i].rank);
		}
	}
}

TEST(timer, cancelled_ones_do_not_fire_and_others_do)
{
	unsigned cancelled = 0;

	/* Before they start: where the host takes the CPU away, all may fire at once. */
	prepare(MANY / 2);
	struct irq_state irq = irq_save();
	start_all(clock_ns() + 20 * NSEC_PER_MSEC);
	for (unsigned i = 0; i < MANY; i += 2)
		cancelled += timer_cancel(&probes[i].timer);
	irq_restore(irq);
	CHECK_EQ(cancelled, MANY / 2);
	completion_wait(&all_fired);
	for (unsigned i = 0; i < MANY; i++)
		CHECK_EQ(probes[i].fired_ns != 0, i % 2);
}

TEST(timer, starting_again_moves_it)
{
	prepare(1);
	timer_start(&probes[0].timer, clock_ns() + 3600 * NSEC_PER_SEC);
	CHECK(timer_pending(&probes[0].timer));
	timer_start(&probes[0].timer, clock_ns() + NSEC_PER_MSEC);
	completion_wait(&all_fired);
	CHECK_EQ(atomic_load(&nr_fired), 1);
	CHECK(!timer_pending(&probes[0].timer));
	CHECK(!timer_cancel(&probes[0].timer));
}

TEST(timer, far_deadline_is_not_waited_for)
{
	uint64_t next;

	prepare(1);
	preempt_disable();
	timer_start(&probes[0].timer, clock_ns() + NSEC_PER_SEC * 3600);
	next = timers_next();
	CHECK(next <= probes[0].timer.deadline_ns);
	preempt_enable();
	CHECK(timer_cancel_sync(&probes[0].timer));
	CHECK_EQ(atomic_load(&nr_fired), 0);
}

/*
 * A timer whose function takes its time on the last CPU, cancelled from the first. The function
 * waits for nobody but the canceller, who is pinned elsewhere: any other thread may just be the
 * one it interrupted. And the canceller keeps its CPU: who came in between may be one that
 * waits for the last CPU, to free a stack.
 */
struct slow {
	struct timer timer;
	_Atomic bool waiting;
	_Atomic bool entered;
	_Atomic bool cancelling;
	_Atomic bool left;
};

static void slow_function(struct timer *timer)
{
	struct slow *slow = container_of(timer, struct slow, timer);

	CHECK(in_interrupt());
	atomic_store(&slow->entered, true);
	while (!atomic_load(&slow->cancelling))
		cpu_relax();
	/* Time for the canceller to be inside timer_cancel_sync(). */
	for (unsigned i = 0; i < 1000; i++)
		cpu_relax();
	atomic_store(&slow->left, true);
}

static int start_slow(void *arg)
{
	struct slow *slow = arg;

	while (!atomic_load(&slow->waiting))
		thread_yield();
	timer_start(&slow->timer, clock_ns());
	return 0;
}

static int cancel_slow(void *arg)
{
	struct slow *slow = arg;
	bool keep_cpu = cpu_count() > 1;
	bool was_pending;

	if (keep_cpu)
		preempt_disable();
	atomic_store(&slow->waiting, true);
	while (!atomic_load(&slow->entered))
		cpu_relax();
	atomic_store(&slow->cancelling, true);
	was_pending = timer_cancel_sync(&slow->timer);
	if (keep_cpu)
		preempt_enable();
	CHECK(atomic_load(&slow->left));
	return was_pending;
}

TEST(timer, cancel_sync_waits_for_a_running_function)
{
	struct slow slow = {.entered = false};

	/* A lone CPU cannot cancel what it runs: there the function is over before. */
	atomic_store(&slow.cancelling, cpu_count() == 1);
	timer_init(&slow.timer, slow_function);
	struct thread *canceller = test_thread_try(cancel_slow, &slow, 0);
	struct thread *starter =
		canceller ? test_thread_try(start_slow, &slow, cpu_count() - 1) : NULL;
	if (!starter)
		atomic_store(&slow.entered, true); /* let the canceller go */
	else
		thread_join(starter);
	if (canceller)
		CHECK_EQ(thread_join(canceller), 0);
	NEED(starter, "no memory for a thread");
}

/* Periodic by starting itself; cancelled while it does, from many rounds. */
static _Atomic unsigned self_starts;

static void self_starting(struct timer *timer)
{
	atomic_fetch_add(&self_starts, 1);
	timer_start(timer, clock_ns() + 50 * NSEC_PER_USEC);
}

TEST(timer, self_starting_timer_can_be_stopped)
{
	struct timer timer;

	for (unsigned round = 0; round < 20; round++) {
		unsigned before = atomic_load(&self_starts);

		timer_init(&timer, self_starting);
		timer_start(&timer, clock_ns());
		while (atomic_load(&self_starts) < before + 3)
			cpu_relax();
		timer_cancel_sync(&timer);
		CHECK(!timer_pending(&timer));
		before = atomic_load(&self_starts);
		timer_cancel_sync(&timer);
		CHECK_EQ(atomic_load(&self_starts), before);
	}
}

#ifdef QUIRE_TEST_HOOKS
#define SOON_NS (30 * NSEC_PER_MSEC)

static struct {
	struct timer timer;
	struct hook hook;
	_Atomic bool came_by, second_started;
	_Atomic unsigned fired;
} both;

static void count_fired(struct timer *timer)
{
	(void)timer;
	atomic_fetch_add(&both.fired, 1);
}

static int start_second(void *arg)
{
	(void)arg;
	while (!atomic_load(&both.came_by))
		cpu_relax();
	timer_start(&both.timer, clock_ns() + 3600 * NSEC_PER_SEC);
	atomic_store(&both.second_started, true);
	return 0;
}

/* The first one has left the timer's base, and waits until the second is through. */
static void be_late(struct hook *hook)
{
	(void)hook;
	if (atomic_exchange(&both.came_by, true))
		return;
	while (!atomic_load(&both.second_started))
		cpu_relax();
}

static int start_first(void *arg)
{
	struct thread *second;
	struct irq_state irq;

	(void)arg;
	atomic_store(&both.came_by, cpu_count() == 1);
	second = test_thread_try(start_second, NULL, cpu_count() - 1);
	both.hook = (struct hook){
		.name = "timer_start", .function = be_late, .only = thread_current()};
	/* A lone CPU does nothing in between. */
	if (!second)
		atomic_store(&both.came_by, true);
	/* Or the scheduler, with its queue locked, comes by first: it has a timer, too. */
	irq = irq_save();
	hook_attach(&both.hook);
	timer_start(&both.timer, clock_ns() + SOON_NS);
	hook_detach(&both.hook);
	irq_restore(irq);
	if (second)
		thread_join(second);
	return second != NULL;
}

/* An interrupt starts delayed work that starts itself: else it is in the heaps of two CPUs. */
TEST(timer, two_that_start_it_at_once_leave_it_in_one_heap)
{
	unsigned before;
	bool started;

	timer_init(&both.timer, count_fired);
	atomic_store(&both.fired, 0);
	atomic_store(&both.second_started, false);
	started = thread_join(test_thread(start_first, NULL, 0));
	timer_cancel_sync(&both.timer);
	before = atomic_load(&both.fired);
	thread_sleep_ns(2 * SOON_NS);
	CHECK_EQ(atomic_load(&both.fired), before);
	NEED(started, "no memory for a thread");
}
#endif

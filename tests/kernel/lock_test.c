// SPDX-License-Identifier: MIT
/*
 * Spin locks: exclusion, ownership, and in debug builds the order check.
 */
#include <kernel/lock.h>
#include <kernel/completion.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/scheduler.h>
#include <kernel/timer.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

static struct lock_class class_a = {.name = "test a"};

#define ROUNDS 16000

/* As many threads as make CPUs meet, each with its share of the rounds. */
static unsigned nr_counting;

struct counter {
	struct spin_lock lock;
	uint64_t value; /* lock */
};

static int count_up(void *arg)
{
	struct counter *counter = arg;

	for (unsigned i = 0; i < ROUNDS / nr_counting; i++) {
		spin_lock(&counter->lock);
		counter->value++;
		spin_unlock(&counter->lock);
	}
	return 0;
}

TEST(lock, one_holder_at_a_time)
{
	struct counter counter = {.lock = SPIN_LOCK_INIT(&class_a)};

	nr_counting = cpu_count() < 4 ? 4 : cpu_count() < 16 ? cpu_count() : 16;
	test_threads_run(nr_counting, count_up, &counter);
	CHECK_EQ(counter.value, ROUNDS / nr_counting * nr_counting);
}

TEST(lock, owner_and_preemption_are_known)
{
	struct spin_lock lock = SPIN_LOCK_INIT(&class_a);

	CHECK(!spin_is_held(&lock));
	CHECK(preemptible());
	spin_lock(&lock);
	CHECK(spin_is_held(&lock));
	CHECK(!preemptible());
	CHECK(atomic_load(&lock.owner_caller) != 0);
	spin_unlock(&lock);
	CHECK(!spin_is_held(&lock));
	CHECK(preemptible());
}

static int try_once(void *arg)
{
	struct spin_lock *lock = arg;

	if (!spin_trylock(lock))
		return 0;
	spin_unlock(lock);
	return 1;
}

TEST(lock, trylock_fails_only_while_it_is_held)
{
	struct spin_lock lock = SPIN_LOCK_INIT(&class_a);
	bool taken;

	spin_lock(&lock);
	taken = spin_trylock(&lock);
	CHECK(!taken);
	spin_unlock(&lock);
	CHECK_EQ(test_threads_run(1, try_once, &lock), 1);
}

TEST(lock, irqsave_closes_and_restores_the_mask)
{
	struct spin_lock lock = SPIN_LOCK_INIT(&class_a);
	struct irq_state outer = spin_lock_irqsave(&lock);

	CHECK(!irq_enabled());
	spin_unlock_irqrestore(&lock, outer);
	CHECK(irq_enabled());
	outer = irq_save();
	struct irq_state inner = spin_lock_irqsave(&lock);
	spin_unlock_irqrestore(&lock, inner);
	CHECK(!irq_enabled());
	irq_restore(outer);
}

/* What the analysis of the compiler would refuse. */
NO_LOCK_ANALYSIS static void take_for_good(struct spin_lock *lock)
{
	spin_lock(lock);
}

static void take_twice(struct spin_lock *lock)
{
	take_for_good(lock);
	take_for_good(lock);
}

NO_LOCK_ANALYSIS static void give_back_untaken(struct spin_lock *lock)
{
	spin_unlock(lock);
}

TEST_PANICS(lock, recursion_is_reported, "taken again at")
{
	static struct spin_lock lock = SPIN_LOCK_INIT(&class_a);

	take_twice(&lock);
}

TEST_PANICS(lock, release_by_a_stranger_is_reported, "lock \"test a\" released at")
{
	static struct spin_lock lock = SPIN_LOCK_INIT(&class_a);

	give_back_untaken(&lock);
}

#ifdef QUIRE_TEST_HOOKS
static struct lock_class class_first = {.name = "test first"};
static struct lock_class class_middle = {.name = "test middle"};
static struct lock_class class_last = {.name = "test last"};

static void nest(struct spin_lock *outer, struct spin_lock *inner)
{
	spin_lock(outer);
	spin_lock(inner);
	spin_unlock(inner);
	spin_unlock(outer);
}

TEST(lock, order_held_to_is_accepted)
{
	struct spin_lock first = SPIN_LOCK_INIT(&class_first);
	struct spin_lock middle = SPIN_LOCK_INIT(&class_middle);
	struct spin_lock last = SPIN_LOCK_INIT(&class_last);

	for (unsigned i = 0; i < 3; i++) {
		nest(&first, &middle);
		nest(&middle, &last);
		nest(&first, &last);
	}
	CHECK(preemptible());
}

TEST_PANICS(lock, inverted_order_is_reported_with_both_classes,
	    "while holding \"test second of two\"")
{
	static struct lock_class one = {.name = "test first of two"};
	static struct lock_class two = {.name = "test second of two"};
	static struct spin_lock first = SPIN_LOCK_INIT(&one);
	static struct spin_lock second = SPIN_LOCK_INIT(&two);

	nest(&first, &second);
	nest(&second, &first);
}

TEST_PANICS(lock, inverted_order_through_a_third_class_is_reported, "(through other locks)")
{
	static struct lock_class one = {.name = "test 1 of 3"};
	static struct lock_class two = {.name = "test 2 of 3"};
	static struct lock_class three = {.name = "test 3 of 3"};
	static struct spin_lock first = SPIN_LOCK_INIT(&one);
	static struct spin_lock second = SPIN_LOCK_INIT(&two);
	static struct spin_lock third = SPIN_LOCK_INIT(&three);

	nest(&first, &second);
	nest(&second, &third);
	nest(&third, &first);
}

TEST_PANICS(lock, two_of_one_class_are_reported, "while holding \"test twins\"")
{
	static struct lock_class class = {.name = "test twins"};
	static struct spin_lock left = SPIN_LOCK_INIT(&class);
	static struct spin_lock right = SPIN_LOCK_INIT(&class);

	nest(&left, &right);
}

static struct lock_class class_interrupt = {.name = "test in interrupts"};
static struct spin_lock interrupt_lock = SPIN_LOCK_INIT(&class_interrupt);
static struct completion interrupt_done = COMPLETION_INIT(interrupt_done);

static void take_in_interrupt(struct timer *timer)
{
	struct irq_state irq = spin_lock_irqsave(&interrupt_lock);

	(void)timer;
	spin_unlock_irqrestore(&interrupt_lock, irq);
	completion_signal(&interrupt_done);
}

TEST_PANICS(lock, interrupt_lock_taken_with_interrupts_on_is_reported, "use spin_lock_irqsave")
{
	struct timer timer;

	timer_init(&timer, take_in_interrupt);
	timer_start(&timer, clock_ns());
	completion_wait(&interrupt_done);
	timer_cancel_sync(&timer);
	take_for_good(&interrupt_lock);
}

static void nothing(void *arg)
{
	(void)arg;
}

TEST_PANICS(lock, waiting_for_a_cpu_under_an_interrupt_lock_is_reported,
	    "which others take with interrupts off")
{
	static struct lock_class class = {.name = "test held while waiting"};
	static struct spin_lock lock = SPIN_LOCK_INIT(&class);
	struct irq_state irq = spin_lock_irqsave(&lock);

	ipi_call(cpu_current(), nothing, NULL, true);
	spin_unlock_irqrestore(&lock, irq);
}
#endif

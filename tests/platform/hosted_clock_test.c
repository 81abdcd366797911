// SPDX-License-Identifier: MIT
/*
 * The hosted port's settable clock, its timers and its device vectors.
 */
#include <platform/hosted/hosted.h>
#include <platform/clock.h>
#include <platform/irq.h>
#include <kernel/completion.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/timer.h>
#include <kernel/watchdog.h>
#include <tests/kernel/threads.h>

static struct completion fired = COMPLETION_INIT(fired);

static void fire(struct timer *timer)
{
	(void)timer;
	completion_signal(&fired);
}

TEST(hosted_clock, timer_fires_when_the_test_says_it_is_time)
{
	struct timer timer;
	uint64_t begin = clock_ns();
	int early;

	timer_init(&timer, fire);
	hosted_clock_fake(begin);
	timer_start(&timer, begin + NSEC_PER_SEC);
	hosted_clock_advance(NSEC_PER_SEC - 1);
	early = completion_wait_timeout(&fired, 0);
	hosted_clock_advance(1);
	completion_wait(&fired);
	CHECK(early != 0);
	CHECK_EQ(clock_ns(), begin + NSEC_PER_SEC);
	timer_cancel_sync(&timer);
	hosted_clock_real();
}

TEST(hosted_clock, hurry_takes_no_time_to_sleep)
{
	uint64_t begin = clock_ns();
	bool hurry = hosted_clock_hurry(true);

	thread_sleep_ns(3600 * NSEC_PER_SEC);
	hosted_clock_hurry(hurry);
	CHECK(clock_ns() - begin >= 3600 * NSEC_PER_SEC);
}

static int signal_late(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		cpu_relax();
	completion_signal(arg);
	return 0;
}

TEST(hosted_clock, hurry_waits_for_whoever_works)
{
	struct completion done = COMPLETION_INIT(done);
	struct thread *thread = test_thread(signal_late, &done, cpu_count() - 1);
	bool hurry = hosted_clock_hurry(true);
	int late;

	late = completion_wait_timeout(&done, 3600 * NSEC_PER_SEC);
	hosted_clock_hurry(hurry);
	CHECK_EQ(late, 0);
	thread_join(thread);
}

static void read_next(void *arg)
{
	atomic_store((_Atomic uint64_t *)arg, timers_next());
}

/* The last beats of the watchdog fire, find it off, and nothing else ticks. */
TEST(hosted_clock, idle_machine_has_no_timer_armed)
{
	_Atomic uint64_t next;

	watchdog_set_period(0);
	hosted_clock_fake(clock_ns());
	hosted_clock_advance(60 * NSEC_PER_SEC);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		for (unsigned i = 0; i < 100000; i++) {
			ipi_call(cpu, read_next, &next, true);
			if (atomic_load(&next) == CLOCK_NEVER)
				break;
			cpu_relax();
		}
		CHECK_EQ(atomic_load(&next), CLOCK_NEVER);
	}
	hosted_clock_real();
	watchdog_set_period(10 * NSEC_PER_SEC);
}

static _Atomic unsigned interrupts;

static void on_interrupt(void *arg)
{
	CHECK(in_interrupt());
	CHECK(!irq_enabled());
	atomic_fetch_add(&interrupts, 1);
	completion_signal(arg);
}

TEST(hosted_irq, vector_interrupts_its_cpu_until_it_is_freed)
{
	struct irq_vector vector;
	unsigned cpu = cpu_count() - 1;

	atomic_store(&interrupts, 0);
	REQUIRE(irq_vector_alloc(cpu, on_interrupt, &fired, &vector) == 0);
	for (unsigned i = 0; i < 10; i++) {
		hosted_vector_raise(vector.number);
		completion_wait(&fired);
	}
	irq_vector_free(&vector);
	hosted_vector_raise(vector.number);
	CHECK_EQ(atomic_load(&interrupts), 10);
}

TEST(hosted_irq, vectors_run_out_with_an_error)
{
	struct irq_vector vectors[HOSTED_VECTORS + 1];
	unsigned count = 0;

	while (count <= HOSTED_VECTORS &&
	       irq_vector_alloc(0, on_interrupt, &fired, &vectors[count]) == 0)
		count++;
	CHECK(count > 0 && count <= HOSTED_VECTORS);
	while (count > 0)
		irq_vector_free(&vectors[--count]);
}

TEST(hosted_irq, closed_mask_holds_interrupts_back)
{
	struct irq_vector vector;
	struct irq_state irq;

	atomic_store(&interrupts, 0);
	irq = irq_save();
	unsigned cpu = cpu_current();
	REQUIRE(irq_vector_alloc(cpu, on_interrupt, &fired, &vector) == 0);
	hosted_vector_raise(vector.number);
	cpu_relax();
	unsigned while_closed = atomic_load(&interrupts);
	irq_restore(irq);
	completion_wait(&fired);
	CHECK_EQ(while_closed, 0);
	CHECK_EQ(atomic_load(&interrupts), 1);
	irq_vector_free(&vector);
}

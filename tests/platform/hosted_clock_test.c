// SPDX-License-Identifier: MIT
/*
 * The hosted port's settable clock, its timers and its device vectors.
 */
#include <platform/hosted/hosted.h>
#include <platform/clock.h>
#include <platform/irq.h>
#include <kernel/completion.h>
#include <kernel/hook.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/scheduler.h>
#include <kernel/timer.h>
#include <kernel/wall_clock.h>
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

/* The last beats of the watchdog fire, find it off, and nothing else ticks: a CPU sleeps until
 * another one wakes it. */
static void stop_time(void)
{
	_Atomic uint64_t next;

	watchdog_set_period(0);
	/* Who has read the old period arms its beat before it answers. */
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, read_next, &next, true);
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
}

static void time_goes_on(void)
{
	uint64_t stood = clock_ns();

	hosted_clock_real();
	watchdog_set_period(10 * NSEC_PER_SEC);
	/* Else a slice that was armed meanwhile ends in a minute. */
	CHECK(clock_ns() >= stood);
}

TEST(hosted_clock, idle_machine_has_no_timer_armed)
{
	stop_time();
	time_goes_on();
}

#ifdef QUIRE_TEST_HOOKS
static void set_wall_clock(struct hook *hook)
{
	wall_clock_set(*(const uint64_t *)hook->arg);
}

/* A host says what time it is while somebody else reads the battery clock. */
TEST(hosted_clock, wall_clock_that_was_set_is_not_found_anew)
{
	uint64_t wall = 1000 * NSEC_PER_SEC, before, after;
	struct hook hook = {.name = "wall_clock_found",
			    .function = set_wall_clock,
			    .arg = &wall,
			    .only = thread_current()};

	before = wall_clock_ns() - clock_ns();
	hosted_clock_fake(clock_ns());
	wall_clock_set(clock_ns() - 1); /* which stands for: not known yet */
	hook_attach(&hook);
	after = wall_clock_ns();
	hook_detach(&hook);
	wall_clock_set(before + clock_ns());
	hosted_clock_real();
	CHECK_EQ(after, wall);
}

/* Of the host, whose time goes on. */
#define LIMIT_CYCLES (20 * NSEC_PER_SEC)

static struct thread *urgent_thread_try(int (*function)(void *), unsigned cpu)
{
	const struct thread_attributes attributes = {
		.name = "test", .cpu = cpu, .priority = THREAD_URGENT};

	return thread_create(&attributes, function, NULL);
}

/* A sleeping CPU that gets two before it wakes. */
static struct {
	struct hook hook;
	unsigned cpu;
	_Atomic bool arrived, go_on, second_ran, give_up;
} waking;

static void sleep_on(struct hook *hook)
{
	(void)hook;
	if (cpu_current() != waking.cpu)
		return;
	atomic_store(&waking.arrived, true);
	while (!atomic_load(&waking.go_on))
		cpu_relax();
}

static int run_second(void *arg)
{
	(void)arg;
	atomic_store(&waking.second_ran, true);
	return 0;
}

static int keep_cpu(void *arg)
{
	(void)arg;
	while (!atomic_load(&waking.second_ran) && !atomic_load(&waking.give_up))
		cpu_relax();
	return atomic_load(&waking.second_ran);
}

TEST(hosted_clock, second_one_on_a_waking_cpu_is_taken_over)
{
	struct thread *second, *first;
	uint64_t begin = clock_cycles();

	stop_time();
	if (cpu_count() < 3) {
		time_goes_on(); /* nobody could take it over */
		return;
	}
	preempt_disable();
	waking.cpu = cpu_current() == 0 ? 1 : 0;
	atomic_store(&waking.arrived, false);
	atomic_store(&waking.go_on, false);
	atomic_store(&waking.second_ran, false);
	atomic_store(&waking.give_up, false);
	waking.hook = (struct hook){.name = "scheduler_idle", .function = sleep_on};
	hook_attach(&waking.hook);
	ipi_reschedule(waking.cpu);
	while (!atomic_load(&waking.arrived))
		cpu_relax();
	/* The sleeping CPU with the lowest number gets it. */
	second = test_thread_try(run_second, NULL, THREAD_ANY_CPU);
	first = second ? urgent_thread_try(keep_cpu, waking.cpu) : NULL;
	atomic_store(&waking.go_on, true);
	/* This CPU must not sleep: it would take the second one over by itself. */
	while (first && !atomic_load(&waking.second_ran) &&
	       clock_cycles() - begin < LIMIT_CYCLES)
		cpu_relax();
	atomic_store(&waking.give_up, true);
	hook_detach(&waking.hook);
	preempt_enable();
	time_goes_on();
	if (first)
		CHECK_EQ(thread_join(first), 1);
	if (second)
		thread_join(second);
	NEED(first, "no memory for a thread");
}

static struct {
	struct hook hook;
	struct thread *created, *urgent;
	_Atomic bool created_runs;
	bool came_by;
} told;

static int say_created_runs(void *arg)
{
	(void)arg;
	atomic_store(&told.created_runs, true);
	return 0;
}

static int wait_for_created(void *arg)
{
	uint64_t begin = clock_cycles();

	(void)arg;
	while (!atomic_load(&told.created_runs) && clock_cycles() - begin < LIMIT_CYCLES)
		cpu_relax();
	return atomic_load(&told.created_runs);
}

/* Somebody more urgent comes when the thread is queued and its CPU was not told. */
static void be_preempted(struct hook *hook)
{
	(void)hook;
	if (told.came_by)
		return;
	told.came_by = true;
	told.urgent = urgent_thread_try(wait_for_created, cpu_current());
}

static int create_beside(void *arg)
{
	(void)arg;
	told.hook = (struct hook){
		.name = "scheduler_queued", .function = be_preempted, .only = thread_current()};
	while (cpu_count() > 1 && !cpumask_has(&cpus_idle, cpu_count() - 1))
		cpu_relax();
	if (cpu_count() > 1)
		hook_attach(&told.hook);
	told.created = test_thread_try(say_created_runs, NULL, cpu_count() - 1);
	if (cpu_count() > 1)
		hook_detach(&told.hook);
	return 0;
}

TEST(hosted_clock, new_one_starts_although_its_creator_is_preempted)
{
	stop_time();
	told.created = told.urgent = NULL;
	told.came_by = false;
	atomic_store(&told.created_runs, false);
	thread_join(test_thread(create_beside, NULL, 0));
	if (told.urgent)
		CHECK_EQ(thread_join(told.urgent), 1);
	if (told.created)
		CHECK_EQ(thread_join(told.created), 0);
	time_goes_on();
	NEED(told.created && (told.urgent || cpu_count() == 1), "no memory for a thread");
}
#endif

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

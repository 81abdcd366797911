// SPDX-License-Identifier: MIT
/*
 * The watchdog: a CPU that keeps interrupts off is reported by name, one that works is not.
 */
#include <kernel/watchdog.h>
#include <kernel/bits.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/scheduler.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <string.h>
#include <tests/kernel/threads.h>

#define SHORT_NS    (200 * NSEC_PER_MSEC)
/* Long enough that a host under load does not look like a hung CPU. */
#define IDLE_NS     (1000 * NSEC_PER_MSEC)
#define STANDARD_NS (10 * NSEC_PER_SEC)
#define ATTEMPTS    10

static _Atomic bool release;
static _Atomic bool hung;
static _Atomic unsigned reported;
static _Atomic bool traced;

static void look_for_trace(const char *text, size_t length)
{
	char line[LOG_LINE_MAX + 64];

	length = MIN(length, sizeof(line) - 1);
	memcpy(line, text, length);
	line[length] = 0;
	if (strstr(line, "cpu 1 took no interrupt"))
		atomic_fetch_add(&reported, 1);
	if (strstr(line, "#0 "))
		atomic_store(&traced, true);
}

static int hang(void *arg)
{
	struct irq_state irq = irq_save();

	(void)arg;
	atomic_store(&hung, true);
	while (!atomic_load(&release))
		cpu_relax();
	irq_restore(irq);
	return 0;
}

/* A thread that hangs CPU 1, once the watchdog has said so; NULL if it did not. Where the host
 * stops CPUs for longer than the period, the report may be over before anybody listens: then
 * the CPU is let go and hung again. */
static struct thread *hang_until_reported(void)
{
	for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct thread *thread;
		uint64_t end;

		atomic_store(&release, false);
		atomic_store(&hung, false);
		atomic_store(&traced, false);
		thread = test_thread(hang, NULL, 1);
		while (!atomic_load(&hung))
			cpu_relax();
		atomic_store(&reported, 0);
		end = clock_ns() + 10 * SHORT_NS;
		while (atomic_load(&reported) == 0 && clock_ns() < end)
			watchdog_look();
		if (atomic_load(&reported) != 0)
			return thread;
		atomic_store(&release, true);
		thread_join(thread);
		thread_sleep_ns(SHORT_NS);
	}
	return NULL;
}

/* Nobody listens any more; the thread, if any, ends. */
static void let_go(struct thread *thread)
{
	log_set_sink(NULL);
	atomic_store(&release, true);
	if (thread)
		thread_join(thread);
	watchdog_set_period(STANDARD_NS);
}

TEST(watchdog, cpu_with_interrupts_off_is_reported_once_with_its_trace)
{
	struct thread *thread;

	if (cpu_count() == 1) {
		CHECK(!watchdog_look()); /* nobody to look at, and nobody who could */
		return;
	}
	watchdog_set_period(SHORT_NS);
	log_set_sink(look_for_trace);
	thread = hang_until_reported();
	uint64_t end = clock_ns() + 2 * SHORT_NS;
	while (clock_ns() < end || (!atomic_load(&traced) && clock_ns() < end + 10 * SHORT_NS))
		watchdog_look();
	let_go(thread);
	CHECK_EQ(atomic_load(&reported), 1);
	CHECK(atomic_load(&traced));
}

#ifdef QUIRE_TEST_HOOKS
static _Atomic bool looked_twice;

/* Who found CPU 1 silent gets on late: somebody else has said so before. */
static void look_before(struct hook *hook)
{
	(void)hook;
	if (atomic_exchange(&looked_twice, true))
		return;
	watchdog_look();
	clock_delay_ns(SHORT_NS);
}

TEST(watchdog, silence_is_reported_once_by_all_who_look)
{
	struct hook hook = {
		.name = "watchdog_silent", .function = look_before, .only = thread_current()};
	struct thread *thread;

	if (cpu_count() == 1) {
		CHECK(!watchdog_look()); /* nobody to look at, and nobody who could */
		return;
	}
	watchdog_set_period(SHORT_NS);
	atomic_store(&looked_twice, false);
	log_set_sink(look_for_trace);
	hook_attach(&hook);
	thread = hang_until_reported();
	hook_detach(&hook);
	let_go(thread);
	CHECK_EQ(atomic_load(&reported), 1);
}
#endif

TEST(watchdog, idle_cpus_are_left_alone)
{
	bool quiet = false;

	/* A host that stops a CPU in the middle of something is reported rightly. */
	for (unsigned attempt = 0; attempt < ATTEMPTS && !quiet; attempt++) {
		unsigned before = watchdog_reports();

		watchdog_set_period(IDLE_NS);
		thread_sleep_ns(IDLE_NS + SHORT_NS);
		watchdog_look();
		watchdog_set_period(STANDARD_NS);
		quiet = watchdog_reports() == before;
	}
	CHECK(quiet);
}

/* A beat that was armed before still looks. */
TEST(watchdog, nobody_is_reported_while_it_is_off)
{
	unsigned before = watchdog_reports();
	struct thread *thread;

	atomic_store(&release, cpu_count() == 1);
	atomic_store(&hung, false);
	watchdog_set_period(0);
	thread = test_thread(hang, NULL, cpu_count() - 1);
	while (!atomic_load(&hung))
		thread_yield();
	watchdog_look();
	watchdog_set_period(STANDARD_NS);
	atomic_store(&release, true);
	thread_join(thread);
	CHECK_EQ(watchdog_reports(), before);
}

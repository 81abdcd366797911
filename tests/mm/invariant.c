// SPDX-License-Identifier: MIT
/*
 * After each test: the walk over all of memory finds nothing wrong, and as much is free as
 * before. Threads are started and freed by deferred work, which is waited for.
 */
#include <kernel/format.h>
#include <kernel/percpu.h>
#include <kernel/work.h>
#include <mm/bad_page.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/test.h>

#define PATIENCE_MS 200

static uint64_t free_before;

static void nothing(struct work *work)
{
	(void)work;
}

/* All work queued before this has run. */
static void flush_work(void)
{
	static struct work mark = WORK_INIT(mark, nothing);

	cpu_for_each (cpu) {
		work_queue_on(cpu, &mark);
		work_flush(&mark);
	}
}

static uint64_t free_now(void)
{
	struct mm_statistics statistics;

	mm_drain();
	mm_statistics(&statistics);
	return statistics.free + statistics.bad;
}

/* Waiting for all CPUs is slow in an emulator: only where it can make a difference. */
static void before(void)
{
	static bool started;

	if (!started)
		flush_work();
	started = true;
	free_before = free_now();
}

static const char *leak(void)
{
	static char text[80];
	uint64_t now = free_now();

	for (unsigned ms = 0; now != free_before && ms < PATIENCE_MS; ms++) {
		flush_work();
		now = free_now();
		if (now != free_before)
			clock_delay_ns(NSEC_PER_MSEC);
	}
	if (now == free_before)
		return NULL;
	format(text, sizeof(text), "%lld pages leaked", (long long)(free_before - now));
	return text;
}

static const char *after(void)
{
	const char *problem = leak();

	bad_page_flush();
	return problem ? problem : mm_check_all();
}

TEST_INVARIANT(mm, before, after);

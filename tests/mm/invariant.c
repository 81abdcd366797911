// SPDX-License-Identifier: MIT
/*
 * After each test: the walk over all of memory finds nothing wrong, and somebody has as many
 * objects, and pages that are no slab's, as before: on which pages the objects lie is chance
 * where several CPUs have magazines. Threads are started and freed by deferred work, which is
 * waited for.
 */
#include <kernel/format.h>
#include <kernel/percpu.h>
#include <kernel/work.h>
#include <mm/bad_page.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <tests/test.h>
#include <string.h>

#define PATIENCE_MS 200

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

/* Objects that somebody has, magazines apart, and pages that are no slab's. */
struct holdings {
	int64_t objects;
	int64_t pages;
};

static struct holdings holdings_now(void)
{
	struct mm_statistics statistics;
	struct slab_cache_statistics cache;
	struct holdings holdings;

	mm_statistics(&statistics);
	holdings = (struct holdings){0, -(int64_t)(statistics.free + statistics.bad)};
	for (unsigned i = 0; slab_statistics(i, &cache); i++) {
		holdings.pages -= (int64_t)cache.pages;
		if (strcmp(cache.name, "magazine") != 0)
			holdings.objects += (int64_t)(cache.in_use - cache.cached);
	}
	return holdings;
}

static struct holdings held_before;

/* Waiting for all CPUs is slow in an emulator: only where it can make a difference. */
static void before(void)
{
	static bool started;

	if (!started)
		flush_work();
	started = true;
	mm_drain();
	held_before = holdings_now();
}

/* The pages come back within a while, if not at once: work may be on its way. */
static bool comes_true(bool (*condition)(void))
{
	for (unsigned ms = 0; ms < PATIENCE_MS; ms++) {
		if (condition())
			return true;
		flush_work();
		if (!condition())
			clock_delay_ns(NSEC_PER_MSEC);
	}
	return condition();
}

static bool all_is_back(void)
{
	struct holdings now;

	mm_drain();
	now = holdings_now();
	return now.objects == held_before.objects && now.pages == held_before.pages;
}

static const char *leak(void)
{
	static char text[80];
	struct holdings now;

	if (comes_true(all_is_back))
		return NULL;
	now = holdings_now();
	format(text, sizeof(text), "%lld objects and %lld pages leaked",
	       (long long)(now.objects - held_before.objects),
	       (long long)(now.pages - held_before.pages));
	return text;
}

static const char *after(void)
{
	const char *problem = leak();

	bad_page_flush();
	return problem ? problem : mm_check_all();
}

static struct holdings marked;

static void mark(void)
{
	marked = holdings_now();
}

/* When it undid its part, that is the end of the account; else work may still bring it back. */
static void ended(void)
{
	struct holdings now = holdings_now();

	if (now.objects <= marked.objects && now.pages <= marked.pages)
		marked = (struct holdings){INT64_MAX, INT64_MAX};
}

static bool call_was_undone(void)
{
	struct holdings now;

	mm_drain();
	now = holdings_now();
	return now.objects <= marked.objects && now.pages <= marked.pages;
}

static bool nothing_is_wrong(void)
{
	return mm_check_all() == NULL;
}

/* Threads of the test may still be on their way, and memory is sound only at rest. */
static const char *after_cut(void)
{
	static char text[100];
	struct holdings now;

	bad_page_flush();
	if (comes_true(call_was_undone))
		return comes_true(nothing_is_wrong) ? NULL : mm_check_all();
	now = holdings_now();
	format(text, sizeof(text), "the call that failed kept %lld objects and %lld pages",
	       (long long)(now.objects - marked.objects),
	       (long long)(now.pages - marked.pages));
	return text;
}

TEST_INVARIANT(mm, before, after, mark, ended, after_cut);

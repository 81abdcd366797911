// SPDX-License-Identifier: MIT
/*
 * Memory taken back ahead of need, with the smallest zone: the others are too large to be used
 * up on the hosted machine.
 */
#include <kernel/lock.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>
#include <mm/zone.h>
#include <platform/clock.h>
#include <tests/mm/reclaim_hold.h>
#include <tests/test.h>
#include <tests/wait.h>
#include <string.h>

#define LIMIT_NS (20 * NSEC_PER_SEC)
#define BATCH    32u

/* A cache of single pages that any thread may shrink. */
static struct lock_class cache_class = {.name = "reclaim thread test"};
static struct spin_lock cache_lock = SPIN_LOCK_INIT(&cache_class);
static struct list_head cache;
static uint64_t cached;
static const struct thread *tester;
static _Atomic unsigned scans, scans_by_others;

static uint64_t count(struct shrinker *shrinker, const struct shrink_request *request)
{
	struct irq_state irq = spin_lock_irqsave(&cache_lock);
	uint64_t pages = cached;

	(void)shrinker;
	(void)request;
	spin_unlock_irqrestore(&cache_lock, irq);
	return pages ? pages : SHRINK_EMPTY;
}

static struct page *cache_take(void)
{
	struct irq_state irq = spin_lock_irqsave(&cache_lock);
	struct page *page = NULL;

	if (!list_is_empty(&cache)) {
		page = list_first(&cache, struct page, list);
		list_del(&page->list);
		cached--;
	}
	spin_unlock_irqrestore(&cache_lock, irq);
	return page;
}

static uint64_t scan(struct shrinker *shrinker, struct shrink_request *request)
{
	uint64_t freed = 0;
	struct page *page;

	(void)shrinker;
	atomic_fetch_add(&scans, 1);
	if (thread_current() != tester)
		atomic_fetch_add(&scans_by_others, 1);
	while (freed < request->nr_to_scan && (page = cache_take()) != NULL) {
		page_put(page);
		freed++;
	}
	return freed ? freed : SHRINK_STOP;
}

static struct shrinker *
new_shrinker(uint64_t (*counts)(struct shrinker *, const struct shrink_request *),
	     uint64_t (*scans_some)(struct shrinker *, struct shrink_request *))
{
	const struct shrinker_attributes attributes = {.name = "test",
						       .count = counts,
						       .scan = scans_some,
						       .seeks = SHRINK_SEEKS,
						       .batch = BATCH};
	struct shrinker *shrinker = shrinker_alloc(&attributes);

	NEED(shrinker, "no memory for a shrinker");
	return shrinker;
}

static struct shrinker *cache_start(void)
{
	struct shrinker *shrinker = new_shrinker(count, scan);

	list_init(&cache);
	cached = 0;
	tester = thread_current();
	atomic_store(&scans, 0);
	atomic_store(&scans_by_others, 0);
	shrinker_register(shrinker);
	return shrinker;
}

static void cache_end(struct shrinker *shrinker)
{
	struct page *page;

	shrinker_free(shrinker);
	while ((page = cache_take()) != NULL)
		page_put(page);
}

static bool all_are_high(void)
{
	for (unsigned i = 0; i < zone_count; i++)
		if (!zone_has(zones[i], zones[i]->high))
			return false;
	return true;
}

TEST(reclaim_thread, zone_below_low_is_filled_up_to_high_and_no_further)
{
	struct zone *zone = zones[0];
	uint64_t end = clock_ns() + LIMIT_NS;
	struct shrinker *shrinker;
	struct page *page;

	if (zone->type != ZONE_DMA || !all_are_high())
		SKIP("this machine has no DMA zone to fill");
	shrinker = cache_start();
	/* Requests as an interrupt handler makes them: they help themselves to nothing. The
	 * thread sleeps for a moment after it woke for nothing, so they go on. */
	while (atomic_load(&scans) == 0 && clock_ns() < end) {
		struct irq_state irq;

		page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN);
		if (!page) {
			thread_sleep_ns(NSEC_PER_MSEC);
			continue;
		}
		irq = spin_lock_irqsave(&cache_lock);
		list_add_tail(&cache, &page->list);
		cached++;
		spin_unlock_irqrestore(&cache_lock, irq);
	}
	while (!zone_has(zone, zone->high) && clock_ns() < end)
		thread_sleep_ns(NSEC_PER_MSEC);
	CHECK(zone_has(zone, zone->high));
	CHECK(atomic_load(&scans_by_others) > 0);
	CHECK_EQ(atomic_load(&scans), atomic_load(&scans_by_others));
	shrinker_free(shrinker);
	CHECK(cached > zone->frames.usable / 4);
	while ((page = cache_take()) != NULL)
		page_put(page);
}

TEST(reclaim_thread, nothing_is_shrunk_while_all_zones_are_high)
{
	struct reclaim_statistics before, after;
	struct reclaim_hold hold;
	struct shrinker *shrinker;
	struct page *page;

	if (!all_are_high())
		SKIP("this machine has no DMA zone to fill");
	shrinker = cache_start();
	page = page_alloc(NODE_ANY, 0, 0);
	REQUIRE(page);
	reclaim_hold(&hold); /* a round that began when they were not may still be under way */
	list_add_tail(&cache, &page->list);
	cached = 1;
	reclaim_statistics(&before);
	CHECK_EQ(reclaim_balance(), 0);
	reclaim_statistics(&after);
	CHECK(after.rounds > before.rounds);
	CHECK_EQ(atomic_load(&scans), 0);
	CHECK_EQ(cached, 1);
	reclaim_let_go(&hold);
	cache_end(shrinker);
}

#ifdef QUIRE_TEST_HOOKS
static uint64_t rounds_now(void)
{
	struct reclaim_statistics now;

	reclaim_statistics(&now);
	return now.rounds;
}

TEST(reclaim_thread, zone_that_gets_low_on_the_way_to_sleep_is_looked_at)
{
	struct reclaim_hold hold;
	uint64_t rounds;

	reclaim_hold(&hold);
	rounds = rounds_now();
	reclaim_wake();
	reclaim_let_go(&hold);
	WAIT_FOR(rounds_now() > rounds);
}
#endif

#define MISSING 100u
#define PASSES  20u

/* A cache of which every pass frees what it is asked for, and others use it at once. */
static uint64_t passes, asked[PASSES], given;
static uint64_t old_high;

static uint64_t count_passes(struct shrinker *shrinker, const struct shrink_request *request)
{
	(void)shrinker;
	(void)request;
	if (++passes > PASSES)
		zones[0]->high = old_high;
	return UINT64_C(1) << 20;
}

static uint64_t scan_for_others(struct shrinker *shrinker, struct shrink_request *request)
{
	(void)shrinker;
	if (passes <= PASSES)
		asked[passes - 1] += request->nr_to_scan;
	return given ? given : SHRINK_STOP;
}

/* Nothing but this cache can be shrunk, and the first zone misses some pages. The thread, which
 * an earlier test may have woken, does not look at it meanwhile. */
static void balance_in_vain(uint64_t gives)
{
	struct shrinker *shrinker = new_shrinker(count_passes, scan_for_others);
	struct reclaim_hold hold;

	reclaim_hold(&hold);
	while (shrink_node(0, 0) > 0)
		;
	passes = 0;
	memset(asked, 0, sizeof(asked));
	given = gives;
	old_high = zones[0]->high;
	zones[0]->high = frames_free(&zones[0]->frames) - BLOCK_FRAMES + MISSING;
	shrinker_register(shrinker);
	(void)reclaim_balance();
	zones[0]->high = old_high;
	reclaim_let_go(&hold);
	shrinker_free(shrinker);
}

TEST(reclaim_thread, it_presses_no_harder_while_it_gets_enough_and_others_use_it)
{
	if (!all_are_high())
		SKIP("memory is short already");
	balance_in_vain(MISSING);
	CHECK_EQ(passes, PASSES + 1);
	for (unsigned pass = 1; pass < PASSES; pass++)
		CHECK_EQ(asked[pass], asked[0]);
}

TEST(reclaim_thread, it_presses_harder_each_time_it_gets_too_little)
{
	if (!all_are_high())
		SKIP("memory is short already");
	balance_in_vain(0);
	CHECK_EQ(passes, SHRINK_PRIORITY_LIGHT + 1);
}

// SPDX-License-Identifier: MIT
/*
 * The live machine's zones and ranges.
 */
#include <tests/kernel/threads.h>
#include <tests/mm/bad_page_fixture.h>
#include <kernel/hook.h>
#include <mm/ranges.h>
#include <mm/zone.h>

TEST(zone, zones_are_sorted_apart_and_of_one_reach)
{
	REQUIRE(zone_count >= 1);
	for (unsigned i = 0; i < zone_count; i++) {
		const struct zone *zone = zones[i];

		CHECK(zone->start.nr < zone->end.nr);
		CHECK(zone->base.nr <= zone->start.nr);
		CHECK(is_aligned(zone->base.nr, 1024));
		if (i > 0)
			CHECK(zones[i - 1]->end.nr <= zone->base.nr);
		if (zone->type < PLATFORM_DMA_ZONES)
			CHECK(pfn_to_phys(zone->end).addr <=
			      platform_dma_zone_end[zone->type].addr);
		CHECK(zone_of(zone->start) == zone);
		CHECK(zone_of(pfn(zone->end.nr - 1)) == zone);
		CHECK(zone_of(zone->end) != zone);
		CHECK_EQ(zone->frames.usable, ranges_overlap(zone->start.nr, zone->end.nr));
		CHECK(zone->frames.usable <= zone->ram);
	}
}

TEST(zone, page_0_is_nobodys)
{
	const struct ram_range *end;
	const struct ram_range *range = ranges_from(0, &end);

	REQUIRE(range < end);
	CHECK(range->start > 0);
	CHECK_EQ(ranges_overlap(0, 1), 0);
	CHECK(!zone_of(pfn(0)));
}

TEST(zone, ranges_are_found_by_binary_search)
{
	const struct ram_range *end;
	const struct ram_range *first = ranges_from(0, &end);

	for (const struct ram_range *range = first; range < end; range++) {
		const struct ram_range *stop;

		CHECK(ranges_from(range->start, &stop) == range);
		CHECK(ranges_from(range->end - 1, &stop) == range);
		CHECK(ranges_from(range->end, &stop) == range + 1);
		CHECK_EQ(ranges_overlap(range->start, range->end), range->end - range->start);
	}
	CHECK(first < end);
}

TEST(zone, lookup_finds_records_that_are_valid)
{
	struct folio *folio = folio_alloc(NODE_ANY, 0, 0, NULL);

	REQUIRE(folio);
	CHECK(page_lookup(page_to_pfn(&folio->page)) == &folio->page);
	CHECK(page_node(&folio->page) == page_zone(&folio->page)->node);
	CHECK(!page_lookup(pfn(UINT64_MAX >> PAGE_SHIFT)));
	CHECK(!page_lookup(zones[zone_count - 1]->end));
	folio_put(folio);
}

TEST(zone, watermarks_rise_from_min_to_low_to_high)
{
	for (unsigned i = 0; i < zone_count; i++) {
		const struct zone *zone = zones[i];
		uint64_t min = zone->reserve[zone->type];

		CHECK_EQ(min,
			 MIN(MAX(zone->frames.usable / 256, 256), zone->frames.usable / 8));
		CHECK_EQ(zone->low, min + min / 4);
		CHECK_EQ(zone->high, min + min / 2);
		CHECK(zone->high <= zone->frames.usable);
		/* What may be asked of higher zones leaves more. */
		for (unsigned type = zone->type; type < ZONE_TYPES; type++)
			CHECK(zone->reserve[type] >= min);
	}
}

/* A request that is not atomic leaves the reserve; one that is may use it. */
TEST(zone, reserve_is_left_to_atomic_requests)
{
	struct zone *zone = zone_of(pfn(zones[0]->start.nr));
	struct page *list = NULL;
	struct page *page;
	uint64_t taken = 0;
	uint64_t extra = 0;

	if (zone->type != ZONE_DMA)
		SKIP("this machine has no DMA zone to fill");
	reports_expect();
	while ((page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN)) != NULL) {
		page->private = (uintptr_t)list;
		list = page;
		taken++;
	}
	zones_drain(); /* this thread may have been moved away from a CPU that keeps some */
	page = page_alloc(NODE_ANY, 0, FOLIO_DMA);
	CHECK(!page);
	if (page)
		page_put(page);
	CHECK(frames_free(&zone->frames) > 0);
	while ((page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN | FOLIO_ATOMIC)) !=
	       NULL) {
		page->private = (uintptr_t)list;
		list = page;
		extra++;
	}
	CHECK_EQ(frames_free(&zone->frames), 0);
	(void)reports_end();
	CHECK(taken > 100);
	CHECK(extra > 0);
	while (list) {
		page = list;
		list = (struct page *)(uintptr_t)page->private;
		page_put(page);
	}
}

#ifdef QUIRE_TEST_HOOKS
#define MOVED 512

static struct {
	struct zone *zone;
	unsigned flags;
	struct page *there[MOVED]; /* freed by CPU 0 while another one counts, */
	struct page *here[MOVED];  /* which gets as many */
	unsigned got;
	bool bulk; /* the request under test, and its page */
	struct page *page;
	_Atomic unsigned step; /* 1: free them, 2: they are */
} moved;

static int free_there(void *unused)
{
	(void)unused;
	while (atomic_load(&moved.step) == 0)
		thread_yield();
	page_free_bulk(moved.there, MOVED);
	atomic_store(&moved.step, 2);
	return 0;
}

/* CPU 0 is counted, this one is not. */
static void move_meanwhile(struct hook *hook)
{
	(void)hook;
	if (atomic_load(&moved.step))
		return;
	atomic_store(&moved.step, 1);
	while (atomic_load(&moved.step) == 1)
		cpu_relax();
	moved.got = page_alloc_bulk((int)moved.zone->node, moved.flags | FOLIO_ATOMIC,
				    moved.here, MOVED);
}

static int ask_here(void *unused)
{
	struct hook hook = {.name = "frames_free_counted",
			    .function = move_meanwhile,
			    .only = thread_current()};
	int node = (int)moved.zone->node;

	(void)unused;
	zones_drain();
	hook_attach(&hook);
	if (!moved.bulk)
		moved.page = page_alloc(node, 0, moved.flags);
	else if (page_alloc_bulk(node, moved.flags, &moved.page, 1) == 0)
		moved.page = NULL;
	hook_detach(&hook);
	if (atomic_load(&moved.step) == 0)
		atomic_store(&moved.step, 1);
	return 0;
}

/* So much is free all the time, but looks like less than the reserve. */
static void ask_while_frames_move(bool bulk)
{
	static const unsigned only[ZONE_TYPES] = {
		[ZONE_DMA] = FOLIO_DMA, [ZONE_DMA32] = FOLIO_DMA32, [ZONE_NORMAL] = 0};
	struct zone *zone = zones[0];
	uint64_t *reserve = &zone->reserve[zone->type];
	uint64_t before = *reserve;
	struct thread *threads[2];
	unsigned count;

	memset(&moved, 0, sizeof(moved));
	moved.zone = zone;
	moved.bulk = bulk;
	moved.flags = only[zone->type] | FOLIO_THIS_NODE | FOLIO_NOWARN;
	count = page_alloc_bulk((int)zone->node, moved.flags, moved.there, MOVED);
	if (count < MOVED)
		page_free_bulk(moved.there, count);
	NEED(count == MOVED, "no pages of the first zone");
	*reserve = frames_free(&zone->frames) - BLOCK_FRAMES - MOVED / 2;
	threads[0] = test_thread_try(free_there, NULL, 0);
	threads[1] = threads[0] ? test_thread_try(ask_here, NULL, cpu_count() - 1) : NULL;
	if (!threads[1])
		atomic_store(&moved.step, 1);
	if (!threads[0])
		free_there(NULL);
	for (unsigned i = 0; i < 2; i++)
		if (threads[i])
			thread_join(threads[i]);
	*reserve = before;
	page_free_bulk(moved.here, moved.got);
	NEED(threads[1], "no memory for threads");
	CHECK(moved.page);
	if (moved.page)
		page_put(moved.page);
}

/* Frames that go from one CPU to another while they are counted are missing nowhere. */
TEST(zone, request_is_not_refused_for_frames_on_their_way_between_cpus)
{
	if (cpu_count() == 1) {
		CHECK_EQ(frames_free_most(&zones[0]->frames), frames_free(&zones[0]->frames));
		return;
	}
	ask_while_frames_move(false);
	ask_while_frames_move(true);
}
#endif

TEST(zone, free_pages_are_the_free_blocks_of_order_0)
{
	for (unsigned i = 0; i < zone_count; i++)
		CHECK_EQ(zone_available(zones[i], 0), frames_free(&zones[i]->frames));
}

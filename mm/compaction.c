// SPDX-License-Identifier: MIT
/*
 * A range is evacuated in three steps: its free frames are taken, so that nobody, and least of
 * all we, puts anything there; its pages are isolated; each is moved and its frame taken at
 * once. One evacuation at a time: two would move pages into each other's ranges.
 */
#include <mm/compaction.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/hook.h>
#include <kernel/mutex.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/zone.h>
#include <mm/zone_internal.h>

/* So many usable blocks are compared; the one with the fewest pages to move is evacuated. */
#define CANDIDATES_COMPARED 32
#define NOT_MOVABLE         UINT64_MAX
#define FREE_BATCH          64

static struct mutex compaction_lock = MUTEX_INIT(compaction_lock);
/* compaction_lock: where the search goes on, a frame of the zone. */
static uint64_t cursors[ZONES_MAX];
static _Atomic uint64_t requests, blocks, busy_ranges;

/* One frame that should be free becomes ours. */
static int capture(struct pfn f, struct list_head *captured)
{
	struct pfn busy;
	int error = page_alloc_range(f, 1, 0, &busy);

	if (!error)
		list_add_tail(captured, &pfn_to_page(f)->list);
	return error;
}

/* Free frames to `captured`, pages that can move to `isolated`; any other ends it. */
static int collect(struct zone *zone, struct pfn start, uint64_t count,
		   struct list_head *captured, struct list_head *isolated, struct pfn *busy)
{
	for (*busy = start; busy->nr < start.nr + count; busy->nr++) {
		bool taken;
		int error;

		if (!frames_is_open(&zone->frames, zone_frame(zone, *busy)))
			taken = false;
		else
			taken = frames_is_taken(&zone->frames, zone_frame(zone, *busy));
		error = taken ? -EBUSY : capture(*busy, captured);
		if (error == -EBUSY && movable_isolate(pfn_to_page(*busy))) {
			list_add_tail(isolated, &pfn_to_page(*busy)->list);
			continue;
		}
		if (error)
			return error;
	}
	return 0;
}

static int move_all(struct list_head *isolated, struct list_head *captured, struct pfn *busy)
{
	while (!list_is_empty(isolated)) {
		struct page *page = list_first(isolated, struct page, list);
		struct list_head one = LIST_INIT(one);
		int error;

		*busy = page_to_pfn(page);
		list_del(&page->list);
		list_add_tail(&one, &page->list);
		if (migrate_pages(&one) == 0) {
			list_splice_tail(&one, isolated);
			return -EBUSY;
		}
		HOOK(compaction_moved);
		error = capture(*busy, captured);
		if (error)
			return error;
	}
	return 0;
}

/* Captured pages, as an allocation gives them. */
static void unlink_all(struct list_head *captured)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, captured, list)
		page->list = (struct list_head){NULL, NULL};
	list_init(captured);
}

static void free_captured(struct list_head *captured)
{
	struct page *batch[FREE_BATCH];

	while (!list_is_empty(captured)) {
		unsigned count = 0;

		while (count < FREE_BATCH && !list_is_empty(captured)) {
			struct page *page = list_first(captured, struct page, list);

			list_del(&page->list);
			page->list = (struct list_head){NULL, NULL};
			batch[count++] = page;
		}
		page_free_bulk(batch, count);
	}
}

static int evacuate(struct zone *zone, struct pfn start, uint64_t count, struct pfn *busy)
{
	struct list_head captured = LIST_INIT(captured);
	struct list_head isolated = LIST_INIT(isolated);
	int error = collect(zone, start, count, &captured, &isolated, busy);

	if (!error)
		error = move_all(&isolated, &captured, busy);
	migrate_putback(&isolated);
	if (error)
		free_captured(&captured);
	else
		unlink_all(&captured);
	return error;
}

int page_alloc_evacuated(struct pfn start, uint64_t count, struct pfn *busy)
{
	struct zone *zone = zone_of(start);
	int error;

	if (!zone || count == 0 || count > zone->end.nr - start.nr)
		return -EINVAL;
	mutex_lock(&compaction_lock);
	error = evacuate(zone, start, count, busy);
	mutex_unlock(&compaction_lock);
	return error;
}

/* Pages that would have to move out of an aligned range of open frames. */
static uint64_t pages_to_move(const struct zone *zone, uint64_t first, uint64_t count)
{
	uint64_t pages = 0;

	for (uint64_t frame = first; frame < first + count; frame++) {
		const struct page *page = pfn_to_page(pfn(zone->base.nr + frame));

		if (!frames_is_taken(&zone->frames, frame))
			continue;
		if (!page_flag_test(page, PAGE_MOVABLE_OPS) ||
		    page_flag_test(page, PAGE_MOVABLE_OPS_ISOLATED))
			return NOT_MOVABLE;
		pages++;
	}
	return pages;
}

/* The range of 2^order to evacuate, or FRAMES_NONE; once round the zone at most. A range that
 * is free already is none: then it is the reserve that says no. */
static uint64_t choose(struct zone *zone, unsigned order)
{
	uint64_t unit = UINT64_C(1) << order;
	uint64_t end = atomic_load(&zone->frames.frontier) * BLOCK_FRAMES / unit * unit;
	uint64_t best = FRAMES_NONE, least = NOT_MOVABLE;
	uint64_t *cursor = &cursors[zone->number];
	unsigned seen = 0;

	for (uint64_t i = 0; i < end && seen < CANDIDATES_COMPARED; i += unit) {
		uint64_t first = *cursor / unit * unit, pages;

		if (first >= end)
			first = 0;
		*cursor = first + unit;
		pages = pages_to_move(zone, first, unit);
		if (pages == 0 || pages == NOT_MOVABLE)
			continue;
		seen++;
		if (pages < least) {
			least = pages;
			best = first;
		}
	}
	return best;
}

static bool compact_zone(struct zone *zone, unsigned order)
{
	for (unsigned attempt = 0; attempt < COMPACTION_ATTEMPTS; attempt++) {
		uint64_t first = choose(zone, order);
		struct pfn busy, start = pfn(zone->base.nr + first);

		if (first == FRAMES_NONE)
			return false;
		if (evacuate(zone, start, UINT64_C(1) << order, &busy) == 0) {
			struct list_head all = LIST_INIT(all);

			for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
				list_add_tail(&all, &pfn_to_page(pfn(start.nr + i))->list);
			free_captured(&all);
			atomic_fetch_add(&blocks, 1);
			return true;
		}
		atomic_fetch_add(&busy_ranges, 1);
	}
	return false;
}

bool compaction_is_mine(void)
{
	return mutex_is_held(&compaction_lock);
}

bool compact(int node, unsigned order, unsigned flags)
{
	bool made = false;

	atomic_fetch_add(&requests, 1);
	mutex_lock(&compaction_lock);
	for (unsigned i = 0; i < zone_count && !made; i++)
		if (zone_serves(zones[i], node, flags))
			made = compact_zone(zones[i], order);
	mutex_unlock(&compaction_lock);
	return made;
}

void compaction_statistics(struct compaction_statistics *statistics)
{
	statistics->requests = atomic_load(&requests);
	statistics->blocks = atomic_load(&blocks);
	statistics->busy = atomic_load(&busy_ranges);
}

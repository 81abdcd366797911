// SPDX-License-Identifier: MIT
/*
 * See block.h. A bad record found while allocating costs one block, which is dropped for good,
 * and the request goes on with another.
 */
#include <mm/block.h>
#include <mm/reclaim.h>
#include <kernel/assert.h>
#include <kernel/log.h>

/* All records of a whole 2 MiB block were seen to be zero. */
static void clear_written(struct zone *zone, const struct page *page, unsigned order)
{
	uint64_t frame = zone_frame(zone, page_to_pfn(page));

	if (order < BLOCK_ORDER)
		return;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i += BLOCK_FRAMES)
		frames_clear_written(&zone->frames, frame + i);
}

void block_walk_unmarked(const struct page *page, unsigned order)
{
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++)
		ASSERT(page_is_zero(page + i));
}

/* The constituents; false after a report. */
static bool walk_alloc(struct zone *zone, struct page *page, unsigned order)
{
	uint64_t bad = 0;

	for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
		const char *reason = page_check_alloc(page + i);

		if (!reason)
			continue;
		bad_page(page + i, "alloc", reason, bad++ ? 0 : UINT64_C(1) << order);
	}
	if (bad == 0)
		clear_written(zone, page, order);
	return bad == 0;
}

bool block_check_alloc(struct zone *zone, struct page *page, unsigned order)
{
	const char *reason = page_check_alloc(page);

	if (reason) {
		bad_page(page, "alloc", reason, UINT64_C(1) << order);
		return false;
	}
	return !block_needs_walk(zone, page, order) || walk_alloc(zone, page, order);
}

static void warn(int node, unsigned order)
{
	static _Atomic unsigned warned;

	if (atomic_fetch_add(&warned, 1) < 10)
		log_warn("mm: no block of %llu KiB for node %d: free memory, or give the "
			 "machine more",
			 (unsigned long long)PAGE_SIZE >> 10 << order, node);
}

_Atomic uint64_t block_large_got, block_large_failed;

struct page *block_alloc(int node, unsigned order, unsigned flags, struct zone **zone)
{
	struct page *page;

	do {
		page = zones_get(node, order, flags, zone);
		if (!page && flags & FOLIO_MAY_SLEEP)
			page = reclaim_block(node, order, flags, zone);
		if (!page) {
			block_large_count(&block_large_failed, order, flags);
			if (!(flags & FOLIO_NOWARN))
				warn(node, order);
			return NULL;
		}
	} while (UNLIKELY(!block_check_alloc(*zone, page, order)));
	block_large_count(&block_large_got, order, flags);
	if (flags & FOLIO_ZERO)
		memset(page_to_virt(page), 0, PAGE_SIZE << order);
	return page;
}

/* The constituents; false when the block is bad, as it is already when not `good`. */
static bool walk_free(struct page *page, unsigned order, bool good)
{
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
		const char *reason = page_check_free(page + i, true);

		if (!reason) {
			page_clear(page + i);
			continue;
		}
		bad_page(page + i, "free", reason, good ? UINT64_C(1) << order : 0);
		good = false;
	}
	return good;
}

void block_free(struct zone *zone, struct page *page, unsigned order)
{
	const char *reason = page_check_free(page, false);
	bool good = !reason;

	if (!good)
		bad_page(page, "free", reason, UINT64_C(1) << order);
	if (block_needs_walk(zone, page, order))
		good = walk_free(page, order, good);
	if (!good)
		return;
	page_clear(page);
	block_put_cleared(zone, page, order);
}

void block_put_cleared(struct zone *zone, struct page *page, unsigned order)
{
	if (UNLIKELY(!zone_put(zone, zone_frame(zone, page_to_pfn(page)), order)))
		block_report_double_free(page);
}

void block_report_double_free(struct page *page)
{
	bad_page(page, "free", "not taken in this form: double free", 0);
}

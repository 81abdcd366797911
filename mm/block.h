// SPDX-License-Identifier: MIT
/*
 * Blocks: frames together with their page records, between the zones and the folio interface.
 * Here the checks of spec-folio section 5 run, on the first record always, on the others when
 * the mark of B-0 says that one was written on its own (in test builds always). What an
 * untroubled block costs is inline here: the whole first record in a few words, the mark, the
 * zone.
 */
#ifndef MM_BLOCK_H
#define MM_BLOCK_H

#include <mm/bad_page.h>
#include <mm/folio.h>
#include <mm/zone.h>

#if defined(QUIRE_TEST_HOOKS)
#define BLOCK_ALWAYS_WALK true
#else
#define BLOCK_ALWAYS_WALK false
#endif

/* Test builds hold B-0 to its word: without a mark every later record is zero, or a panic. */
void block_walk_unmarked(const struct page *page, unsigned order);

/* Are there later records to look at? Orders above BLOCK_ORDER cover more than one mark. */
static inline bool block_later_written(const struct zone *zone, const struct page *page,
				       uint64_t frame, unsigned order)
{
	if (frames_is_written(&zone->frames, frame) ||
	    (order > BLOCK_ORDER && frames_is_written(&zone->frames, frame + BLOCK_FRAMES)))
		return true;
	if (BLOCK_ALWAYS_WALK)
		block_walk_unmarked(page, order);
	return false;
}

static inline bool block_needs_walk(const struct zone *zone, const struct page *page,
				    unsigned order)
{
	return order != 0 &&
	       block_later_written(zone, page, zone_frame(zone, page_to_pfn(page)), order);
}

/* A checked block with all-zero records and its zone; the caller publishes it. FOLIO_* flags.
 */
struct page *block_alloc(int node, unsigned order, unsigned flags,
			 struct zone **zone) MUST_CHECK;

/* Requests for 2 MiB and more since boot, but for those that only take what lies about. */
extern _Atomic uint64_t block_large_got, block_large_failed;

static inline void block_large_count(_Atomic uint64_t *counter, unsigned order, unsigned flags)
{
	if (UNLIKELY(order >= BLOCK_ORDER && !(flags & FOLIO_NORETRY)))
		atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* The checks at hand-out, and the walk; false: reported, and withheld for good. */
bool block_check_alloc(struct zone *zone, struct page *page, unsigned order) MUST_CHECK;

/* Give a block its shape and one reference, in the order that page_try_get() relies on. */
static inline void block_publish(const struct zone *zone, struct page *page,
				 enum page_kind kind, unsigned order)
{
	page->zone = zone->number;
	atomic_store_explicit(&page->shape, page_shape_of(kind, order), memory_order_relaxed);
	atomic_store_explicit(&page->refcount, 1, memory_order_release);
}

/* A block whose first page has no reference left, with its old shape; a bad one is reported
 * and withheld. */
void block_free(struct zone *zone, struct page *page, unsigned order);
/* Checked and cleared already: to its zone; a double free is reported. */
void block_put_cleared(struct zone *zone, struct page *page, unsigned order);
void block_report_double_free(struct page *page) COLD;

#endif

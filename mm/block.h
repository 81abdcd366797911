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
#include <platform/irq.h>

#if defined(QUIRE_TEST_HOOKS)
#define BLOCK_ALWAYS_WALK true
#else
#define BLOCK_ALWAYS_WALK false
#endif

/* Later records to look at. Orders above BLOCK_ORDER cover more than one mark. */
static inline bool block_needs_walk(const struct zone *zone, uint64_t frame, unsigned order)
{
	if (order == 0)
		return false;
	return BLOCK_ALWAYS_WALK || frames_is_written(&zone->frames, frame) ||
	       (order > BLOCK_ORDER && frames_is_written(&zone->frames, frame + BLOCK_FRAMES));
}

/* A checked block with all-zero records and its zone; the caller publishes it. FOLIO_* flags.
 */
struct page *block_alloc(int node, unsigned order, unsigned flags,
			 struct zone **zone) MUST_CHECK;

/* The checks at hand-out, and the walk; false: reported, and withheld for good. */
bool block_check_alloc(struct zone *zone, struct page *page, unsigned order) MUST_CHECK;

/* The same, inline for a block without a trace of an owner. */
static ALWAYS_INLINE MUST_CHECK bool block_passes(struct zone *zone, struct page *page,
						  uint64_t frame, unsigned order)
{
	return LIKELY(page_is_zero(page) && !block_needs_walk(zone, frame, order)) ||
	       block_check_alloc(zone, page, order);
}

/* What this CPU has at hand in the zone, by number there, or FRAMES_NONE. No reserve is looked
 * at: it was when the CPU got its stock. */
static inline MUST_CHECK uint64_t zone_get_near(struct zone *zone, unsigned order)
{
	struct irq_state irq = irq_save();
	uint64_t frame = frames_get_owned(&zone->frames, cpu_current(), order);

	irq_restore(irq);
	return frame;
}

/* Give a block its shape and one reference, in the order that page_try_get() relies on. */
static inline void block_publish(const struct zone *zone, struct page *page,
				 enum page_kind kind, unsigned order)
{
	page->zone = zone->number;
	atomic_store_explicit(&page->shape, page_shape_of(kind, order), memory_order_relaxed);
	atomic_store_explicit(&page->refcount, 1, memory_order_release);
}

void block_report_double_free(struct page *page) COLD;

/* A block whose first page has no reference left, with its old shape; a bad one is reported
 * and withheld. */
void block_free(struct zone *zone, struct page *page, unsigned order);

/* The same for a block without a trace of its owner; false: nothing done. */
static ALWAYS_INLINE MUST_CHECK bool block_free_plain(struct zone *zone, struct page *page,
						      unsigned order)
{
	uint64_t frame = zone_frame(zone, page_to_pfn(page));

	if (UNLIKELY(!page_is_plain(page) || block_needs_walk(zone, frame, order)))
		return false;
	page_clear_plain(page);
	if (UNLIKELY(!zone_put(zone, frame, order)))
		block_report_double_free(page);
	return true;
}

#endif

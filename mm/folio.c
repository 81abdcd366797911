// SPDX-License-Identifier: MIT
/*
 * Folios and their references. The head of a tail is not stored in the tail: heads lie at
 * multiples of their size, so one of ten records knows it.
 */
#include <mm/folio.h>
#include <mm/bad_page.h>
#include <mm/block.h>
#include <mm/memcg.h>
#include <mm/reclaim.h>
#include <mm/reference.h>
#include <kernel/assert.h>
#include <kernel/fault.h>
#include <kernel/hook.h>

/* What a request may not ask if the nearest zone's frames at hand are to do. */
#define NOT_NEAR (FOLIO_ZERO | FOLIO_DMA | FOLIO_DMA32 | FOLIO_THIS_NODE)

static struct folio *head_of(const struct page *page)
{
	return (struct folio *)(uintptr_t)page;
}

struct folio *page_folio(const struct page *page)
{
	uint64_t nr = page_to_pfn(page).nr;

	if (page_kind(page) != PAGE_KIND_NONE)
		return head_of(page);
	for (unsigned order = 1; order <= FOLIO_ORDER_MAX; order++) {
		const struct page *head = page_array + align_down(nr, UINT64_C(1) << order);
		uint16_t shape = atomic_load_explicit(&head->shape, memory_order_acquire);

		if (shape >= page_shape_of(PAGE_KIND_HEAD, order) &&
		    shape <= page_shape_of(PAGE_KIND_HEAD, FOLIO_ORDER_MAX))
			return head_of(head);
	}
	return head_of(page);
}

static ALWAYS_INLINE struct folio *published(const struct zone *zone, struct page *page,
					     unsigned order)
{
	block_publish(zone, page, order ? PAGE_KIND_HEAD : PAGE_KIND_SINGLE, order);
	return head_of(page);
}

/* Charged, zeroed, from any zone: the whole request. */
static NOINLINE struct folio *alloc_slowly(int node, unsigned order, unsigned flags,
					   struct memcg *memcg)
{
	struct zone *zone;
	struct page *page;

	ASSERT(order <= FOLIO_ORDER_MAX);
	if (!memcg_charge(memcg, UINT64_C(1) << order))
		return NULL;
	page = block_alloc(node, order, flags, &zone);
	if (!page) {
		memcg_uncharge(memcg, UINT64_C(1) << order);
		return NULL;
	}
	page->memcg = memcg;
	return published(zone, page, order);
}

/* A block that is at hand and passes the checks, or the whole way. */
static NOINLINE struct folio *alloc_large(int node, unsigned order, unsigned flags)
{
	struct zone *zone;
	struct page *page;
	uint64_t frame;

	ASSERT(order <= FOLIO_ORDER_MAX);
	frame = zone_get_near(node, order, &zone);
	if (UNLIKELY(frame == FRAMES_NONE))
		return alloc_slowly(node, order, flags, NULL);
	page = pfn_to_page(pfn(zone->base.nr + frame));
	if (UNLIKELY(!(page_is_zero(page) && !block_later_written(zone, page, frame, order)) &&
		     !block_check_alloc(zone, page, order)))
		return alloc_slowly(node, order, flags, NULL);
	block_large_count(&block_large_got, order, flags);
	block_publish(zone, page, PAGE_KIND_HEAD, order);
	return head_of(page);
}

/* The page at hand is not as it should be; another one if it is reported. */
static NOINLINE COLD struct folio *alloc_checked(int node, unsigned flags, struct zone *zone,
						 struct page *page)
{
	if (!block_check_alloc(zone, page, 0))
		return alloc_slowly(node, 0, flags, NULL);
	return published(zone, page, 0);
}

/* No call but at its end: a single page needs no register saved. */
struct folio *folio_alloc(int node, unsigned order, unsigned flags, struct memcg *memcg)
{
	struct zone *zone;
	struct page *page;
	uint64_t frame;

	reclaim_check_context(flags);
	if (FAULT_INJECTED())
		return NULL;
	if (UNLIKELY(memcg || flags & NOT_NEAR))
		return alloc_slowly(node, order, flags, memcg);
	if (order)
		return alloc_large(node, order, flags);
	frame = zone_get_at_hand(node, &zone);
	if (UNLIKELY(frame == FRAMES_NONE))
		return alloc_slowly(node, 0, flags, NULL);
	page = pfn_to_page(pfn(zone->base.nr + frame));
	if (UNLIKELY(!page_is_zero(page)))
		return alloc_checked(node, flags, zone, page);
	block_publish(zone, page, PAGE_KIND_SINGLE, 0);
	return head_of(page);
}

/* With a group to uncharge, something to clear, a report to make. A constituent of a raw block
 * that got here went through get and put on its own: the bug of 2005. */
static NOINLINE void release_slowly(struct folio *folio)
{
	struct page *page = &folio->page;
	struct memcg *memcg = page->memcg;
	unsigned order = folio_order(folio);

	if (page_kind(page) == PAGE_KIND_NONE) {
		bad_page(page, "put", "freed part of a raw block", 0);
		return;
	}
	if (order > FOLIO_ORDER_MAX) {
		bad_page(page, "put", "order beyond the largest", 1);
		return;
	}
	page->memcg = NULL;
	memcg_uncharge(memcg, UINT64_C(1) << order);
	block_free(page_zone(page), page, order);
}

/* A compound block of an order that exists, without a trace of its owner; others slowly. */
static NOINLINE void release_large(struct folio *folio)
{
	struct page *page = &folio->page;
	unsigned shape = atomic_load_explicit(&page->shape, memory_order_relaxed);
	struct zone *zone = page_zone_named(page);
	unsigned order = shape & 0xff;
	uint64_t frame;

	if (UNLIKELY(!zone || shape - page_shape_of(PAGE_KIND_HEAD, 1) >= FOLIO_ORDER_MAX ||
		     !page_is_plain(page))) {
		release_slowly(folio);
		return;
	}
	frame = zone_frame(zone, page_to_pfn(page));
	if (UNLIKELY(block_later_written(zone, page, frame, order))) {
		release_slowly(folio);
		return;
	}
	page_clear_plain(page);
	if (UNLIKELY(!zone_put(zone, frame, order)))
		block_report_double_free(page);
}

/* The last reference is gone (4.1): uncharge, check, back to the allocator with the recorded
 * order. No call but at its end. */
static ALWAYS_INLINE void folio_release(struct folio *folio)
{
	struct page *page = &folio->page;
	struct zone *zone;
	uint64_t frame;

	if (atomic_load_explicit(&page->shape, memory_order_relaxed) !=
	    page_shape_of(PAGE_KIND_SINGLE, 0)) {
		release_large(folio);
		return;
	}
	zone = page_zone_named(page);
	if (UNLIKELY(!zone || !page_is_plain(page))) {
		release_slowly(folio);
		return;
	}
	frame = zone_frame(zone, page_to_pfn(page));
	page_clear_plain(page);
	if (UNLIKELY(!zone_put_at_hand(zone, frame)))
		block_put_cleared(zone, page, 0);
}

void folio_get(struct folio *folio)
{
	page_note_written(&folio->page);
	atomic_fetch_add_explicit(&folio->page.refcount, 1, memory_order_relaxed);
}

void folio_put(struct folio *folio)
{
	int32_t before;

	if (UNLIKELY(!reference_update(&folio->page.refcount, reference_drop, &before)))
		bad_page(&folio->page, "put", "reference count underflow", 0);
	else if (before == 1)
		folio_release(folio);
}

bool folio_try_get(struct folio *folio)
{
	int32_t before;

	return reference_update(&folio->page.refcount, reference_add_live, &before);
}

void page_get(struct page *page)
{
	folio_get(page_folio(page));
}

void page_put(struct page *page)
{
	folio_put(page_folio(page));
}

struct folio *page_try_get(struct page *page)
{
	struct folio *folio = page_folio(page);

	HOOK(page_try_get_resolved);
	if (!folio_try_get(folio))
		return NULL;
	HOOK(page_try_get_counted);
	if (LIKELY(page_folio(page) == folio))
		return folio;
	folio_put(folio);
	return NULL;
}

void folio_unfreeze(struct folio *folio, int references)
{
	ASSERT(references >= 1);
	ASSERT(folio_references(folio) == 0);
	atomic_store_explicit(&folio->page.refcount, references, memory_order_release);
}

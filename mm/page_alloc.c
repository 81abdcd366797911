// SPDX-License-Identifier: MIT
/*
 * Raw, exploded and exact blocks (spec-folio sections 2 and 4.2). Asking for compound behaviour
 * is explicit, and mixing the modes is refused.
 */
#include <mm/folio.h>
#include <mm/bad_page.h>
#include <mm/block.h>
#include <mm/reclaim.h>
#include <mm/zone.h>
#include <kernel/assert.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <errno.h>

/* An exact block that asks to be compound: an error where somebody debugs. */
#if defined(QUIRE_TEST_HOOKS)
#define REFUSE_COMPOUND true
#else
#define REFUSE_COMPOUND false
#endif

struct page *page_alloc(int node, unsigned order, unsigned flags)
{
	struct zone *zone;
	struct page *page;

	ASSERT(order <= FOLIO_ORDER_MAX);
	reclaim_check_context(flags);
	if (flags & FOLIO_COMPOUND) {
		struct folio *folio = folio_alloc(node, order, flags, NULL);

		return folio ? &folio->page : NULL;
	}
	if (FAULT_INJECTED())
		return NULL;
	page = block_alloc(node, order, flags, &zone);
	if (page)
		block_publish(zone, page, order ? PAGE_KIND_RAW : PAGE_KIND_SINGLE, order);
	return page;
}

/* The allocator may then take parts of the block back. */
static void frames_make_divisible(struct zone *zone, struct page *page, unsigned order)
{
	frames_split(&zone->frames, zone_frame(zone, page_to_pfn(page)), order);
}

/* Somebody else holds the first page: it becomes a page of its own, the rest goes at once as
 * blocks of order n-1, ..., 0. */
static void free_all_but_first(struct page *page, unsigned order)
{
	struct zone *zone = page_zone(page);

	frames_make_divisible(zone, page, order);
	atomic_store_explicit(&page->shape, page_shape_of(PAGE_KIND_SINGLE, 0),
			      memory_order_release);
	for (unsigned o = order; o-- > 0;)
		block_free(zone, page + (UINT64_C(1) << o), o);
	page_put(page);
}

static void raw_free(struct page *page, unsigned order)
{
	struct folio *first = (struct folio *)page;

	if (folio_freeze(first, 1)) {
		block_free(page_zone(page), page, order);
		return;
	}
	HOOK(page_free_shared);
	/* The other one may have let go since: then the first page is freed like the rest. */
	if (folio_references(first) > 0)
		free_all_but_first(page, order);
	else
		bad_page(page, "free", "block without a reference", 0);
}

void page_free(struct page *page, unsigned order)
{
	struct folio *folio = (struct folio *)page;

	if (page_kind(page) == PAGE_KIND_NONE) {
		bad_page(page, "free", "no first page of a block, or free already", 0);
		return;
	}
	if (folio_order(folio) != order) {
		log_error("mm: block at frame %#llx freed with order %u, but it has order %u",
			  (unsigned long long)page_to_pfn(page).nr, order, folio_order(folio));
		order = folio_order(folio);
	}
	if (page_kind(page) == PAGE_KIND_RAW)
		raw_free(page, order);
	else
		folio_put(folio);
}

int page_explode(struct page *page, unsigned order)
{
	struct zone *zone = page_zone(page);
	enum page_kind kind = order ? PAGE_KIND_RAW : PAGE_KIND_SINGLE;

	if (page_kind(page) != kind || folio_order((struct folio *)page) != order)
		return -EINVAL;
	if (order == 0)
		return 0;
	frames_make_divisible(zone, page, order);
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++)
		block_publish(zone, page + i, PAGE_KIND_SINGLE, 0);
	atomic_store_explicit(&page->shape, page_shape_of(PAGE_KIND_SINGLE, 0),
			      memory_order_release);
	return 0;
}

struct page *page_alloc_exact(int node, unsigned count, unsigned flags)
{
	unsigned order = log2_ceil(count);
	struct page *page;

	if (count == 0 || order > FOLIO_ORDER_MAX) {
		log_error("mm: exact block of %u pages: 1 to 1024 are possible", count);
		return NULL;
	}
	if (flags & FOLIO_COMPOUND) {
		log_error("mm: exact block of %u pages: cannot be compound", count);
		if (REFUSE_COMPOUND)
			return NULL;
		flags &= ~FOLIO_COMPOUND;
	}
	page = page_alloc(node, order, flags);
	if (!page)
		return NULL;
	if (page_explode(page, order) != 0)
		panic("mm: fresh raw block does not explode");
	for (uint64_t i = count; i < UINT64_C(1) << order; i++)
		page_put(page + i);
	return page;
}

void page_free_exact(struct page *page, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		page_put(page + i);
}

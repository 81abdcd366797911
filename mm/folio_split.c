// SPDX-License-Identifier: MIT
/*
 * See folio_split.h. While the folio is frozen its count is 0, as that of every page to become
 * a head is, so no try-get succeeds anywhere in it. Heads are published from the last to the
 * first: a reader who still finds the old head and gets it sees by then what it covers.
 */
#include <mm/folio_split.h>
#include <mm/block.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <errno.h>

/* What pieces inherit. */
#define INHERITED_FLAGS                                                                        \
	(BIT(PAGE_LOCKED) | BIT(PAGE_REFERENCED) | BIT(PAGE_UPTODATE) | BIT(PAGE_DIRTY) |      \
	 BIT(PAGE_ACTIVE) | BIT(PAGE_UNEVICTABLE) | BIT(PAGE_MLOCKED) | BIT(PAGE_SWAPBACKED) | \
	 BIT(PAGE_SWAPCACHE))
#define BUSY_FLAGS (BIT(PAGE_LRU) | BIT(PAGE_WRITEBACK) | BIT(PAGE_OWNER_PRIVATE))

struct folio_split_counts folio_split_counts;

unsigned folio_split_order(uint64_t offset, uint64_t at, unsigned order,
			   enum folio_split_mode mode)
{
	uint64_t differing = offset ^ at;

	if (mode == FOLIO_SPLIT_UNIFORM || differing >> order == 0)
		return order;
	return 63u - (unsigned)__builtin_clzll(differing);
}

struct folio *folio_split_next(const struct folio *first, unsigned old_order,
			       struct folio *piece)
{
	struct page *next = folio_page(piece, folio_pages(piece));

	return next < &first->page + (UINT64_C(1) << old_order) ? (struct folio *)next : NULL;
}

/* Frozen. Has the head a state that a split cannot pass on, or any other page one at all? */
static bool is_busy(const struct zone *zone, const struct folio *folio, unsigned order)
{
	const struct page *head = &folio->page;

	if (atomic_load(&head->flags) & BUSY_FLAGS || atomic_load(&head->mapcount) != 0 ||
	    head->type != PAGE_TYPE_NONE || head->private != 0 ||
	    (head->list.next && head->list.next != &head->list))
		return true;
	if (!block_needs_walk(zone, head, order))
		return false;
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++)
		if (!page_is_zero(head + i))
			return true;
	return false;
}

/* A tail becomes a head; its count stays 0. What readers look at first is written last. */
static void make_piece(struct folio *folio, uint64_t offset, unsigned order)
{
	const struct page *head = &folio->page;
	struct page *page = folio_page(folio, offset);
	enum page_kind kind = order ? PAGE_KIND_HEAD : PAGE_KIND_SINGLE;

	if (offset != 0) {
		atomic_store_explicit(&page->flags, atomic_load(&head->flags) & INHERITED_FLAGS,
				      memory_order_relaxed);
		page->mapping = head->mapping;
		page->index = head->mapping ? head->index + offset : 0;
		page->memcg = head->memcg;
		page->zone = head->zone;
	}
	atomic_store_explicit(&page->shape, page_shape_of(kind, order), memory_order_release);
}

static void cut(struct folio *folio, unsigned old_order, unsigned order, uint64_t at,
		enum folio_split_mode mode)
{
	uint64_t end = UINT64_C(1) << old_order;

	for (uint64_t offset = 0; offset < end;) {
		unsigned piece = folio_split_order(offset, at, order, mode);

		make_piece(folio, offset, piece);
		offset += UINT64_C(1) << piece;
	}
	for (struct folio *piece = folio_split_next(folio, old_order, folio); piece;
	     piece = folio_split_next(folio, old_order, piece)) {
		HOOK(folio_split_unfreezing);
		folio_unfreeze(piece, 1);
	}
	folio_unfreeze(folio, 1);
}

static int split(struct folio *folio, unsigned old_order, unsigned order, uint64_t at,
		 enum folio_split_mode mode)
{
	struct zone *zone = page_zone(&folio->page);

	if (!folio_freeze(folio, 1))
		return -EAGAIN;
	if (is_busy(zone, folio, old_order)) {
		folio_unfreeze(folio, 1);
		return -EBUSY;
	}
	frames_split(&zone->frames, zone_frame(zone, page_to_pfn(&folio->page)), old_order);
	cut(folio, old_order, order, at, mode);
	return 0;
}

int folio_split(struct folio *folio, unsigned order, const struct page *at,
		enum folio_split_mode mode)
{
	unsigned old_order = folio_order(folio);
	int error;

	ASSERT(page_kind(&folio->page) == PAGE_KIND_HEAD);
	if (at < &folio->page || at >= folio_page(folio, folio_pages(folio)) ||
	    order >= old_order)
		return -EINVAL;
	error = split(folio, old_order, order, (uint64_t)(at - &folio->page), mode);
	atomic_fetch_add_explicit(error ? &folio_split_counts.failed[old_order]
					: &folio_split_counts.done[old_order],
				  1, memory_order_relaxed);
	return error;
}

// SPDX-License-Identifier: MIT
/*
 * Folios: blocks of 2^order pages, orders 0 to FOLIO_ORDER_MAX, allocated, counted and freed as
 * one. Behaviour: spec-folio.md sections 2 to 5. A reference on any page of a compound folio is
 * a reference on its head; tails have no state of their own and their records are neither read
 * nor written, so the cost does not depend on the order.
 *
 * All functions are legal in interrupt context, none sleeps but for requests with
 * FOLIO_MAY_SLEEP that find nothing (mm/reclaim.h). A folio record is its head page's
 * record: struct folio exists so that a function can say that it wants a head.
 */
#ifndef MM_FOLIO_H
#define MM_FOLIO_H

#include <mm/page.h>

#define FOLIO_ORDER_MAX 10
#define NODE_ANY        (-1)

#define FOLIO_ZERO      (1u << 0) /* the whole block reads as zero */
#define FOLIO_ATOMIC    (1u << 1) /* may use the reserve kept for interrupt handlers */
#define FOLIO_NOWARN    (1u << 2) /* failure is expected: no message */
#define FOLIO_NORETRY   (1u << 3) /* give up early instead of taking memory back from others */
#define FOLIO_MOVABLE   (1u << 4) /* the owner can move it */
#define FOLIO_COMPOUND  (1u << 5) /* page_alloc(): a folio instead of a raw block */
#define FOLIO_DMA       (1u << 6) /* below platform_dma_zone_end[0] */
#define FOLIO_DMA32     (1u << 7) /* below platform_dma_zone_end[1] */
#define FOLIO_THIS_NODE (1u << 8) /* that node or nothing */
#define FOLIO_MAY_SLEEP (1u << 9) /* thread context: memory is taken back before it fails */

struct folio {
	struct page page;
};

/*
 * A folio with one reference, charged to memcg (NULL: to nobody). Preferred node, or NODE_ANY:
 * that of the CPU that asks. NULL when there is no such block or the group is at its limit.
 */
struct folio *folio_alloc(int node, unsigned order, unsigned flags,
			  struct memcg *memcg) MUST_CHECK;

/* One more reference; the caller, or somebody for him, holds one already. */
void folio_get(struct folio *folio);
/* One less; the last one frees the block with its recorded order. */
void folio_put(struct folio *folio);
/* One more unless there is none: being freed or frozen. Whoever fails leaves the folio alone.
 */
bool folio_try_get(struct folio *folio) MUST_CHECK;

/* The same by any page. page_try_get() looks again after it counted and returns the folio that
 * holds the page, or NULL. */
struct folio *page_folio(const struct page *page);
void page_get(struct page *page);
void page_put(struct page *page);
struct folio *page_try_get(struct page *page) MUST_CHECK;

/* From exactly `expected` references to 0; false and no change otherwise. Full barrier. */
static inline MUST_CHECK bool folio_freeze(struct folio *folio, int expected)
{
	int32_t old = expected;

	return expected > 0 && atomic_compare_exchange_strong_explicit(
				       &folio->page.refcount, &old, 0, memory_order_seq_cst,
				       memory_order_relaxed);
}
/* Only by who froze; references >= 1; everything written before is seen by a later try-get. */
void folio_unfreeze(struct folio *folio, int references);

/*
 * Raw block: first page with one reference, the others with none; later pages must not go
 * through get and put. With FOLIO_COMPOUND a folio. NULL on failure.
 */
struct page *page_alloc(int node, unsigned order, unsigned flags) MUST_CHECK;
/* Free by first page and order (4.2): a folio loses one reference; a raw block whose first page
 * somebody still holds is freed but for that page. */
void page_free(struct page *page, unsigned order);
/* Make every page of a raw block independent, one reference each. 0; -EINVAL for anything that
 * is no raw block of that order (order 0 is fine); the block is then unchanged. */
int page_explode(struct page *page, unsigned order) MUST_CHECK;
/*
 * `count` pages in a row, each independent; the surplus of the power of two goes back at once.
 * -> first page, or NULL; FOLIO_COMPOUND is reported, and refused in
 * debug builds, taken out in others (F-T6). count 1 to 1024.
 */
struct page *page_alloc_exact(int node, unsigned count, unsigned flags) MUST_CHECK;
void page_free_exact(struct page *page, unsigned count);
/* Up to `count` single pages into pages[], one reference each, of as few zones as will do: how
 * many. Costs less than so many calls. */
unsigned page_alloc_bulk(int node, unsigned flags, struct page **pages,
			 unsigned count) MUST_CHECK;
/* One reference less of each. */
void page_free_bulk(struct page **pages, unsigned count);
/*
 * Exactly the pages of [start, start + count), each independent: one reference, freed by
 * page_put(). 0; -EBUSY when one is in use (*busy: the first), -EINVAL when they are not all
 * RAM of one zone, -ENOMEM by fault injection. Nothing has changed then. FOLIO_ZERO.
 */
int page_alloc_range(struct pfn start, uint64_t count, unsigned flags,
		     struct pfn *busy) MUST_CHECK;

static inline struct page *folio_page(struct folio *folio, uint64_t nr)
{
	return &folio->page + nr;
}

static inline unsigned folio_order(const struct folio *folio)
{
	return atomic_load_explicit(&folio->page.shape, memory_order_acquire) & 0xff;
}

static inline uint64_t folio_pages(const struct folio *folio)
{
	return UINT64_C(1) << folio_order(folio);
}

static inline uint64_t folio_size(const struct folio *folio)
{
	return folio_pages(folio) << PAGE_SHIFT;
}

static inline bool folio_is_large(const struct folio *folio)
{
	return folio_order(folio) != 0;
}

static inline struct phys folio_phys(const struct folio *folio)
{
	return page_to_phys(&folio->page);
}

/* First byte in the direct map. */
static inline void *folio_address(const struct folio *folio)
{
	return page_to_virt(&folio->page);
}

static inline int folio_references(const struct folio *folio)
{
	return atomic_load_explicit(&folio->page.refcount, memory_order_relaxed);
}

/* Bad-page reports since boot (suppressed ones included); not 0 means tainted. */
uint64_t bad_page_count(void);

#endif

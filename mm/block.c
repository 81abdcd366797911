// SPDX-License-Identifier: MIT
/*
 * See block.h. A bad record found while allocating costs one block, which is dropped for good,
 * and the request goes on with another.
 */
#include <mm/block.h>
#include <mm/bad_page.h>
#include <mm/folio.h>
#include <mm/zone.h>
#include <kernel/assert.h>
#include <kernel/log.h>

#if defined(QUIRE_TEST_HOOKS)
#define ALWAYS_WALK true
#else
#define ALWAYS_WALK false
#endif

/* Orders above 9 cover more than one mark. */
static bool is_written(struct zone *zone, const struct page *page, unsigned order)
{
	uint64_t frame = zone_frame(zone, page_to_pfn(page));

	for (uint64_t i = 0; i < UINT64_C(1) << order; i += BLOCK_FRAMES)
		if (frames_is_written(&zone->frames, frame + i))
			return true;
	return false;
}

/* All records of a whole 2 MiB block were seen to be zero. */
static void clear_written(struct zone *zone, const struct page *page, unsigned order)
{
	uint64_t frame = zone_frame(zone, page_to_pfn(page));

	if (order < BLOCK_ORDER)
		return;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i += BLOCK_FRAMES)
		frames_clear_written(&zone->frames, frame + i);
}

/* The constituents; false after a report. In test builds B-0 is held to its word. */
static bool walk_alloc(struct zone *zone, struct page *page, unsigned order)
{
	bool written = is_written(zone, page, order);
	uint64_t bad = 0;

	if (!written && !ALWAYS_WALK)
		return true;
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
		const char *reason = page_check_alloc(page + i);

		if (!reason)
			continue;
		ASSERT(written);
		bad_page(page + i, "alloc", reason, bad++ ? 0 : UINT64_C(1) << order);
	}
	if (bad == 0 && written)
		clear_written(zone, page, order);
	return bad == 0;
}

static bool check_alloc(struct page *page, unsigned order)
{
	const char *reason = page_check_alloc(page);

	if (reason) {
		bad_page(page, "alloc", reason, UINT64_C(1) << order);
		return false;
	}
	return order == 0 || walk_alloc(page_zone(page), page, order);
}

static void warn(int node, unsigned order)
{
	static _Atomic unsigned warned;

	if (atomic_fetch_add(&warned, 1) < 10)
		log_warn("mm: no block of %llu KiB for node %d: free memory, or give the "
			 "machine more",
			 (unsigned long long)PAGE_SIZE >> 10 << order, node);
}

struct page *block_alloc(int node, unsigned order, unsigned flags)
{
	struct page *page;

	do {
		page = zones_get(node, order, flags);
		if (!page) {
			if (!(flags & FOLIO_NOWARN))
				warn(node, order);
			return NULL;
		}
	} while (UNLIKELY(!check_alloc(page, order)));
	if (flags & FOLIO_ZERO)
		memset(page_to_virt(page), 0, PAGE_SIZE << order);
	return page;
}

static bool walk_free(struct zone *zone, struct page *page, unsigned order)
{
	bool written = is_written(zone, page, order);
	bool good = true;

	if (!written && !ALWAYS_WALK)
		return true;
	for (uint64_t i = 1; i < UINT64_C(1) << order; i++) {
		const char *reason = page_check_free(page + i, true);

		if (!reason) {
			ASSERT(written || !page_check_alloc(page + i));
			if (written)
				page_clear(page + i);
			continue;
		}
		ASSERT(written);
		bad_page(page + i, "free", reason, good ? UINT64_C(1) << order : 0);
		good = false;
	}
	return good;
}

void block_free(struct page *page, unsigned order)
{
	const char *reason = page_check_free(page, false);
	uint64_t pages = UINT64_C(1) << order;

	if (UNLIKELY(reason != NULL)) {
		bad_page(page, "free", reason, pages);
		return;
	}
	if (order != 0 && UNLIKELY(!walk_free(page_zone(page), page, order)))
		return;
	page_clear(page);
	if (UNLIKELY(!zones_put(page, order)))
		bad_page(page, "free", "not taken in this form: double free", 0);
}

void block_publish(struct page *page, enum page_kind kind, unsigned order)
{
	atomic_store_explicit(&page->shape, page_shape_of(kind, order), memory_order_relaxed);
	atomic_store_explicit(&page->refcount, 1, memory_order_release);
}

// SPDX-License-Identifier: MIT
/*
 * Page records one by one: looking one up, and the writers that leave the mark of B-0.
 */
#include <mm/page.h>
#include <mm/zone.h>
#include <mm/folio.h>
#include <kernel/assert.h>

struct page *page_array;

struct page *page_lookup(struct pfn f)
{
	struct zone *zone = zone_of(f);

	if (!zone || !frames_is_open(&zone->frames, zone_frame(zone, f)))
		return NULL;
	return pfn_to_page(f);
}

unsigned page_node(const struct page *page)
{
	const struct zone *zone = page_zone(page);

	return zone ? zone->node : 0;
}

unsigned page_zone_type(const struct page *page)
{
	const struct zone *zone = page_zone(page);

	return zone ? zone->type : ZONE_NORMAL;
}

void page_note_later_written(struct page *page)
{
	struct zone *zone = page_zone(page);

	if (zone)
		frames_mark_written(&zone->frames, zone_frame(zone, page_to_pfn(page)));
}

void page_flag_set(struct page *page, enum page_flag flag)
{
	page_note_written(page);
	atomic_fetch_or_explicit(&page->flags, BIT(flag), memory_order_acq_rel);
}

void page_flag_clear(struct page *page, enum page_flag flag)
{
	page_note_written(page);
	atomic_fetch_and_explicit(&page->flags, ~BIT(flag), memory_order_acq_rel);
}

bool page_flag_test_and_set(struct page *page, enum page_flag flag)
{
	page_note_written(page);
	return atomic_fetch_or_explicit(&page->flags, BIT(flag), memory_order_acq_rel) >> flag &
	       1;
}

bool page_trylock(struct page *page)
{
	return !page_flag_test_and_set(page, PAGE_LOCKED);
}

void page_unlock(struct page *page)
{
	ASSERT(page_flag_test(page, PAGE_LOCKED));
	page_flag_clear(page, PAGE_LOCKED);
}

void page_set_mapping(struct page *page, void *mapping, uint64_t index)
{
	page_note_written(page);
	page->mapping = mapping;
	page->index = index;
}

void page_set_private(struct page *page, uint64_t value)
{
	page_note_written(page);
	page->private = value;
}

void page_set_type(struct page *page, enum page_type type)
{
	page_note_written(page);
	page->type = (uint8_t)type;
}

void page_map_add(struct page *page)
{
	page_note_written(page);
	atomic_fetch_add_explicit(&page->mapcount, 1, memory_order_relaxed);
}

void page_map_remove(struct page *page)
{
	page_note_written(page);
	atomic_fetch_sub_explicit(&page->mapcount, 1, memory_order_relaxed);
}

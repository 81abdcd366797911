// SPDX-License-Identifier: MIT
/*
 * Many single pages in one call, and the pages of a given range: as page_alloc() and page_put()
 * would, with the checks of each record, but the frames come and go by words.
 */
#include <mm/bad_page.h>
#include <mm/block.h>
#include <mm/folio.h>
#include <mm/zone.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <errno.h>
#include <string.h>

#define BATCH 64 /* frames that interrupts are off for */

/* The frame becomes a page with one reference; NULL: its record is bad, reported and withheld.
 */
static struct page *publish(struct zone *zone, uint64_t frame, unsigned flags)
{
	struct page *page = pfn_to_page(pfn(zone->base.nr + frame));

	if (!page_is_zero(page) && !block_check_alloc(zone, page, 0))
		return NULL;
	if (flags & FOLIO_ZERO)
		memset(page_to_virt(page), 0, PAGE_SIZE);
	block_publish(zone, page, PAGE_KIND_SINGLE, 0);
	return page;
}

unsigned page_alloc_bulk(int node, unsigned flags, struct page **pages, unsigned count)
{
	uint64_t list[BATCH];
	unsigned done = 0;

	if (FAULT_INJECTED())
		return 0;
	while (done < count) {
		struct zone *zone;
		unsigned got =
			zones_get_many(node, flags, list, MIN(count - done, BATCH), &zone);

		if (got == 0)
			break;
		for (unsigned i = 0; i < got; i++) {
			pages[done] = publish(zone, list[i], flags);
			done += pages[done] != NULL;
		}
	}
	return done;
}

static void put_batch(struct zone *zone, const uint64_t *list, unsigned count)
{
	unsigned done = 0;

	while (done < count) {
		struct irq_state irq = irq_save();

		done += frames_put_many(&zone->frames, cpu_current(), list + done,
					count - done);
		irq_restore(irq);
		if (done < count)
			block_report_double_free(
				pfn_to_page(pfn(zone->base.nr + list[done++])));
	}
}

/* A single page of the zone that nobody else holds and that is as it must be: its reference is
 * dropped. Others go the way of page_put(). */
static bool release(const struct zone *zone, struct page *page, uint64_t *frame)
{
	uint64_t nr = zone_frame(zone, page_to_pfn(page));

	if (page_kind(page) != PAGE_KIND_SINGLE || page->zone != zone->number ||
	    nr >= zone->span || !folio_freeze((struct folio *)page, 1))
		return false;
	if (!page_is_freeable(page)) {
		folio_unfreeze((struct folio *)page, 1);
		return false;
	}
	page_clear(page);
	*frame = nr;
	return true;
}

void page_free_bulk(struct page **pages, unsigned count)
{
	uint64_t list[BATCH];
	unsigned done = 0;

	while (done < count) {
		struct zone *zone = page_zone(pages[done]);
		unsigned n = 0;

		while (zone && done < count && n < BATCH &&
		       release(zone, pages[done], &list[n])) {
			done++;
			n++;
		}
		if (n)
			put_batch(zone, list, n);
		else
			page_put(pages[done++]);
	}
}

/* The pages that were published; the others are bad, and withheld. */
static void range_give_back(struct pfn start, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct page *page = pfn_to_page(pfn(start.nr + i));

		if (page_kind(page) == PAGE_KIND_SINGLE)
			page_put(page);
	}
}

static int range_publish(struct zone *zone, struct pfn start, uint64_t count, unsigned flags,
			 struct pfn *busy)
{
	bool good = true;

	for (uint64_t i = 0; i < count; i++) {
		struct pfn f = pfn(start.nr + i);

		if (publish(zone, zone_frame(zone, f), flags))
			continue;
		if (good)
			*busy = f;
		good = false;
	}
	if (!good)
		range_give_back(start, count);
	return good ? 0 : -EBUSY;
}

/* The range may be all of a zone, far above its frontier: interrupts are off for a block. */
static int range_take(struct zone *zone, struct frames_range *range)
{
	struct irq_state irq;
	int error;

	do {
		HOOK(page_range_section);
		irq = irq_save();
		error = frames_take_range(&zone->frames, cpu_current(), range);
		irq_restore(irq);
	} while (error == -EAGAIN);
	return error;
}

int page_alloc_range(struct pfn start, uint64_t count, unsigned flags, struct pfn *busy)
{
	struct zone *zone = zone_of(start);
	struct frames_range range;
	int error;

	if (!zone || count == 0 || count > zone->end.nr - start.nr)
		return -EINVAL;
	if (FAULT_INJECTED())
		return -ENOMEM;
	range = frames_range_of(zone_frame(zone, start), count);
	error = range_take(zone, &range);
	if (error == -EBUSY)
		*busy = pfn(zone->base.nr + range.busy);
	return error ? error : range_publish(zone, start, count, flags, busy);
}

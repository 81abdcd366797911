// SPDX-License-Identifier: MIT
/*
 * mm_check_all(): allocator counters against bits against hints, then every page record that is
 * valid against the allocator, then the slabs and the balloons.
 */
#include <mm/mm.h>
#include <mm/bad_page.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <kernel/format.h>

static char problem[160];

static const char *page_problem(const struct page *page, const char *what)
{
	format(problem, sizeof(problem), "frame %#llx: %s (kind %u order %u references %d)",
	       (unsigned long long)page_to_pfn(page).nr, what, page_kind(page),
	       folio_order((const struct folio *)page),
	       folio_references((const struct folio *)page));
	return problem;
}

/* Later pages of a block: taken, and nothing of their own unless it was noted. */
static const char *check_later(struct zone *zone, const struct page *page)
{
	uint64_t frame = zone_frame(zone, page_to_pfn(page));

	if (!frames_is_taken(&zone->frames, frame))
		return page_problem(page, "part of a block, but free");
	if (page_kind(page) != PAGE_KIND_NONE)
		return page_problem(page, "inside another block");
	if (page_check_alloc(page) && !frames_is_written(&zone->frames, frame))
		return page_problem(page, "record written without a mark");
	return NULL;
}

/* A taken frame that is the first of something; *pages: of how much. Frames that nobody owns
 * were withheld: they are counted in *withheld. */
static const char *check_taken(struct zone *zone, const struct page *page, uint64_t *pages,
			       uint64_t *withheld)
{
	unsigned order = folio_order((const struct folio *)page);

	*pages = 1;
	if (page->type == PAGE_TYPE_RESERVED)
		return NULL;
	if (page_kind(page) == PAGE_KIND_NONE) {
		*withheld += 1;
		return NULL;
	}
	if (order > FOLIO_ORDER_MAX || !is_aligned(page_to_pfn(page).nr, UINT64_C(1) << order))
		return page_problem(page, "order does not fit its place");
	*pages = UINT64_C(1) << order;
	for (uint64_t i = 1; i < *pages; i++) {
		const char *wrong = check_later(zone, page + i);

		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *check_records(struct zone *zone)
{
	uint64_t end = atomic_load(&zone->frames.frontier) * BLOCK_FRAMES;
	uint64_t withheld = 0;
	uint64_t pages = 1;

	for (uint64_t frame = 0; frame < end; frame += pages) {
		const struct page *page = pfn_to_page(pfn(zone->base.nr + frame));
		const char *wrong = NULL;

		pages = 1;
		if (frames_is_taken(&zone->frames, frame))
			wrong = check_taken(zone, page, &pages, &withheld);
		else if (page_check_alloc(page) && !frames_is_written(&zone->frames, frame))
			wrong = page_problem(page, "free, but its record is not zero");
		if (wrong)
			return wrong;
	}
	if (withheld > atomic_load(&zone->bad)) {
		format(problem, sizeof(problem),
		       "zone at frame %#llx: %llu frames taken by nobody, %llu withheld",
		       (unsigned long long)zone->start.nr, (unsigned long long)withheld,
		       (unsigned long long)atomic_load(&zone->bad));
		return problem;
	}
	return NULL;
}

const char *mm_check_all(void)
{
	const char *wrong;

	for (unsigned i = 0; i < zone_count; i++) {
		wrong = frames_check(&zones[i]->frames);

		if (!wrong)
			wrong = check_records(zones[i]);
		if (wrong)
			return wrong;
	}
	wrong = slab_check_all();
	return wrong ? wrong : balloon_check();
}

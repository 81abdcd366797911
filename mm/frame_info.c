// SPDX-License-Identifier: MIT
/*
 * See frame_info.h. A later page of a block says nothing of its own, so its first page is
 * looked for at the multiples of powers of two below it.
 */
#include <mm/frame_info.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/ranges.h>
#include <mm/slab_internal.h>
#include <mm/zone.h>

static const char *const state_names[FRAME_STATES] = {
	[FRAME_NO_RAM] = "no RAM of ours",
	[FRAME_RESERVED] = "reserved",
	[FRAME_UNTOUCHED] = "free, never touched",
	[FRAME_FREE] = "free",
	[FRAME_IN_USE] = "in use",
	[FRAME_WITHHELD] = "withheld",
};

const char *frame_state_name(enum frame_state state)
{
	return state_names[state];
}

const char *frame_mode_name(const struct page *block)
{
	switch (page_kind(block)) {
	case PAGE_KIND_SINGLE:
		return "single";
	case PAGE_KIND_HEAD:
		return "compound";
	case PAGE_KIND_RAW:
		return "raw";
	default:
		return "unknown";
	}
}

const char *frame_owner_name(const struct page *block)
{
	const char *name;

	switch (page_type(block)) {
	case PAGE_TYPE_SLAB:
		/* Others make and free slabs and caches meanwhile. */
		name = slab_cache_name(block->cache);
		return name ? name : "slab";
	case PAGE_TYPE_OFFLINE:
		name = balloon_name(block);
		return name ? name : "balloon";
	case PAGE_TYPE_TABLE:
		return "page table";
	case PAGE_TYPE_STACK:
		return "kernel stack";
	case PAGE_TYPE_KMALLOC:
		return "kmalloc";
	case PAGE_TYPE_DMA:
		return "DMA buffer";
	default:
		return block->memcg ? "memory group" : "kernel";
	}
}

/* The first page of the block that covers this frame, or NULL. */
static const struct page *block_of(struct pfn f)
{
	for (unsigned order = 0; order <= FOLIO_ORDER_MAX; order++) {
		const struct page *page =
			pfn_to_page(pfn(align_down(f.nr, UINT64_C(1) << order)));
		unsigned recorded = folio_order((const struct folio *)page);

		if (page_kind(page) != PAGE_KIND_NONE && recorded >= order &&
		    recorded <= FOLIO_ORDER_MAX)
			return page;
	}
	return NULL;
}

/* Beyond the frontier the range table alone knows: *frames from f on are all RAM, or none. */
static bool untouched_run(const struct zone *zone, struct pfn f, uint64_t *frames)
{
	const struct ram_range *stop;
	const struct ram_range *range = ranges_from(f.nr, &stop);
	bool ours = range < stop && range->start <= f.nr;
	uint64_t end = zone->end.nr;

	if (range < stop)
		end = MIN(end, ours ? range->end : range->start);
	*frames = end - f.nr;
	return ours;
}

/* Frames from f on that lie in no zone. */
static uint64_t gap_after(struct pfn f)
{
	for (unsigned i = 0; i < zone_count; i++)
		if (zones[i]->start.nr > f.nr)
			return zones[i]->start.nr - f.nr;
	return FRAMES_NAMED - f.nr;
}

static void open_frame_info(const struct zone *zone, struct frame_info *info)
{
	const struct page *page = pfn_to_page(info->first);

	info->frames = 1;
	if (page->type == PAGE_TYPE_RESERVED) {
		info->state = FRAME_RESERVED;
	} else if (!frames_is_taken(&zone->frames, zone_frame(zone, info->first))) {
		info->state = FRAME_FREE;
	} else {
		info->block = block_of(info->first);
		info->state = info->block ? FRAME_IN_USE : FRAME_WITHHELD;
	}
	if (info->block) {
		info->first = page_to_pfn(info->block);
		info->frames = folio_pages((const struct folio *)info->block);
	}
}

void frame_info_get(struct pfn f, struct frame_info *info)
{
	const struct zone *zone = zone_of(f);

	*info = (struct frame_info){.state = FRAME_NO_RAM, .first = f};
	if (!zone)
		info->frames = gap_after(f);
	else if (frames_is_open(&zone->frames, zone_frame(zone, f)))
		open_frame_info(zone, info);
	else if (untouched_run(zone, f, &info->frames))
		info->state = FRAME_UNTOUCHED;
}

void frame_info_get_run(struct pfn f, struct pfn end, struct frame_info *info)
{
	frame_info_get(f, info);
	while (info->state != FRAME_IN_USE && info->first.nr + info->frames < end.nr) {
		struct frame_info next;

		frame_info_get(pfn(info->first.nr + info->frames), &next);
		if (next.state != info->state)
			break;
		info->frames += next.frames;
	}
}

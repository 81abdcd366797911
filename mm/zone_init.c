// SPDX-License-Identifier: MIT
/*
 * Zones from the boot map, once. State and page records get their place from boot memory and
 * are not touched: frames_open_next() zeroes them block by block, so the cost of starting does
 * not grow with memory.
 */
#include <mm/zone.h>
#include <mm/folio.h>
#include <mm/node.h>
#include <mm/ranges.h>
#include <mm/settle.h>
#include <mm/zone_internal.h>
#include <kernel/assert.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/log.h>
#include <platform/mmu.h>

#define UNIT (UINT64_C(1) << FOLIO_ORDER_MAX)

uint8_t zone_fallback[NODES_MAX][ZONES_MAX];

static void *state_alloc(uint64_t size, uint64_t align)
{
	struct phys p = boot_memory_alloc(size, align);

	if (!p.addr)
		panic("mm: no %llu KiB for the state of memory: give the machine more memory",
		      (unsigned long long)size >> 10);
	return phys_to_virt(p);
}

static enum zone_type type_at(uint64_t frame, uint64_t *until)
{
	for (unsigned i = 0; i < PLATFORM_DMA_ZONES; i++) {
		uint64_t end = platform_dma_zone_end[i].addr >> PAGE_SHIFT;

		if (frame < end) {
			*until = MIN(*until, end);
			return (enum zone_type)i;
		}
	}
	return ZONE_NORMAL;
}

/* RAM [start, end) of one node and type: more of the zone before it, or a new one. */
static bool zone_add(uint64_t start, uint64_t end, unsigned node, enum zone_type type)
{
	struct zone *last = zone_count ? zones[zone_count - 1] : NULL;

	if (!last || last->node != node || last->type != type ||
	    start - last->end.nr >= ZONE_GAP_FRAMES) {
		if (zone_count == ZONES_MAX)
			return false;
		last = state_alloc(sizeof(*last), CACHE_LINE);
		last->ram = 0;
		atomic_init(&last->bad, 0);
		last->node = node;
		last->type = type;
		last->number = (uint8_t)zone_count;
		last->start = pfn(start);
		last->base = pfn(align_down(start, UNIT));
		zones[zone_count++] = last;
	}
	last->end = pfn(end);
	last->ram += end - start;
	return true;
}

static void zones_add_range(uint64_t start, uint64_t end)
{
	while (start < end) {
		uint64_t until;
		unsigned node = node_at(start, &until);
		enum zone_type type = type_at(start, &until);
		uint64_t stop = MIN(end, until);

		if (!zone_add(start, stop, node, type)) {
			log_warn(
				"mm: more than %d stretches of RAM: %llu KiB at %#llx not used",
				ZONES_MAX, (unsigned long long)(end - start) << 2,
				(unsigned long long)start << PAGE_SHIFT);
			return;
		}
		start = stop;
	}
}

/* Record space [start, end) in bytes from the array's base, with RAM behind it. */
static void array_map(uint64_t start, uint64_t end)
{
	char *base = (char *)page_array;
	uint64_t align = PAGE_SIZE;
	struct phys backing;

	if (end - start >= MIB(2)) {
		align = MIB(2);
		start = align_down(start, align);
	}
	backing = virt_to_phys(state_alloc(end - start, align));
	if (mmu_map(base + start, backing, end - start, MMU_WRITE) != 0)
		panic("mm: cannot map %llu KiB of page records: give the machine more memory",
		      (unsigned long long)(end - start) >> 10);
}

/* One mapping for zones whose records are close to each other. From the top down: looking
 * whether a range is mapped already is cheap where there are no tables yet. */
static void array_map_all(void)
{
	uint64_t start = 0;
	uint64_t end = 0;

	page_array = mmu_page_array_base();
	for (unsigned i = zone_count; i-- > 0;) {
		uint64_t first = zones[i]->base.nr * sizeof(struct page);
		uint64_t after = align_up(zones[i]->end.nr, UNIT) * sizeof(struct page);

		if (end == 0 || after + MIB(2) <= start) {
			if (end != 0)
				array_map(start, end);
			end = after;
		}
		start = first;
	}
	array_map(start, end);
}

static void exclude(struct zone *zone, uint64_t block, uint64_t start, uint64_t end)
{
	uint64_t first = zone->base.nr + block * BLOCK_FRAMES;

	if (start >= end)
		return;
	frames_exclude(&zone->frames, block, (unsigned)(start - first),
		       (unsigned)(end - start));
	for (uint64_t f = start; f < end; f++) {
		pfn_to_page(pfn(f))->type = PAGE_TYPE_RESERVED;
		atomic_init(&pfn_to_page(pfn(f))->flags, BIT(PAGE_RESERVED));
	}
}

/* The frontier reaches a block: its page records become valid. */
static void zone_open_block(struct frames *frames, uint64_t block)
{
	struct zone *zone = container_of(frames, struct zone, frames);
	uint64_t at = zone->base.nr + block * BLOCK_FRAMES;
	uint64_t end = at + BLOCK_FRAMES;
	const struct ram_range *stop;
	const struct ram_range *range = ranges_from(at, &stop);
	uint64_t usable = 0;

	memset(pfn_to_page(pfn(at)), 0, BLOCK_FRAMES * sizeof(struct page));
	for (; range < stop && range->start < end; range++) {
		uint64_t range_end = MIN(range->end, end);

		exclude(zone, block, at, MAX(range->start, at));
		usable += range_end - MAX(range->start, at);
		at = range_end;
	}
	exclude(zone, block, at, end);
	atomic_fetch_sub_explicit(&zone->pristine, usable, memory_order_relaxed);
}

static void zone_start(struct zone *zone, void *state)
{
	uint64_t usable = ranges_overlap(zone->start.nr, zone->end.nr);
	uint64_t least = MIN(MAX(usable / 256, 256), usable / 8);

	zone->span = zone->end.nr - zone->base.nr;
	frames_init(&zone->frames, state, zone->span, zone_open_block, usable);
	zone->frames.waiting = &settle_waiting;
	atomic_init(&zone->managed, (int64_t)usable);
	atomic_init(&zone->pristine, usable);
	for (unsigned type = 0; type < ZONE_TYPES; type++)
		zone->reserve[type] =
			least + (type > zone->type && zone->type == ZONE_DMA ? usable / 8 : 0);
	zone->low = least + least / 4;
	zone->high = least + least / 2;
}

/* Is `a` a better choice than `b` for a request that prefers the node? */
static bool zone_before(unsigned node, const struct zone *a, const struct zone *b,
			unsigned (*distance)(unsigned from, unsigned to))
{
	unsigned far_a = distance(node, a->node);
	unsigned far_b = distance(node, b->node);

	if (a->node != b->node && far_a != far_b)
		return far_a < far_b;
	return a->type > b->type;
}

void zones_order(unsigned node, struct zone *const *list, unsigned count,
		 unsigned (*distance)(unsigned from, unsigned to), uint8_t *order)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned at = i;

		for (; at > 0 && zone_before(node, list[i], list[order[at - 1]], distance);
		     at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
	}
}

static void fallback_init(void)
{
	for (unsigned node = 0; node < node_count(); node++)
		zones_order(node, zones, zone_count, node_distance, zone_fallback[node]);
	/* A node that does not exist is served like the first. */
	for (unsigned node = node_count(); node < NODES_MAX; node++)
		memcpy(zone_fallback[node], zone_fallback[0], sizeof(zone_fallback[0]));
	for (unsigned node = 0; node < NODES_MAX; node++)
		zone_nearest[node] = zones[zone_fallback[node][0]];
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		zone_cpu_set_node(cpu, 0);
}

void zones_init(const struct boot_info *info)
{
	void *state[ZONES_MAX];

	zone_count = 0;
	nodes_init(NODES_MAX);
	for (uint32_t i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->ranges[i];
		uint64_t start = MAX(range->start.addr >> PAGE_SHIFT, 1);

		if (range->type == BOOT_RANGE_RAM)
			zones_add_range(start, (range->start.addr + range->size) >> PAGE_SHIFT);
	}
	if (zone_count == 0)
		panic("mm: the memory map names no RAM");
	ranges_reserve();
	for (unsigned i = 0; i < zone_count; i++)
		state[i] = state_alloc(frames_state_size(zones[i]->end.nr - zones[i]->base.nr),
				       CACHE_LINE);
	array_map_all();
	ranges_collect();
	for (unsigned i = 0; i < zone_count; i++)
		zone_start(zones[i], state[i]);
	fallback_init();
}

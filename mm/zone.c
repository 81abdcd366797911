// SPDX-License-Identifier: MIT
/*
 * Zones at work: which one a request goes to, and what it must leave.
 */
#include <mm/zone.h>
#include <mm/folio.h>
#include <mm/ranges.h>
#include <mm/reclaim.h>
#include <mm/zone_internal.h>
#include <kernel/bits.h>

struct zone *zones[ZONES_MAX];
unsigned zone_count;
struct zone *zone_nearest[NODES_MAX];
struct zone *_Atomic zone_nearest_cpu[CPUS_MAX];
static _Atomic uint8_t cpu_nodes[CPUS_MAX];

const char *zone_type_name(enum zone_type type)
{
	static const char *const names[ZONE_TYPES] = {"dma", "dma32", "normal"};

	return names[type];
}

struct zone *zone_of(struct pfn f)
{
	for (unsigned i = zone_count; i-- > 0;)
		if (f.nr >= zones[i]->start.nr)
			return f.nr < zones[i]->end.nr ? zones[i] : NULL;
	return NULL;
}

/* Aligned runs of the ranges beyond the frontier. */
static uint64_t untouched_available(const struct zone *zone, unsigned order)
{
	uint64_t from = zone->base.nr + atomic_load(&zone->frames.frontier) * BLOCK_FRAMES;
	const struct ram_range *stop;
	const struct ram_range *range = ranges_from(from, &stop);
	uint64_t runs = 0;

	for (; range < stop && range->start < zone->end.nr; range++) {
		uint64_t first = align_up(MAX(range->start, from), UINT64_C(1) << order);
		uint64_t end = align_down(MIN(range->end, zone->end.nr), UINT64_C(1) << order);

		runs += end > first ? (end - first) >> order : 0;
	}
	return runs;
}

uint64_t zone_available(const struct zone *zone, unsigned order)
{
	return frames_available(&zone->frames, order) + untouched_available(zone, order);
}

static enum zone_type highest_type(unsigned flags)
{
	if (flags & FOLIO_DMA)
		return ZONE_DMA;
	return flags & FOLIO_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/*
 * The reserve is looked at when a CPU needs another block, not for each frame: counting costs
 * more than getting. So that block is counted as used up, and an atomic request that goes below
 * the reserve leaves no block behind for others. No request fails because frames went from one
 * CPU to another while they were counted.
 */
static uint64_t get_from(struct zone *zone, unsigned cpu, unsigned order, unsigned flags,
			 enum zone_type wanted)
{
	uint64_t frame = frames_get_owned(&zone->frames, cpu, order);
	uint64_t kept = MAX(UINT64_C(1) << order, BLOCK_FRAMES);
	uint64_t free;
	bool low;

	if (LIKELY(frame != FRAMES_NONE))
		return frame;
	free = frames_free(&zone->frames);
	low = free < zone->reserve[wanted] + kept;
	if (free < zone->low + kept)
		reclaim_wake();
	if (low && !(flags & FOLIO_ATOMIC)) {
		if (frames_free_most(&zone->frames) < zone->reserve[wanted] + kept)
			return FRAMES_NONE;
		low = false;
	}
	frame = frames_get_new(&zone->frames, cpu, order);
	if (low)
		frames_drain_cpu(&zone->frames, cpu);
	return frame;
}

void zone_cpu_set_node(unsigned cpu, unsigned node)
{
	atomic_store_explicit(&cpu_nodes[cpu], (uint8_t)node, memory_order_relaxed);
	atomic_store_explicit(&zone_nearest_cpu[cpu], zone_nearest[node], memory_order_relaxed);
}

unsigned zone_cpu_node(unsigned cpu)
{
	return atomic_load_explicit(&cpu_nodes[cpu], memory_order_relaxed);
}

/* Interrupts are off. */
static unsigned preferred_node(int node)
{
	if (node == NODE_ANY)
		return zone_cpu_node(cpu_current());
	return node >= 0 && node < NODES_MAX ? (unsigned)node : 0;
}

bool zone_serves(const struct zone *zone, int node, unsigned flags)
{
	return zone->type <= highest_type(flags) &&
	       !(flags & FOLIO_THIS_NODE && zone->node != (unsigned)node);
}

struct page *zones_get(int node, unsigned order, unsigned flags, struct zone **zone)
{
	struct irq_state irq = irq_save();
	unsigned preferred = preferred_node(node);
	uint64_t frame = FRAMES_NONE;

	for (unsigned i = 0; i < zone_count && frame == FRAMES_NONE; i++) {
		*zone = zones[zone_fallback[preferred][i]];
		if (zone_serves(*zone, node, flags))
			frame = get_from(*zone, cpu_current(), order, flags,
					 highest_type(flags));
	}
	irq_restore(irq);
	return frame == FRAMES_NONE ? NULL : pfn_to_page(pfn((*zone)->base.nr + frame));
}

/* Not below the reserve, with what may lie in the CPU's block counted as used. */
static unsigned many_from(struct zone *zone, unsigned flags, uint64_t *list, unsigned count)
{
	uint64_t kept = zone->reserve[highest_type(flags)] + BLOCK_FRAMES;
	uint64_t free = frames_free(&zone->frames);

	if (free < zone->low + BLOCK_FRAMES + count)
		reclaim_wake();
	if (!(flags & FOLIO_ATOMIC)) {
		if (free < kept + count)
			free = frames_free_most(&zone->frames);
		count = (unsigned)MIN(count, free > kept ? free - kept : 0);
	}
	return frames_get_many(&zone->frames, cpu_current(), list, count);
}

unsigned zones_get_many(int node, unsigned flags, uint64_t *list, unsigned count,
			struct zone **zone)
{
	struct irq_state irq = irq_save();
	unsigned preferred = preferred_node(node);
	unsigned got = 0;

	for (unsigned i = 0; i < zone_count && got == 0; i++) {
		*zone = zones[zone_fallback[preferred][i]];
		if (zone_serves(*zone, node, flags))
			got = many_from(*zone, flags, list, count);
	}
	irq_restore(irq);
	return got;
}

void zones_drain(void)
{
	for (unsigned i = 0; i < zone_count; i++) {
		struct irq_state irq = irq_save();

		frames_drain(&zones[i]->frames);
		irq_restore(irq);
	}
}

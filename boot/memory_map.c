// SPDX-License-Identifier: MIT
/*
 * The normaliser: every entry becomes two edges, edges are sorted by page, and one sweep with a
 * count of open entries per type says what each stretch between edges is. Work is done in page
 * numbers, so that nothing overflows near the end of the address space.
 */
#include <boot/memory_map.h>

#include <errno.h>
#include <kernel/bits.h>

/* One page is left out at the very end, so that sizes in bytes fit 64 bits. */
#define PAGES_END ((UINT64_C(1) << (64 - PAGE_SHIFT)) - 1)

#define NR_TYPES (BOOT_RANGE_MMIO + 1)

void memory_map_start(struct memory_map *map, struct memory_map_edge *edges, size_t max_edges,
		      uint64_t ram_end)
{
	*map = (struct memory_map){.edges = edges, .max_edges = max_edges, .ram_end = ram_end};
}

static int add_pages(struct memory_map *map, uint64_t first, uint64_t end,
		     enum boot_range_type type, uint64_t attributes)
{
	if (first >= end) {
		map->ignored++;
		return 0;
	}
	if (map->max_edges - map->nr_edges < 2)
		return -ENOSPC;
	struct memory_map_edge *edge = &map->edges[map->nr_edges];
	edge[0] = (struct memory_map_edge){first, attributes, type, true};
	edge[1] = (struct memory_map_edge){end, attributes, type, false};
	map->nr_edges += 2;
	return 0;
}

int memory_map_add(struct memory_map *map, uint64_t start, uint64_t size,
		   enum boot_range_type type, uint64_t attributes)
{
	uint64_t last;

	if (size == 0) {
		map->ignored++;
		return 0;
	}
	if (__builtin_add_overflow(start, size - 1, &last))
		last = UINT64_MAX;
	uint64_t first_page = start >> PAGE_SHIFT;
	uint64_t end_page = (last >> PAGE_SHIFT) + 1;
	if (type == BOOT_RANGE_RAM) {
		first_page += !is_aligned(start, PAGE_SIZE);
		end_page -= !is_aligned(last + 1, PAGE_SIZE);
		first_page = MAX(first_page, UINT64_C(1));
		if (map->ram_end != 0)
			end_page = MIN(end_page, map->ram_end >> PAGE_SHIFT);
	}
	return add_pages(map, first_page, MIN(end_page, PAGES_END), type, attributes);
}

/* Heap sort: no recursion, no memory, and no bad case that a firmware could choose. */
static void sift_down(struct memory_map_edge *edges, size_t root, size_t end)
{
	for (;;) {
		size_t child = 2 * root + 1;

		if (child >= end)
			return;
		if (child + 1 < end && edges[child].page < edges[child + 1].page)
			child++;
		if (edges[root].page >= edges[child].page)
			return;
		struct memory_map_edge swap = edges[root];
		edges[root] = edges[child];
		edges[child] = swap;
		root = child;
	}
}

static void sort_edges(struct memory_map_edge *edges, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(edges, i, count);
	for (size_t end = count; end-- > 1;) {
		struct memory_map_edge swap = edges[0];

		edges[0] = edges[end];
		edges[end] = swap;
		sift_down(edges, 0, end);
	}
}

/* What is known between two edges. */
struct sweep {
	size_t open[NR_TYPES];
	uint64_t attributes; /* of the runtime entry opened last */
	struct boot_range *ranges;
	size_t count;
	size_t max;
	size_t dropped;
};

static int winner(const struct sweep *sweep)
{
	static const enum boot_range_type careful_first[NR_TYPES] = {
		BOOT_RANGE_RUNTIME, BOOT_RANGE_MMIO,   BOOT_RANGE_RESERVED, BOOT_RANGE_ACPI,
		BOOT_RANGE_KERNEL,  BOOT_RANGE_LOADER, BOOT_RANGE_RAM,
	};

	for (unsigned i = 0; i < NR_TYPES; i++)
		if (sweep->open[careful_first[i]] > 0)
			return (int)careful_first[i];
	return -1;
}

/* Make room for RAM by giving up the last range that is not: it becomes a hole. */
static bool drop_one(struct sweep *sweep)
{
	for (size_t i = sweep->count; i-- > 0;) {
		enum boot_range_type type = sweep->ranges[i].type;

		if (type != BOOT_RANGE_RESERVED && type != BOOT_RANGE_MMIO)
			continue;
		memmove(&sweep->ranges[i], &sweep->ranges[i + 1],
			(sweep->count - i - 1) * sizeof(sweep->ranges[0]));
		sweep->count--;
		sweep->dropped++;
		return true;
	}
	return false;
}

static void emit(struct sweep *sweep, uint64_t first, uint64_t end, enum boot_range_type type)
{
	uint64_t attributes = type == BOOT_RANGE_RUNTIME ? sweep->attributes : 0;
	struct boot_range *last = sweep->count > 0 ? &sweep->ranges[sweep->count - 1] : NULL;

	if (last && last->type == type && last->attributes == attributes &&
	    last->start.addr + last->size == first << PAGE_SHIFT) {
		last->size += (end - first) << PAGE_SHIFT;
		return;
	}
	bool expendable = type == BOOT_RANGE_RESERVED || type == BOOT_RANGE_MMIO;
	if (sweep->count == sweep->max && (expendable || !drop_one(sweep))) {
		sweep->dropped++;
		return;
	}
	sweep->ranges[sweep->count++] = (struct boot_range){
		phys(first << PAGE_SHIFT), (end - first) << PAGE_SHIFT, type, attributes};
}

static void take_edge(struct sweep *sweep, const struct memory_map_edge *edge)
{
	if (!edge->opens) {
		sweep->open[edge->type]--;
		return;
	}
	sweep->open[edge->type]++;
	if (edge->type == BOOT_RANGE_RUNTIME)
		sweep->attributes = edge->attributes;
}

void memory_map_finish(struct memory_map *map, struct boot_range *ranges, size_t max,
		       struct boot_info *info)
{
	struct sweep sweep = {.ranges = ranges, .max = max};

	sort_edges(map->edges, map->nr_edges);
	for (size_t i = 0; i < map->nr_edges;) {
		uint64_t page = map->edges[i].page;

		while (i < map->nr_edges && map->edges[i].page == page)
			take_edge(&sweep, &map->edges[i++]);
		int type = winner(&sweep);
		if (type >= 0)
			emit(&sweep, page, map->edges[i].page, (enum boot_range_type)type);
	}
	info->ranges = ranges;
	info->range_count = (uint32_t)sweep.count;
	info->ranges_dropped = (uint32_t)sweep.dropped;
}

// SPDX-License-Identifier: MIT
/*
 * Whatever firmware says about memory, to ranges as kernel/boot_info.h promises them: sorted,
 * disjoint, page aligned, merged. Portable and without state: used by the EFI loader, by the
 * PVH entry and by the tests.
 *
 * Where entries overlap, the more careful one wins: runtime, MMIO, reserved, ACPI, kernel,
 * loader, RAM, in this order. RAM shrinks to whole pages, everything else grows. Page 0 is
 * never RAM, and neither is what lies at or above `ram_end`.
 */
#ifndef BOOT_MEMORY_MAP_H
#define BOOT_MEMORY_MAP_H

#include <kernel/attributes.h>
#include <kernel/boot_info.h>

/* Where an entry begins or ends. */
struct memory_map_edge {
	uint64_t page;
	uint64_t attributes;
	enum boot_range_type type;
	bool opens;
};

struct memory_map {
	struct memory_map_edge *edges; /* the caller's */
	size_t nr_edges;
	size_t max_edges; /* two per entry */
	uint64_t ram_end; /* bytes; RAM from here on is left out */
	unsigned ignored; /* entries that were empty or held no whole page of RAM */
};

/* Start an empty map. ram_end 0: no limit but that of page numbers. */
void memory_map_start(struct memory_map *map, struct memory_map_edge *edges, size_t max_edges,
		      uint64_t ram_end);

/* One entry, any alignment, any overlap; what passes the end of the address space is cut. 0, or
 * -ENOSPC when there is no room: the map must then not be used. */
int memory_map_add(struct memory_map *map, uint64_t start, uint64_t size,
		   enum boot_range_type type, uint64_t attributes) MUST_CHECK;

/*
 * The EFI memory map (UEFI 2.10, section 7.2): descriptors of descriptor_size bytes, at least
 * the 40 that are defined. Boot-services and loader memory becomes RAM; persistent,
 * soft-reserved, unaccepted and not write-back memory is reserved. 0, -EINVAL for sizes that
 * make no sense, -ENOSPC.
 */
int memory_map_add_efi(struct memory_map *map, const void *descriptors, size_t size,
		       size_t descriptor_size) MUST_CHECK;

/*
 * Write the ranges, at most max of them; sets info->range_count and info->ranges_dropped. RAM
 * is never dropped while something else could be: what is in no range is not touched either.
 */
void memory_map_finish(struct memory_map *map, struct boot_range *ranges, size_t max,
		       struct boot_info *info);

#endif

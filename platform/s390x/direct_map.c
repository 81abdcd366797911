// SPDX-License-Identifier: MIT
/*
 * The direct map, filled a segment at a time. Runs inside translation exceptions of any code,
 * so all it reads and writes is the image and, by real address, its own room for tables.
 * Entries are written once, from not present, under a lock of its own; what changes them later
 * holds the lock of the page tables.
 */
#include <platform/s390x/direct_map.h>

#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/paging/page_table.h>
#include <platform/s390x/address_space.h>
#include <platform/s390x/image.h>
#include <platform/s390x/private.h>
#include <platform/s390x/real_storage.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/log.h>
#include <stdatomic.h>

/* Pieces of RAM that are mapped alike, sorted. Firmware tells of few. */
#define EXTENTS_MAX 256

struct extent {
	uint64_t start;
	uint64_t end;
	unsigned protection;
};

static struct extent extents[EXTENTS_MAX] RO_AFTER_INIT;
static unsigned extent_count RO_AFTER_INIT;

/* Room for tables: those of 2048 entries, then page tables. */
struct room {
	uint64_t next;
	uint64_t end;
};

static struct room large_room, small_room; /* fill_lock */
static uint64_t segments_filled;           /* fill_lock */

/* Not a spin_lock: whoever faults may be in the middle of one, or of the lock checker. */
static atomic_flag fill_lock = ATOMIC_FLAG_INIT;

static void extent_append(uint64_t start, uint64_t end, unsigned protection)
{
	struct extent *last = extent_count ? &extents[extent_count - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->end == start && last->protection == protection) {
		last->end = end;
		return;
	}
	if (extent_count == EXTENTS_MAX)
		panic("address space: RAM comes in more than %u pieces; the direct map keeps "
		      "note of no more",
		      EXTENTS_MAX);
	extents[extent_count++] = (struct extent){start, end, protection};
}

/* Without the prefix areas, which are CPUs' own. */
static void extent_add(uint64_t start, uint64_t end, unsigned protection)
{
	struct phys pool;
	uint64_t pool_size;

	private_pool_extent(&pool, &pool_size);
	start = MAX(start, LOWCORE_SIZE);
	if (start < pool.addr + pool_size && pool.addr < end) {
		extent_append(start, pool.addr, protection);
		start = pool.addr + pool_size;
	}
	extent_append(start, end, protection);
}

static void extents_collect(const struct boot_info *info)
{
	uint64_t fixed = (uint64_t)kernel_image_start;
	uint64_t fixed_end = (uint64_t)kernel_ro_after_init_end;

	for (uint32_t i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->ranges[i];
		uint64_t start = range->start.addr;
		uint64_t end = start + range->size;

		if (range->type == BOOT_RANGE_RESERVED || range->type == BOOT_RANGE_MMIO ||
		    range->type == BOOT_RANGE_RUNTIME)
			continue;
		if (end > DIRECT_MAP_SIZE) {
			log_warn("memory: range %#lx-%#lx lies above the direct map and is "
				 "left alone",
				 start, end);
			continue;
		}
		extent_add(start, MIN(end, fixed), MMU_WRITE);
		extent_add(MAX(start, fixed), MIN(end, fixed_end), MMU_READ);
		extent_add(MAX(start, fixed_end), end, MMU_WRITE);
	}
}

static uint64_t spans_touched(const struct extent *extent, unsigned level)
{
	return (extent->end - 1) / level_size(level) - extent->start / level_size(level) + 1;
}

/* The most that filling everything can take. Large pages leave page tables to ragged ends. */
static void room_reserve(void)
{
	uint64_t large = 0, small = 0;
	struct phys room;

	for (unsigned i = 0; i < extent_count; i++) {
		uint64_t segments = spans_touched(&extents[i], 2);

		large += spans_touched(&extents[i], 3) + spans_touched(&extents[i], 4);
		small += paging_features.segment_pages ? MIN(segments, 2u) : segments;
	}
	large *= level_table_size(2);
	small *= level_table_size(1);
	room = boot_memory_alloc(align_up(large + small, PAGE_SIZE), PAGE_SIZE);
	if (!room.addr)
		panic("address space: no %lu KiB for the tables of the direct map; give the "
		      "machine more memory",
		      (large + small) >> 10);
	large_room = (struct room){room.addr, room.addr + large};
	small_room = (struct room){large_room.end, large_room.end + small};
}

void direct_map_init(const struct boot_info *info)
{
	extents_collect(info);
	room_reserve();
}

/* The first extent that ends above p; NULL if there is none. */
static const struct extent *extent_at(uint64_t p)
{
	unsigned low = 0, high = extent_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (extents[middle].end > p)
			high = middle;
		else
			low = middle + 1;
	}
	return low < extent_count ? &extents[low] : NULL;
}

static void entries_write(uint64_t *entry, uint64_t count, struct pte value, uint64_t step)
{
	for (; count > 0; count--, *entry += sizeof(struct pte), value.bits += step)
		real_store(*entry, value.bits);
}

/* The page table of the segment that starts at p. */
static void page_table_fill(uint64_t table, uint64_t p)
{
	const struct extent *extent = extent_at(p);
	const struct extent *last = &extents[extent_count];
	uint64_t end = p + level_size(2);

	for (; p < end; extent++) {
		bool is_extent = extent && extent < last && extent->start < end;
		uint64_t hole_end = is_extent ? MAX(extent->start, p) : end;

		entries_write(&table, (hole_end - p) / PAGE_SIZE, pte_none(1), 0);
		p = hole_end;
		if (!is_extent)
			break;
		hole_end = MIN(extent->end, end);
		entries_write(&table, (hole_end - p) / PAGE_SIZE,
			      pte_leaf(1, phys(p), extent->protection), PAGE_SIZE);
		p = hole_end;
	}
}

static uint64_t room_take(unsigned level)
{
	struct room *room = level == 1 ? &small_room : &large_room;
	uint64_t table = room->next;

	if (table == room->end)
		return 0;
	room->next += level_table_size(level);
	return table;
}

/* What an entry on `level` for p becomes; not present when there is no room for a table. */
static struct pte entry_make(unsigned level, uint64_t p)
{
	uint64_t start = align_down(p, level_size(level));
	const struct extent *extent = extent_at(start);
	uint64_t table, at;

	if (level_has_leaves(level) && extent->start <= start &&
	    extent->end >= start + level_size(level))
		return pte_leaf(level, phys(start), extent->protection);
	table = at = room_take(level - 1);
	if (!table)
		return pte_none(level);
	if (level == 2)
		page_table_fill(table, start);
	else
		entries_write(&at, level_entries(level - 1), pte_none(level - 1), 0);
	return pte_table(level, phys(table), true);
}

static bool fill_locked(uint64_t p)
{
	uint64_t real = address_space_top().addr;

	for (unsigned level = LEVEL_ROOT - 1;; level--) {
		struct pte entry;

		real += level_index(level, DIRECT_MAP_BASE + p) * sizeof(struct pte);
		entry.bits = real_load(real);
		if (level > 1 && !pte_is_present(level, entry)) {
			entry = entry_make(level, p);
			real_store(real, entry.bits);
			segments_filled += level == 2;
		}
		if (!pte_is_present(level, entry) || pte_is_leaf(level, entry))
			return pte_is_present(level, entry);
		real = pte_phys(level, entry).addr;
	}
}

bool address_space_fault(uintptr_t address)
{
	uint64_t p = address - DIRECT_MAP_BASE;
	const struct extent *extent = extent_at(p);
	bool there;

	if (!extent || p < extent->start)
		return false;
	while (atomic_flag_test_and_set_explicit(&fill_lock, memory_order_acquire))
		cpu_relax();
	there = fill_locked(p);
	atomic_flag_clear_explicit(&fill_lock, memory_order_release);
	return there;
}

uint64_t direct_map_segments_filled(void)
{
	return __atomic_load_n(&segments_filled, __ATOMIC_RELAXED);
}

void direct_map_complete(uintptr_t virt, uint64_t size)
{
	struct irq_state state = irq_save();

	for (uintptr_t at = align_down(virt, level_size(2)); at < virt + size;
	     at += level_size(2))
		address_space_fault(MAX(at, align_down(virt, PAGE_SIZE)));
	irq_restore(state);
}

bool direct_map_is_fixed(struct phys start, uint64_t size)
{
	return start.addr < (uint64_t)kernel_ro_after_init_end &&
	       (uint64_t)kernel_image_start < start.addr + size;
}

// SPDX-License-Identifier: MIT
/*
 * The direct map, and the array of page records, filled a segment at a time. Runs inside
 * translation exceptions of any code, so all it reads and writes is the image and, by real
 * address, its own room for tables. Entries are written once, from not present, under a lock of
 * its own; what changes them later holds the lock of the page tables.
 */
#include <platform/s390x/direct_map.h>

#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/paging/mmu_walk.h>
#include <platform/s390x/address_space.h>
#include <platform/image.h>
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
		/* And those of its page records: 64 bytes for 4 KiB. */
		small += paging_features.segment_pages ? MIN(segments, 2u)
						       : segments + segments / 64 + 2;
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

/* Mappings of whole segments that were put off, in the array of page records. */
#define RECORDS_MAX 64

struct record {
	uint64_t virt;
	uint64_t size;
	uint64_t p;
	unsigned protection;
};

static struct record records[RECORDS_MAX]; /* fill_lock */
static unsigned record_count;              /* fill_lock */
static bool records_forgotten;             /* fill_lock */

static void fill_lock_take(void)
{
	while (atomic_flag_test_and_set_explicit(&fill_lock, memory_order_acquire))
		cpu_relax();
}

static void fill_lock_release(void)
{
	atomic_flag_clear_explicit(&fill_lock, memory_order_release);
}

/* Tables down to the segment's are there since the mapping was put off. */
static bool record_fill(const struct record *record, uint64_t virt)
{
	uint64_t start = align_down(virt, level_size(2));
	uint64_t real = address_space_top().addr;
	struct pte entry;
	uint64_t table, at;

	for (unsigned level = LEVEL_ROOT - 1; level > 2; level--) {
		real += level_index(level, virt) * sizeof(struct pte);
		real = pte_phys(level, (struct pte){real_load(real)}).addr;
	}
	real += level_index(2, virt) * sizeof(struct pte);
	entry.bits = real_load(real);
	if (!pte_is_present(2, entry)) {
		table = at = room_take(1);
		if (!table)
			return false;
		entries_write(&at, level_entries(1),
			      pte_leaf(1, phys(record->p + (start - record->virt)),
				       record->protection),
			      PAGE_SIZE);
		entry = pte_table(2, phys(table), true);
		real_store(real, entry.bits);
		segments_filled++;
	}
	at = pte_phys(2, entry).addr + level_index(1, virt) * sizeof(struct pte);
	return pte_is_present(1, (struct pte){real_load(at)});
}

static bool records_fill_locked(uint64_t virt)
{
	for (unsigned i = 0; i < record_count; i++)
		if (virt - records[i].virt < records[i].size)
			return record_fill(&records[i], virt);
	return false;
}

/* The array of page records is the one mapping that grows with the machine. */
uint64_t page_table_defer(uintptr_t virt, struct phys p, uint64_t size, unsigned protection)
{
	size = align_down(size, level_size(2));
	if (paging_features.segment_pages || virt - PAGE_ARRAY_BASE >= SLOT_SIZE || !size ||
	    !is_aligned(virt, level_size(2)))
		return 0;
	for (uintptr_t at = virt; at < virt + size;
	     at = align_down(at, level_size(3)) + level_size(3))
		if (!page_table_reach(at, 2))
			return 0;
	fill_lock_take();
	if (record_count == RECORDS_MAX || records_forgotten)
		size = 0;
	else
		records[record_count++] = (struct record){virt, size, p.addr, protection};
	fill_lock_release();
	return size;
}

/* Nothing is put off any more afterwards: its tables would not be empty. */
void page_table_forget(uintptr_t virt, uint64_t size)
{
	fill_lock_take();
	for (unsigned i = record_count; i-- > 0;) {
		if (records[i].virt >= virt + size || virt >= records[i].virt + records[i].size)
			continue;
		ASSERT(records[i].virt >= virt &&
		       records[i].virt + records[i].size <= virt + size);
		records[i] = records[--record_count];
		records_forgotten = true;
	}
	fill_lock_release();
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
	bool is_direct = extent && p >= extent->start;
	bool there;

	if (!is_direct && address - PAGE_ARRAY_BASE >= SLOT_SIZE)
		return false;
	fill_lock_take();
	there = is_direct ? fill_locked(p) : records_fill_locked(address);
	fill_lock_release();
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

// SPDX-License-Identifier: MIT
/*
 * Kernel mappings of the hosted port: page tables that nobody but this file walks, and beside
 * them the same mapping made by the host, so that a wrong access faults as it would on a
 * machine. All-or-nothing: a range is checked and its tables exist before the first leaf is
 * written. Lock order: the mmu lock is taken after those of mm's callers; the table allocator
 * is called under it.
 */
#include <platform/mmu.h>
#include <platform/hosted/hosted.h>
#include <platform/hosted/page_table.h>
#include <platform/memory.h>
#include <kernel/assert.h>
#include <kernel/attributes.h>
#include <kernel/bits.h>
#include <kernel/lock.h>
#include <kernel/lock_order.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Address space for mappings: the page array first, then what mmu_reserve_space() gives out. */
#define SPACE_SIZE       GIB(64)
#define PAGE_RECORD_SIZE 64

static struct lock_class mmu_class = {.name = "mmu"};
static struct spin_lock lock = SPIN_LOCK_INIT(&mmu_class);

static uint64_t *top;        /* lock */
static uint64_t boot_tables; /* lock; bytes of HOSTED_TABLES_SIZE handed out */
static uint8_t *space;       /* set once */
static uint64_t page_array_size;
static uint64_t *space_used;  /* lock; bit per page */
static uint64_t space_cursor; /* lock; page where the next search starts */

static void *boot_table_alloc(uint64_t size)
{
	uint64_t at = boot_tables;

	if (at + size > HOSTED_TABLES_SIZE)
		return NULL;
	boot_tables += size;
	return phys_to_virt(phys(hosted_arena_size() - HOSTED_TABLES_SIZE + at));
}

static void boot_table_free(void *table, uint64_t size)
{
	(void)table, (void)size; /* the boot pool is not given back */
}

static const struct page_table_allocator boot_allocator = {boot_table_alloc, boot_table_free};
static const struct page_table_allocator *allocator = &boot_allocator;

void mmu_set_allocator(const struct page_table_allocator *new_allocator)
{
	allocator = new_allocator;
}

const struct page_table_allocator *hosted_mmu_allocator(void)
{
	return allocator;
}

/* ---- walking: all under the lock ---- */

static uint64_t *table_of(struct table_entry entry)
{
	return phys_to_virt(entry.target);
}

static struct table_entry entry_read(const uint64_t *table, unsigned level, uint64_t virt)
{
	return entry_decode(level, table[level_index(level, virt)]);
}

static void entry_write(uint64_t *table, unsigned level, uint64_t virt,
			struct table_entry entry)
{
	table[level_index(level, virt)] = entry_encode(level, entry);
}

/* The entry that decides about virt: a leaf, or the highest empty one. */
static struct table_entry walk(uint64_t virt, unsigned *level, uint64_t **table)
{
	*table = top;
	for (*level = PAGE_TABLE_LEVELS;; (*level)--) {
		struct table_entry entry = entry_read(*table, *level, virt);

		if (!entry.present || entry.leaf)
			return entry;
		*table = table_of(entry);
	}
}

/* A large leaf becomes a table of smaller ones that say the same. */
static int leaf_split(uint64_t *table, unsigned level, uint64_t virt, struct table_entry leaf)
{
	uint64_t *below = allocator->alloc(PAGE_SIZE);
	struct table_entry part = leaf;

	if (!below)
		return -ENOMEM;
	for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
		part.target = phys(leaf.target.addr + i * level_size(level - 1));
		below[i] = entry_encode(level - 1, part);
	}
	entry_write(table, level, virt,
		    (struct table_entry){.present = true, .target = virt_to_phys(below)});
	return 0;
}

/* Make the table exist that holds virt's entry of `want`, splitting what is larger. */
static int table_at(uint64_t virt, unsigned want, uint64_t **table)
{
	*table = top;
	for (unsigned level = PAGE_TABLE_LEVELS; level > want; level--) {
		struct table_entry entry = entry_read(*table, level, virt);
		int error = 0;

		if (entry.present && entry.leaf) {
			error = leaf_split(*table, level, virt, entry);
		} else if (!entry.present) {
			uint64_t *below = allocator->alloc(PAGE_SIZE);

			if (!below)
				return -ENOMEM;
			entry_write(*table, level, virt,
				    (struct table_entry){.present = true,
							 .target = virt_to_phys(below)});
		}
		if (error)
			return error;
		*table = table_of(entry_read(*table, level, virt));
	}
	return 0;
}

/* Largest level whose pages fit at virt and p into size. */
static unsigned best_level(uint64_t virt, uint64_t p, uint64_t size)
{
	unsigned level = 3;

	while (level > 1 &&
	       (!is_aligned(virt | p, level_size(level)) || size < level_size(level)))
		level--;
	return level;
}

static bool anything_mapped(uint64_t virt, uint64_t size)
{
	uint64_t end = virt + size;

	while (virt < end) {
		unsigned level;
		uint64_t *table;

		if (walk(virt, &level, &table).present)
			return true;
		virt = align_down(virt, level_size(level)) + level_size(level);
	}
	return false;
}

/* Remove tables below an entry that hold nothing; true if the entry is empty afterwards. */
static bool prune(uint64_t *table, unsigned level, uint64_t virt)
{
	struct table_entry entry = entry_read(table, level, virt);

	if (!entry.present || entry.leaf)
		return !entry.present;
	if (!prune(table_of(entry), level - 1, virt))
		return false;
	for (unsigned i = 0; i < PAGE_TABLE_ENTRIES; i++) {
		if (table_of(entry)[i] != 0)
			return false;
	}
	allocator->free(table_of(entry), PAGE_SIZE);
	entry_write(table, level, virt, (struct table_entry){.present = false});
	return true;
}

/* Clear whole leaves in a range; partly covered ones were split before. */
static void leaves_clear(uint64_t virt, uint64_t size)
{
	uint64_t end = virt + size;

	while (virt < end) {
		unsigned level;
		uint64_t *table;
		struct table_entry entry = walk(virt, &level, &table);
		uint64_t next = align_down(virt, level_size(level)) + level_size(level);

		if (entry.present)
			entry_write(table, level, virt, (struct table_entry){.present = false});
		prune(top, PAGE_TABLE_LEVELS, virt);
		virt = next;
	}
}

static int leaves_write(uint64_t virt, uint64_t p, uint64_t size, unsigned protection)
{
	uint64_t begin = virt;
	uint64_t end = virt + size;

	while (virt < end) {
		unsigned level = best_level(virt, p, end - virt);
		uint64_t *table;
		int error = table_at(virt, level, &table);

		if (error) {
			leaves_clear(begin, virt - begin);
			prune(top, PAGE_TABLE_LEVELS, virt);
			return error;
		}
		entry_write(table, level, virt,
			    (struct table_entry){true, true, protection, phys(p)});
		virt += level_size(level);
		p += level_size(level);
	}
	return 0;
}

/* Split the large leaf, if any, that spans the address without starting there. */
static int split_at(uint64_t virt)
{
	unsigned level;
	uint64_t *table;
	struct table_entry entry = walk(virt, &level, &table);

	if (!entry.present || is_aligned(virt, level_size(level)))
		return 0;
	return table_at(virt, best_level(virt, virt, UINT64_MAX), &table);
}

static int split_ends(uint64_t virt, uint64_t size)
{
	int error = split_at(virt);

	return error ? error : split_at(virt + size);
}

/* ---- the host's half ---- */

static bool in_space(uint64_t virt)
{
	return virt - (uint64_t)(uintptr_t)space < SPACE_SIZE;
}

static int host_protection(unsigned protection)
{
	return PROT_READ | (protection & MMU_WRITE ? PROT_WRITE : 0);
}

static void host_check(bool ok, const char *what)
{
	if (!ok)
		panic("hosted: the host refuses to %s (vm.max_map_count?)", what);
}

static void host_map(uint64_t virt, struct phys p, uint64_t size, unsigned protection)
{
	if (in_space(virt))
		host_check(mmap((void *)(uintptr_t)virt, size, host_protection(protection),
				MAP_SHARED | MAP_FIXED | MAP_NORESERVE, hosted_arena_fd(),
				(off_t)p.addr) != MAP_FAILED,
			   "map");
}

static void host_unmap(uint64_t virt, uint64_t size)
{
	if (in_space(virt))
		host_check(mmap((void *)(uintptr_t)virt, size, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
				0) != MAP_FAILED,
			   "unmap");
	else
		host_check(mprotect((void *)(uintptr_t)virt, size, PROT_NONE) == 0, "unmap");
}

/* ---- the contract ---- */

static void assert_range(const void *virt, uint64_t size)
{
	ASSERT(is_aligned((uintptr_t)virt | size, PAGE_SIZE) && size > 0);
}

int mmu_map(void *virt, struct phys p, uint64_t size, unsigned protection)
{
	uint64_t at = (uintptr_t)virt;
	struct irq_state irq;
	int error = -EEXIST;

	assert_range(virt, size);
	ASSERT((protection & (MMU_WRITE | MMU_EXECUTE)) != (MMU_WRITE | MMU_EXECUTE));
	ASSERT(in_space(at) && in_space(at + size - 1));
	irq = spin_lock_irqsave(&lock);
	if (!anything_mapped(at, size))
		error = leaves_write(at, p.addr, size, protection);
	if (error == 0)
		host_map(at, p, size, protection);
	spin_unlock_irqrestore(&lock, irq);
	return error;
}

void mmu_unmap(void *virt, uint64_t size)
{
	uint64_t at = (uintptr_t)virt;
	struct irq_state irq;

	assert_range(virt, size);
	lock_order_check_wait((uintptr_t)__builtin_return_address(0));
	irq = spin_lock_irqsave(&lock);
	if (split_ends(at, size) != 0)
		panic("mmu: no memory to split a large page at %p", virt);
	leaves_clear(at, size);
	host_unmap(at, size);
	spin_unlock_irqrestore(&lock, irq);
}

static bool all_mapped(uint64_t virt, uint64_t end)
{
	unsigned level;
	uint64_t *table;

	for (; virt < end; virt = align_down(virt, level_size(level)) + level_size(level)) {
		if (!walk(virt, &level, &table).present)
			return false;
	}
	return true;
}

static void leaves_protect(uint64_t virt, uint64_t end, unsigned protection)
{
	while (virt < end) {
		unsigned level;
		uint64_t *table;
		struct table_entry entry = walk(virt, &level, &table);

		entry.protection = protection;
		entry_write(table, level, virt, entry);
		virt += level_size(level);
	}
}

int mmu_protect(void *virt, uint64_t size, unsigned protection)
{
	uint64_t at = (uintptr_t)virt;
	struct irq_state irq;
	int error = -EINVAL;

	assert_range(virt, size);
	ASSERT((protection & (MMU_WRITE | MMU_EXECUTE)) != (MMU_WRITE | MMU_EXECUTE));
	lock_order_check_wait((uintptr_t)__builtin_return_address(0));
	irq = spin_lock_irqsave(&lock);
	if (all_mapped(at, at + size))
		error = split_ends(at, size);
	if (error == 0) {
		leaves_protect(at, at + size, protection);
		host_check(mprotect(virt, size, host_protection(protection)) == 0, "protect");
	}
	spin_unlock_irqrestore(&lock, irq);
	return error;
}

bool mmu_lookup(const void *virt, struct phys *p, unsigned *protection)
{
	struct irq_state irq = spin_lock_irqsave(&lock);
	uint64_t at = (uintptr_t)virt;
	unsigned level;
	uint64_t *table;
	struct table_entry entry = walk(at, &level, &table);

	spin_unlock_irqrestore(&lock, irq);
	if (!entry.present)
		return false;
	*p = phys(entry.target.addr + at % level_size(level));
	*protection = entry.protection;
	return true;
}

/* Registers of simulated devices lie in the arena; there is nothing beyond it. */
volatile void *mmio_map(struct phys p, uint64_t size)
{
	return p.addr + size <= hosted_arena_size() ? phys_to_virt(p) : NULL;
}

void mmu_flush_local(const void *virt, uint64_t size)
{
	(void)virt, (void)size; /* the host keeps its own translations right */
}

void *mmu_page_array_base(void)
{
	return space;
}

/* ---- address space ---- */

static bool space_page_used(uint64_t page)
{
	return (space_used[page / 64] >> page % 64 & 1) != 0;
}

static void space_mark(uint64_t page, uint64_t count, bool used)
{
	for (; count > 0; page++, count--) {
		if (used)
			space_used[page / 64] |= UINT64_C(1) << page % 64;
		else
			space_used[page / 64] &= ~(UINT64_C(1) << page % 64);
	}
}

/* First of `count` unused pages at or after `from`, SPACE_SIZE / PAGE_SIZE when none. */
static uint64_t space_find(uint64_t from, uint64_t count)
{
	uint64_t pages = SPACE_SIZE / PAGE_SIZE;
	uint64_t run = 0;

	for (uint64_t page = from; page < pages; page++) {
		run = space_page_used(page) ? 0 : run + 1;
		if (run == count)
			return page + 1 - count;
	}
	return pages;
}

void *mmu_reserve_space(uint64_t size)
{
	uint64_t count = align_up(size, PAGE_SIZE) / PAGE_SIZE + 2;
	struct irq_state irq = spin_lock_irqsave(&lock);
	uint64_t page = space_find(space_cursor, count);

	if (page == SPACE_SIZE / PAGE_SIZE)
		page = space_find(page_array_size / PAGE_SIZE, count);
	if (page != SPACE_SIZE / PAGE_SIZE) {
		space_mark(page, count, true);
		space_cursor = page + count;
	}
	spin_unlock_irqrestore(&lock, irq);
	return page == SPACE_SIZE / PAGE_SIZE ? NULL : space + (page + 1) * PAGE_SIZE;
}

void mmu_release_space(void *virt, uint64_t size)
{
	uint64_t page = (uint64_t)((uint8_t *)virt - space) / PAGE_SIZE - 1;
	struct irq_state irq = spin_lock_irqsave(&lock);

	ASSERT(!anything_mapped((uintptr_t)virt, align_up(size, PAGE_SIZE)));
	space_mark(page, align_up(size, PAGE_SIZE) / PAGE_SIZE + 2, false);
	spin_unlock_irqrestore(&lock, irq);
}

void hosted_mmu_init(void)
{
	space = mmap(NULL, SPACE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	space_used = calloc(SPACE_SIZE / PAGE_SIZE / 64, sizeof(*space_used));
	top = boot_table_alloc(PAGE_SIZE);
	if (space == MAP_FAILED || !space_used || !top) {
		fprintf(stderr, "hosted: cannot reserve address space for kernel mappings\n");
		exit(1);
	}
	page_array_size = hosted_arena_size() / PAGE_SIZE * PAGE_RECORD_SIZE;
	space_mark(0, page_array_size / PAGE_SIZE, true);
	space_cursor = page_array_size / PAGE_SIZE;
	host_check(leaves_write((uintptr_t)hosted_arena, 0, hosted_arena_size(), MMU_WRITE) ==
			   0,
		   "build the direct map");
}

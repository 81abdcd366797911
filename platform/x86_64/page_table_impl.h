// SPDX-License-Identifier: MIT
/*
 * Page-table entries: made, read and written only through these functions, which take the
 * level (1: pages of 4 KiB ... 5), because the same bits mean different things on different
 * levels. The level-4 table carries the kernel's slots and is written by
 * kernel_slot_write() alone. Source of the layout: Intel SDM volume 3, 4.5.
 */
#ifndef PLATFORM_X86_64_PAGE_TABLE_IMPL_H
#define PLATFORM_X86_64_PAGE_TABLE_IMPL_H

#include <platform/memory.h>
#include <platform/mmu.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/layout.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

struct pte {
	uint64_t bits;
};

#define PTES_PER_TABLE 512
#define LEVEL_ROOT     4

#define PTE_PRESENT    BIT64(0)
#define PTE_WRITE      BIT64(1)
#define PTE_UNCACHED   (BIT64(3) | BIT64(4)) /* entry 3 of the reset value of the PAT */
#define PTE_ACCESSED   BIT64(5)
#define PTE_DIRTY      BIT64(6)
#define PTE_LARGE      BIT64(7) /* levels 2 and 3 */
#define PTE_GLOBAL     BIT64(8)
#define PTE_BOOT_TABLE BIT64(9) /* ours: the table below came from boot memory */
#define PTE_NO_EXECUTE BIT64(63)
#define PTE_ADDRESS    UINT64_C(0x000ffffffffff000)

static inline unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

static inline uint64_t level_size(unsigned level)
{
	return UINT64_C(1) << level_shift(level);
}

static inline unsigned level_index(unsigned level, uintptr_t address)
{
	return (address >> level_shift(level)) % PTES_PER_TABLE;
}

static inline unsigned level_entries(unsigned level UNUSED)
{
	return PTES_PER_TABLE;
}

static inline uint64_t level_table_size(unsigned level UNUSED)
{
	return PAGE_SIZE;
}

static inline bool level_has_leaves(unsigned level)
{
	return level <= 2 || (level == 3 && cpu_features.gib_pages);
}

static inline struct pte pte_none(unsigned level UNUSED)
{
	return (struct pte){0};
}

/* Of a private slot. Accessed and dirty are set from the start: the CPU then never writes to
 * our tables. */
static inline struct pte pte_private_leaf(unsigned level, struct phys p, unsigned protection)
{
	uint64_t bits = p.addr | PTE_PRESENT | PTE_ACCESSED;

	ASSERT(level_has_leaves(level) && is_aligned(p.addr, level_size(level)));
	ASSERT((protection & (MMU_WRITE | MMU_EXECUTE)) != (MMU_WRITE | MMU_EXECUTE));
	if (protection & MMU_WRITE)
		bits |= PTE_WRITE | PTE_DIRTY;
	if (!(protection & MMU_EXECUTE) && cpu_features.no_execute)
		bits |= PTE_NO_EXECUTE;
	if (protection & MMU_UNCACHED)
		bits |= PTE_UNCACHED;
	if (level > 1)
		bits |= PTE_LARGE;
	return (struct pte){bits};
}

/* An entry on `level` that leads to a table of the level below. Protection is in leaves only.
 */
static inline struct pte pte_table(unsigned level, struct phys table, bool from_boot)
{
	ASSERT(level > 1 && is_aligned(table.addr, PAGE_SIZE));
	return (struct pte){table.addr | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED |
			    (from_boot ? PTE_BOOT_TABLE : 0)};
}

/* Shared by all CPUs and never different between two address spaces. */
static inline struct pte pte_leaf(unsigned level, struct phys p, unsigned protection)
{
	return (struct pte){pte_private_leaf(level, p, protection).bits | PTE_GLOBAL};
}

static inline bool pte_is_boot_table(unsigned level UNUSED, struct pte entry)
{
	return entry.bits & PTE_BOOT_TABLE;
}

static inline bool pte_is_present(unsigned level UNUSED, struct pte entry)
{
	return entry.bits & PTE_PRESENT;
}

static inline bool pte_is_leaf(unsigned level, struct pte entry)
{
	return level == 1 || (level <= 3 && (entry.bits & PTE_LARGE));
}

static inline struct phys pte_phys(unsigned level, struct pte entry)
{
	uint64_t mask = PTE_ADDRESS;

	if (level > 1 && pte_is_leaf(level, entry))
		mask &= ~(level_size(level) - 1);
	return phys(entry.bits & mask);
}

static inline unsigned pte_protection(struct pte entry)
{
	unsigned protection = MMU_READ;

	if (entry.bits & PTE_WRITE)
		protection |= MMU_WRITE;
	if (!(entry.bits & PTE_NO_EXECUTE))
		protection |= MMU_EXECUTE;
	if ((entry.bits & PTE_UNCACHED) == PTE_UNCACHED)
		protection |= MMU_UNCACHED;
	return protection;
}

static inline struct pte pte_read(const struct pte *entry)
{
	return (struct pte){__atomic_load_n(&entry->bits, __ATOMIC_RELAXED)};
}

/* One store; what a new entry leads to is complete before it. */
static inline void pte_write(unsigned level, struct pte *entry, struct pte value)
{
	ASSERT(level < LEVEL_ROOT);
	__atomic_store_n(&entry->bits, value.bits, __ATOMIC_RELEASE);
}

static inline struct pte *page_table_pointer(struct phys table)
{
	return phys_to_virt(table);
}

static inline struct phys page_table_phys(const struct pte *table)
{
	return virt_to_phys(table);
}

#endif

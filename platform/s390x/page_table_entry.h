// SPDX-License-Identifier: MIT
/*
 * Entries of translation tables: made and taken apart only here, by functions that take the
 * level, because the same bits mean different things on different levels. Level 1: page table
 * (4 KiB an entry), 2: segment table (1 MiB), 3: region-third table (2 GiB), 4: region-second
 * table (4 TiB), which the address-space-control element leads to (5). Source of the layout:
 * z/Architecture Principles of Operation, "Dynamic Address Translation". No access to a live
 * table and no instruction of the machine, so that it runs on any.
 */
#ifndef PLATFORM_S390X_PAGE_TABLE_ENTRY_H
#define PLATFORM_S390X_PAGE_TABLE_ENTRY_H

#include <platform/mmu.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

struct pte {
	uint64_t bits;
};

#define LEVEL_ROOT 5

#define PTE_INVALID      UINT64_C(0x400) /* level 1 */
#define PTE_FORMAT       UINT64_C(0x400) /* levels 2 and 3: a page, not a table */
#define PTE_PROTECT      UINT64_C(0x200)
#define PTE_NO_EXECUTE   UINT64_C(0x100)
#define PTE_TABLE_NONE   UINT64_C(0x20) /* levels 2 to 4: invalid */
#define PTE_BOOT_TABLE   UINT64_C(0x01) /* ours, level 2: the table below stays for ever */
#define PTE_TABLE_LENGTH UINT64_C(0x03) /* levels 3 and 4: the table below is a whole one */
#define PTE_PAGE_TABLE   UINT64_C(0xfffffffffffff800)
#define PTE_PAGE         UINT64_C(0xfffffffffffff000)

/* What the machine offers and the kernel then uses. */
struct paging_features {
	bool segment_pages; /* 1 MiB */
	bool region_pages;  /* 2 GiB */
	bool no_execute;
};

extern struct paging_features paging_features;

/* From bits 8, 78 and 130 of the facility list; EDAT-2 without EDAT-1 counts for nothing. */
struct paging_features paging_features_choose(bool edat1, bool edat2,
					      bool instruction_protection);

static inline unsigned level_shift(unsigned level)
{
	return level == 1 ? PAGE_SHIFT : 20 + 11 * (level - 2);
}

static inline uint64_t level_size(unsigned level)
{
	return UINT64_C(1) << level_shift(level);
}

static inline unsigned level_entries(unsigned level)
{
	return level == 1 ? 256 : 2048;
}

static inline uint64_t level_table_size(unsigned level)
{
	return level_entries(level) * sizeof(struct pte);
}

static inline unsigned level_index(unsigned level, uint64_t address)
{
	return (address >> level_shift(level)) % level_entries(level);
}

static inline bool level_has_leaves(unsigned level)
{
	return level == 1 || (level == 2 && paging_features.segment_pages) ||
	       (level == 3 && paging_features.region_pages);
}

/* Table-type bits: which table an entry is in. */
static inline uint64_t level_type(unsigned level)
{
	return level >= 3 && level <= 4 ? (level - 2) << 2 : 0;
}

static inline struct pte pte_none(unsigned level)
{
	return (struct pte){level == 1 ? PTE_INVALID : PTE_TABLE_NONE | level_type(level)};
}

/* There is no uncached memory: devices are not reached by loads and stores. */
static inline struct pte pte_leaf(unsigned level, struct phys p, unsigned protection)
{
	uint64_t bits = p.addr | level_type(level);

	ASSERT(level_has_leaves(level) && is_aligned(p.addr, level_size(level)));
	ASSERT((protection & (MMU_WRITE | MMU_EXECUTE)) != (MMU_WRITE | MMU_EXECUTE));
	if (level > 1)
		bits |= PTE_FORMAT;
	if (!(protection & MMU_WRITE))
		bits |= PTE_PROTECT;
	if (!(protection & MMU_EXECUTE) && paging_features.no_execute)
		bits |= PTE_NO_EXECUTE;
	return (struct pte){bits};
}

/* An entry on `level` that leads to a table of the level below. Protection is in leaves only.
 */
static inline struct pte pte_table(unsigned level, struct phys table, bool from_boot)
{
	ASSERT(level > 1 && is_aligned(table.addr, level == 2 ? 2048 : PAGE_SIZE));
	if (level == 2)
		return (struct pte){table.addr | (from_boot ? PTE_BOOT_TABLE : 0)};
	return (struct pte){table.addr | level_type(level) | PTE_TABLE_LENGTH};
}

static inline bool pte_is_present(unsigned level, struct pte entry)
{
	return !(entry.bits & (level == 1 ? PTE_INVALID : PTE_TABLE_NONE));
}

static inline bool pte_is_leaf(unsigned level, struct pte entry)
{
	return level == 1 || (level <= 3 && (entry.bits & PTE_FORMAT));
}

/* Higher entries have no bit of ours, and no table of theirs is ever freed. */
static inline bool pte_is_boot_table(unsigned level, struct pte entry)
{
	return level > 2 || (entry.bits & PTE_BOOT_TABLE);
}

static inline struct phys pte_phys(unsigned level, struct pte entry)
{
	if (pte_is_leaf(level, entry))
		return phys(entry.bits & ~(level_size(level) - 1));
	return phys(entry.bits & (level == 2 ? PTE_PAGE_TABLE : PTE_PAGE));
}

static inline unsigned pte_protection(struct pte entry)
{
	unsigned protection = MMU_READ;

	if (!(entry.bits & PTE_PROTECT))
		protection |= MMU_WRITE;
	/* Without the facility what may be written does not count as executable: the kernel
	 * asks for it nowhere, and nothing can keep it from being so. */
	else if (!(entry.bits & PTE_NO_EXECUTE))
		protection |= MMU_EXECUTE;
	return protection;
}

#endif

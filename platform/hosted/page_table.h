// SPDX-License-Identifier: MIT
/*
 * Entries of the hosted port's page tables. Each level has a code of its own, so that an entry
 * read at the wrong level is noticed at once; only these functions know it. Level 4 is the top;
 * leaves are possible at levels 1 (4 KiB), 2 (2 MiB) and 3 (1 GiB).
 */
#ifndef PLATFORM_HOSTED_PAGE_TABLE_H
#define PLATFORM_HOSTED_PAGE_TABLE_H

#include <platform/types.h>

#define PAGE_TABLE_LEVELS  4
#define PAGE_TABLE_ENTRIES 512

/* What the code hides; present is false for an empty entry. */
struct table_entry {
	bool present;
	bool leaf;
	unsigned protection; /* MMU_ bits of a leaf */
	struct phys target;  /* page, or next table */
};

/* Bytes one entry of a level spans. */
static inline uint64_t level_size(unsigned level)
{
	return PAGE_SIZE << (9 * (level - 1));
}

static inline unsigned level_index(unsigned level, uint64_t virt)
{
	return (unsigned)(virt / level_size(level)) % PAGE_TABLE_ENTRIES;
}

uint64_t entry_encode(unsigned level, struct table_entry entry);
/* Panics on a word that was not encoded for this level. */
struct table_entry entry_decode(unsigned level, uint64_t word);

#endif

// SPDX-License-Identifier: MIT
/*
 * The code of an entry: address, protection, leaf bit and a tag of the level, rotated by an
 * amount and inverted by a pattern that differ from level to level. 0 is empty at every level.
 */
#include <platform/hosted/page_table.h>
#include <kernel/assert.h>

#define ENTRY_LEAF    (UINT64_C(1) << 3)
#define ENTRY_PROTECT UINT64_C(7)
#define ENTRY_TAG     (UINT64_C(0xff) << 4)
#define ENTRY_ADDRESS (~UINT64_C(0) << PAGE_SHIFT)

static const unsigned level_rotation[PAGE_TABLE_LEVELS + 1] = {0, 5, 19, 33, 47};
static const uint64_t level_pattern[PAGE_TABLE_LEVELS + 1] = {
	0, 0x1111222233334444, 0x5aa55aa5c33cc33c, 0x0f1e2d3c4b5a6978, 0x8877665544332211};

static uint64_t level_tag(unsigned level)
{
	return (UINT64_C(0xa0) | level) << 4;
}

static uint64_t rotate_left(uint64_t word, unsigned by)
{
	return word << by | word >> (64 - by);
}

uint64_t entry_encode(unsigned level, struct table_entry entry)
{
	uint64_t plain = entry.target.addr | entry.protection | level_tag(level);

	if (!entry.present)
		return 0;
	ASSERT(!(entry.leaf && level == PAGE_TABLE_LEVELS));
	ASSERT(entry.leaf || level > 1);
	if (entry.leaf)
		plain |= ENTRY_LEAF;
	return rotate_left(plain, level_rotation[level]) ^ level_pattern[level];
}

struct table_entry entry_decode(unsigned level, uint64_t word)
{
	uint64_t plain;

	if (word == 0)
		return (struct table_entry){.present = false};
	plain = rotate_left(word ^ level_pattern[level], 64 - level_rotation[level]);
	if ((plain & ENTRY_TAG) != level_tag(level))
		panic("page table entry %#llx is not one of level %u", (unsigned long long)word,
		      level);
	return (struct table_entry){.present = true,
				    .leaf = (plain & ENTRY_LEAF) != 0,
				    .protection = (unsigned)(plain & ENTRY_PROTECT),
				    .target = phys(plain & ENTRY_ADDRESS)};
}

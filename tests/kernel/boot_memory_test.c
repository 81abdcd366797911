// SPDX-License-Identifier: MIT
/*
 * kernel/boot_memory.c over range tables made here. On a target the real table is put back.
 */
#include <kernel/boot_memory.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <tests/test.h>

#define RANGE(first, bytes, kind)                                  \
	{                                                          \
		.start = {first}, .size = (bytes), .type = (kind), \
	}

/* The allocator is a single instance: each test starts it over on its own table. mm has taken
 * its memory long before, and nothing is written to what is allocated here. */
static void start(struct boot_range *ranges, uint32_t count)
{
	static struct boot_info info;

	info.ranges = ranges;
	info.range_count = count;
	boot_memory_init(&info);
}

static uint64_t free_bytes(void)
{
	struct boot_memory_cursor cursor = {0};
	struct phys at;
	uint64_t size, total = 0;

	while (boot_memory_next_free(&cursor, &at, &size))
		total += size;
	return total;
}

TEST(boot_memory, allocates_from_the_top_below_the_limit)
{
	struct boot_range ranges[] = {RANGE(0, MIB(1), BOOT_RANGE_RAM),
				      RANGE(MIB(1), MIB(1), BOOT_RANGE_RESERVED),
				      RANGE(MIB(2), MIB(6), BOOT_RANGE_RAM)};

	start(ranges, 3);
	CHECK_EQ(boot_memory_total(), MIB(7));
	CHECK_EQ(boot_memory_alloc(1, 1).addr, MIB(8) - PAGE_SIZE);
	CHECK_EQ(boot_memory_alloc(MIB(2), MIB(2)).addr, MIB(4));
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, 1).addr, MIB(8) - 2 * PAGE_SIZE);
	CHECK_EQ(boot_memory_alloc_below(PAGE_SIZE, 1, phys(MIB(1))).addr, MIB(1) - PAGE_SIZE);
	boot_memory_set_limit(phys(MIB(3)));
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, 1).addr, MIB(3) - PAGE_SIZE);
	CHECK_EQ(boot_memory_taken(), MIB(2) + 4 * PAGE_SIZE);
	CHECK_EQ(free_bytes(), MIB(7) - PAGE_SIZE - boot_memory_taken());
}

TEST(boot_memory, never_gives_page_zero)
{
	struct boot_range ranges[] = {RANGE(0, 2 * PAGE_SIZE, BOOT_RANGE_RAM)};
	struct boot_memory_cursor cursor = {0};
	struct phys at;
	uint64_t size;

	start(ranges, 1);
	CHECK(boot_memory_next_free(&cursor, &at, &size));
	CHECK_EQ(at.addr, PAGE_SIZE);
	CHECK_EQ(size, PAGE_SIZE);
	CHECK(!boot_memory_next_free(&cursor, &at, &size));
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, 1).addr, PAGE_SIZE);
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, 1).addr, 0);
	CHECK_EQ(free_bytes(), 0);
}

TEST(boot_memory, absurd_sizes_give_none)
{
	struct boot_range ranges[] = {RANGE(MIB(1), MIB(1), BOOT_RANGE_RAM)};

	start(ranges, 1);
	CHECK_EQ(boot_memory_alloc(0, 1).addr, 0);
	CHECK_EQ(boot_memory_alloc(UINT64_MAX, 1).addr, 0);
	CHECK_EQ(boot_memory_alloc(MIB(1) + 1, 1).addr, 0);
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, GIB(1)).addr, 0);
	CHECK_EQ(boot_memory_taken(), 0);
}

TEST(boot_memory, ranges_of_other_types_are_not_memory)
{
	struct boot_range ranges[] = {RANGE(MIB(1), MIB(1), BOOT_RANGE_KERNEL),
				      RANGE(MIB(2), MIB(1), BOOT_RANGE_ACPI),
				      RANGE(MIB(3), MIB(1), BOOT_RANGE_RUNTIME),
				      RANGE(MIB(4), MIB(1), BOOT_RANGE_MMIO)};

	start(ranges, 4);
	CHECK_EQ(boot_memory_total(), 0);
	CHECK_EQ(boot_memory_alloc(PAGE_SIZE, 1).addr, 0);
	CHECK_EQ(free_bytes(), 0);
}

/* Whatever was taken lies in RAM, overlaps nothing, and is in no free piece. */
TEST(boot_memory, random_allocations_never_overlap)
{
	enum { RANGES = 8, TRIES = 200 };
	struct boot_range ranges[RANGES];
	static uint8_t owner[RANGES * 64];
	uint64_t taken_pages = 0;
	struct boot_memory_cursor cursor = {0};
	struct phys at;
	uint64_t size;

	memset(owner, 0, sizeof(owner));
	for (unsigned i = 0; i < RANGES; i++)
		ranges[i] = (struct boot_range)RANGE(i * 64 * PAGE_SIZE, 40 * PAGE_SIZE,
						     BOOT_RANGE_RAM);
	start(ranges, RANGES);
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t pages = 1 + test_random_below(5);
		uint64_t align = PAGE_SIZE << test_random_below(4);
		uint64_t first;

		at = boot_memory_alloc(pages * PAGE_SIZE, align);
		if (!at.addr)
			continue;
		first = at.addr / PAGE_SIZE;
		REQUIRE(is_aligned(at.addr, align) && first % 64 + pages <= 40);
		for (uint64_t page = first; page < first + pages; page++)
			REQUIRE(owner[page]++ == 0);
		taken_pages += pages;
	}
	CHECK_EQ(boot_memory_taken(), taken_pages * PAGE_SIZE);
	while (boot_memory_next_free(&cursor, &at, &size))
		for (uint64_t page = at.addr / PAGE_SIZE; page < (at.addr + size) / PAGE_SIZE;
		     page++)
			REQUIRE(owner[page]++ == 0);
	CHECK_EQ(free_bytes() / PAGE_SIZE, RANGES * 40 - 1 - taken_pages);
}

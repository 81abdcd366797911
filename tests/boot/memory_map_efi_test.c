// SPDX-License-Identifier: MIT
/*
 * EFI descriptors: types, attributes, and sizes that firmware invents.
 */
#include <boot/memory_map.h>
#include <tests/test.h>

#include <errno.h>
#include <kernel/bits.h>
#include <stdlib.h>

#define WB      UINT64_C(8)
#define NV      UINT64_C(0x8000)
#define SP      UINT64_C(0x40000)
#define RUNTIME (UINT64_C(1) << 63)
#define MANY    6000
#define STRIDE  48

static void describe(uint8_t *descriptor, uint32_t type, uint64_t start, uint64_t pages,
		     uint64_t attributes)
{
	le32_store(descriptor, type);
	le64_store(descriptor + 8, start);
	le64_store(descriptor + 24, pages);
	le64_store(descriptor + 32, attributes);
}

static struct memory_map_edge edges[2 * MANY];
static struct boot_range ranges[2 * MANY];
static struct boot_info info;

static int convert(const uint8_t *descriptors, size_t size, size_t stride)
{
	struct memory_map map;

	memory_map_start(&map, edges, ARRAY_SIZE(edges), 0);
	int status = memory_map_add_efi(&map, descriptors, size, stride);
	memory_map_finish(&map, ranges, ARRAY_SIZE(ranges), &info);
	return status;
}

static enum boot_range_type type_of(uint32_t type, uint64_t attributes)
{
	uint8_t descriptor[STRIDE] = {0};

	describe(descriptor, type, 0x100000, 16, attributes);
	CHECK_EQ(convert(descriptor, STRIDE, STRIDE), 0);
	REQUIRE(info.range_count == 1);
	CHECK_EQ(ranges[0].size, 0x10000);
	return ranges[0].type;
}

TEST(memory_map_efi, types_become_ranges)
{
	CHECK_EQ(type_of(1, WB), BOOT_RANGE_RAM);
	CHECK_EQ(type_of(2, WB), BOOT_RANGE_RAM);
	CHECK_EQ(type_of(3, WB), BOOT_RANGE_RAM);
	CHECK_EQ(type_of(4, WB | 7), BOOT_RANGE_RAM);
	CHECK_EQ(type_of(7, WB), BOOT_RANGE_RAM);
	CHECK_EQ(type_of(5, WB | RUNTIME), BOOT_RANGE_RUNTIME);
	CHECK_EQ(ranges[0].attributes, WB | RUNTIME);
	CHECK_EQ(type_of(6, WB), BOOT_RANGE_RUNTIME);
	CHECK_EQ(type_of(9, WB), BOOT_RANGE_ACPI);
	CHECK_EQ(type_of(10, WB), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(11, 1), BOOT_RANGE_MMIO);
	CHECK_EQ(type_of(11, 1 | RUNTIME), BOOT_RANGE_RUNTIME);
	CHECK_EQ(type_of(12, 1), BOOT_RANGE_MMIO);
	CHECK_EQ(type_of(0, WB), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(8, WB), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(13, WB), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(15, WB), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(0x80000000, WB), BOOT_RANGE_RESERVED);
}

TEST(memory_map_efi, persistent_and_soft_reserved_memory_is_left_alone)
{
	CHECK_EQ(type_of(14, WB | NV), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(7, WB | NV), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(7, WB | SP), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(4, WB | SP), BOOT_RANGE_RESERVED);
	CHECK_EQ(type_of(7, 1), BOOT_RANGE_RESERVED);
}

TEST(memory_map_efi, descriptors_may_be_larger_than_defined_and_cut_off)
{
	uint8_t descriptors[3 * 96] = {0};

	describe(descriptors, 7, 0x100000, 1, WB);
	describe(descriptors + 96, 7, 0x200000, 1, WB);
	describe(descriptors + 192, 7, 0x300000, 1, WB);
	CHECK_EQ(convert(descriptors, sizeof(descriptors), 96), 0);
	CHECK_EQ(info.range_count, 3);
	CHECK_EQ(convert(descriptors, sizeof(descriptors) - 1, 96), 0);
	CHECK_EQ(info.range_count, 2);
	CHECK_EQ(convert(descriptors, sizeof(descriptors), 39), -EINVAL);
	CHECK_EQ(convert(descriptors, 95, 96), -EINVAL);
	CHECK_EQ(convert(descriptors, sizeof(descriptors), 0), -EINVAL);
}

TEST(memory_map_efi, thousands_of_unsorted_descriptors)
{
	uint8_t *descriptors = malloc((size_t)MANY * STRIDE);

	REQUIRE(descriptors);
	/* Every second page, in an order that jumps: 6000 is prime to 7. */
	for (uint64_t i = 0; i < MANY; i++)
		describe(descriptors + (i * 7 % MANY) * STRIDE, i % 2 ? 7 : 4,
			 0x100000 + i * 0x2000, 1, WB);
	CHECK_EQ(convert(descriptors, (size_t)MANY * STRIDE, STRIDE), 0);
	free(descriptors);
	CHECK_EQ(info.range_count, MANY);
	bool good = true;
	for (uint64_t i = 0; i < info.range_count; i++)
		good = good && ranges[i].start.addr == 0x100000 + i * 0x2000 &&
		       ranges[i].size == 0x1000 && ranges[i].type == BOOT_RANGE_RAM;
	CHECK(good);
}

TEST(memory_map_efi, huge_page_counts_do_not_overflow)
{
	uint8_t descriptors[2 * STRIDE] = {0};

	describe(descriptors, 0, 0xfffffffffffff000, UINT64_MAX, WB);
	describe(descriptors + STRIDE, 7, 0x100000, UINT64_C(1) << 52, WB);
	CHECK_EQ(convert(descriptors, sizeof(descriptors), STRIDE), 0);
	CHECK_EQ(info.range_count, 1);
	CHECK_EQ(ranges[0].start.addr, 0x100000);
	CHECK_EQ(ranges[0].size, UINT64_MAX - 0xfff - 0x100000);
}

// SPDX-License-Identifier: MIT
/*
 * The range normaliser, by example and against a page-by-page model.
 */
#include <boot/memory_map.h>
#include <tests/test.h>

#include <errno.h>
#include <string.h>

#define ENTRIES 600

static struct memory_map_edge edges[2 * ENTRIES];
static struct boot_range ranges[2 * ENTRIES];
static struct boot_info info;
static struct memory_map map;

static void start(uint64_t ram_end)
{
	memory_map_start(&map, edges, sizeof(edges) / sizeof(edges[0]), ram_end);
}

static void add(uint64_t from, uint64_t size, enum boot_range_type type)
{
	CHECK_EQ(memory_map_add(&map, from, size, type, 0), 0);
}

static void finish(void)
{
	memory_map_finish(&map, ranges, sizeof(ranges) / sizeof(ranges[0]), &info);
}

static void check_range(size_t i, uint64_t from, uint64_t size, enum boot_range_type type)
{
	REQUIRE(i < info.range_count);
	CHECK_EQ(ranges[i].start.addr, from);
	CHECK_EQ(ranges[i].size, size);
	CHECK_EQ(ranges[i].type, type);
}

TEST(memory_map, sorts_merges_and_keeps_types)
{
	start(0);
	add(0x300000, 0x100000, BOOT_RANGE_RAM);
	add(0x100000, 0x100000, BOOT_RANGE_RAM);
	add(0x500000, 0x1000, BOOT_RANGE_ACPI);
	add(0x200000, 0x100000, BOOT_RANGE_RAM);
	finish();
	CHECK_EQ(info.range_count, 2);
	check_range(0, 0x100000, 0x300000, BOOT_RANGE_RAM);
	check_range(1, 0x500000, 0x1000, BOOT_RANGE_ACPI);
	CHECK_EQ(info.ranges_dropped, 0);
}

TEST(memory_map, reserved_beats_ram_on_overlap)
{
	start(0);
	add(0x100000, 0x100000, BOOT_RANGE_RAM);
	add(0x140000, 0x10000, BOOT_RANGE_RESERVED);
	add(0x100000, 0x100000, BOOT_RANGE_RAM);
	add(0x1f0000, 0x20000, BOOT_RANGE_KERNEL);
	finish();
	CHECK_EQ(info.range_count, 4);
	check_range(0, 0x100000, 0x40000, BOOT_RANGE_RAM);
	check_range(1, 0x140000, 0x10000, BOOT_RANGE_RESERVED);
	check_range(2, 0x150000, 0xa0000, BOOT_RANGE_RAM);
	check_range(3, 0x1f0000, 0x20000, BOOT_RANGE_KERNEL);
}

TEST(memory_map, ram_shrinks_to_pages_and_the_rest_grows)
{
	start(0);
	add(0x100001, 0x2fff, BOOT_RANGE_RAM);
	add(0x200800, 0x10, BOOT_RANGE_RAM);
	add(0x300fff, 2, BOOT_RANGE_RESERVED);
	add(0x400000, 0, BOOT_RANGE_RESERVED);
	finish();
	CHECK_EQ(info.range_count, 2);
	check_range(0, 0x101000, 0x2000, BOOT_RANGE_RAM);
	check_range(1, 0x300000, 0x2000, BOOT_RANGE_RESERVED);
	CHECK_EQ(map.ignored, 2);
}

TEST(memory_map, page_0_is_never_ram)
{
	start(0);
	add(0, 0x9fc00, BOOT_RANGE_RAM);
	finish();
	CHECK_EQ(info.range_count, 1);
	check_range(0, 0x1000, 0x9e000, BOOT_RANGE_RAM);
	start(0);
	add(0, 0x1000, BOOT_RANGE_RAM);
	finish();
	CHECK_EQ(info.range_count, 0);
}

TEST(memory_map, end_of_the_address_space_does_not_overflow)
{
	start(0);
	add(UINT64_MAX - 0x1fff, 0x2000, BOOT_RANGE_RESERVED);
	add(UINT64_MAX - 0xfff, UINT64_MAX, BOOT_RANGE_RESERVED);
	add(0xfffffffffff00000, UINT64_MAX, BOOT_RANGE_RAM);
	add(UINT64_MAX, 1, BOOT_RANGE_RAM);
	add(0, UINT64_MAX, BOOT_RANGE_RAM);
	finish();
	CHECK_EQ(info.range_count, 2);
	check_range(0, 0x1000, 0xffffffffffffd000, BOOT_RANGE_RAM);
	check_range(1, 0xffffffffffffe000, 0x1000, BOOT_RANGE_RESERVED);
}

TEST(memory_map, ram_beyond_the_limit_is_left_out)
{
	start(0x10000000);
	add(0xfff0000, 0x20000, BOOT_RANGE_RAM);
	add(0x1000000000000000, 0x20000, BOOT_RANGE_RAM);
	add(0x2000000000000000, 0x1000, BOOT_RANGE_RESERVED);
	finish();
	CHECK_EQ(info.range_count, 2);
	check_range(0, 0xfff0000, 0x10000, BOOT_RANGE_RAM);
	CHECK_EQ(ranges[1].type, BOOT_RANGE_RESERVED);
}

TEST(memory_map, runtime_keeps_its_attributes)
{
	start(0);
	CHECK_EQ(memory_map_add(&map, 0x1000, 0x1000, BOOT_RANGE_RUNTIME, 0xf), 0);
	CHECK_EQ(memory_map_add(&map, 0x2000, 0x1000, BOOT_RANGE_RUNTIME, 0x8), 0);
	CHECK_EQ(memory_map_add(&map, 0x3000, 0x1000, BOOT_RANGE_RUNTIME, 0x8), 0);
	CHECK_EQ(memory_map_add(&map, 0x4000, 0x1000, BOOT_RANGE_RAM, 0x8), 0);
	finish();
	CHECK_EQ(info.range_count, 3);
	check_range(0, 0x1000, 0x1000, BOOT_RANGE_RUNTIME);
	CHECK_EQ(ranges[0].attributes, 0xf);
	check_range(1, 0x2000, 0x2000, BOOT_RANGE_RUNTIME);
	CHECK_EQ(ranges[1].attributes, 8);
	CHECK_EQ(ranges[2].attributes, 0);
}

TEST(memory_map, full_input_is_refused_not_cut)
{
	int status = 0;
	unsigned added = 0;

	memory_map_start(&map, edges, 9, 0);
	for (; status == 0 && added < 10; added++)
		status = memory_map_add(&map, added * 0x2000, 0x1000, BOOT_RANGE_RESERVED, 0);
	CHECK_EQ(status, -ENOSPC);
	CHECK_EQ(added, 5);
}

TEST(memory_map, full_output_gives_up_reserved_before_ram)
{
	start(0);
	for (unsigned i = 0; i < 8; i++) {
		add(0x100000 + i * 0x2000, 0x1000, BOOT_RANGE_RESERVED);
		add(0x101000 + i * 0x2000, 0x1000, BOOT_RANGE_RAM);
	}
	memory_map_finish(&map, ranges, 8, &info);
	CHECK_EQ(info.range_count, 8);
	CHECK_EQ(info.ranges_dropped, 8);
	for (unsigned i = 0; i < 8; i++)
		check_range(i, 0x101000 + i * 0x2000, 0x1000, BOOT_RANGE_RAM);
}

/* The model: what each of MODEL_PAGES pages is, the most careful entry that touches it. */
#define MODEL_PAGES 256
#define NOTHING     255

static unsigned care(unsigned type)
{
	static const unsigned order[] = {
		[BOOT_RANGE_RAM] = 1,     [BOOT_RANGE_LOADER] = 2,   [BOOT_RANGE_KERNEL] = 3,
		[BOOT_RANGE_ACPI] = 4,    [BOOT_RANGE_RESERVED] = 5, [BOOT_RANGE_MMIO] = 6,
		[BOOT_RANGE_RUNTIME] = 7,
	};

	return type == NOTHING ? 0 : order[type];
}

static void model_add(uint8_t *model, uint64_t from, uint64_t size, unsigned type)
{
	for (uint64_t page = 0; page < MODEL_PAGES; page++) {
		uint64_t low = page * PAGE_SIZE;
		uint64_t high = low + PAGE_SIZE;
		bool touched = from < high && from + size > low;
		bool covered = from <= low && from + size >= high;

		if (type == BOOT_RANGE_RAM ? covered && page != 0 : touched)
			if (care(type) > care(model[page]))
				model[page] = (uint8_t)type;
	}
}

static void check_against(const uint8_t *model)
{
	uint8_t seen[MODEL_PAGES];
	bool sorted = true;

	memset(seen, NOTHING, sizeof(seen));
	for (size_t i = 0; i < info.range_count; i++) {
		const struct boot_range *range = &ranges[i];
		uint64_t first = range->start.addr / PAGE_SIZE;

		sorted = sorted && range->size > 0 && range->size % PAGE_SIZE == 0 &&
			 range->start.addr % PAGE_SIZE == 0;
		if (i > 0) {
			uint64_t before = ranges[i - 1].start.addr + ranges[i - 1].size;

			sorted = sorted && before <= range->start.addr &&
				 (before != range->start.addr || range[-1].type != range->type);
		}
		for (uint64_t page = first; page < first + range->size / PAGE_SIZE; page++)
			if (page < MODEL_PAGES)
				seen[page] = (uint8_t)range->type;
	}
	CHECK(sorted);
	CHECK(memcmp(seen, model, sizeof(seen)) == 0);
}

TEST(memory_map, equals_a_page_by_page_model_on_random_maps)
{
	uint8_t model[MODEL_PAGES];

	for (unsigned round = 0; round < 300; round++) {
		uint64_t entries = 1 + test_random_below(40);

		memset(model, NOTHING, sizeof(model));
		start(0);
		for (uint64_t i = 0; i < entries; i++) {
			uint64_t from = test_random_below((MODEL_PAGES - 40) * PAGE_SIZE);
			uint64_t size = 1 + test_random_below(30 * PAGE_SIZE);
			unsigned type = (unsigned)test_random_below(BOOT_RANGE_MMIO + 1);

			if (test_random_below(2)) {
				from &= ~(PAGE_SIZE - 1);
				size = (size | (PAGE_SIZE - 1)) + 1;
			}
			add(from, size, (enum boot_range_type)type);
			model_add(model, from, size, type);
		}
		finish();
		check_against(model);
	}
}

// SPDX-License-Identifier: MIT
/*
 * The input is an EFI memory map: two bytes choose descriptor size, room and limit, the rest
 * are descriptors. What comes out must be what boot_info promises, and RAM only where some
 * descriptor says RAM and none says otherwise.
 */
#include <boot/memory_map.h>

#include <kernel/assert.h>
#include <kernel/bits.h>
#include <string.h>

#define ENTRIES_MAX 128

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct memory_map_edge edges[2 * ENTRIES_MAX];
static struct boot_range ranges[64];
static struct boot_info info;

static void check_ranges(size_t max, uint64_t ram_end)
{
	ASSERT(info.range_count <= max);
	for (uint32_t i = 0; i < info.range_count; i++) {
		uint64_t start = ranges[i].start.addr;
		uint64_t end = start + ranges[i].size;

		ASSERT(ranges[i].size != 0 && end > start);
		ASSERT(is_aligned(start, PAGE_SIZE) && is_aligned(end, PAGE_SIZE));
		ASSERT(ranges[i].type == BOOT_RANGE_RUNTIME || ranges[i].attributes == 0);
		if (ranges[i].type == BOOT_RANGE_RAM)
			ASSERT(start >= PAGE_SIZE && (ram_end == 0 || end <= ram_end));
		if (i > 0)
			ASSERT(ranges[i - 1].start.addr + ranges[i - 1].size <= start);
	}
}

/* Does descriptor d say that the page is usable RAM, something else, or nothing (0)? */
static int opinion(const uint8_t *d, uint64_t page)
{
	uint32_t type = le32_load(d);
	uint64_t start = le64_load(d + 8);
	uint64_t pages = le64_load(d + 24);
	uint64_t attributes = le64_load(d + 32);
	uint64_t first = start >> PAGE_SHIFT;
	bool usable = (type == 7 || (type >= 1 && type <= 4)) && (attributes & 8) &&
		      !(attributes & (BIT64(63) | BIT64(18) | BIT64(15)));

	if (pages == 0 || page < first)
		return 0;
	/* Not page aligned: the last page is only partly there. */
	uint64_t whole = page - first;
	bool partly = (start & (PAGE_SIZE - 1)) != 0 && (whole == 0 || whole == pages);
	if (whole > pages || (whole == pages && !partly))
		return 0;
	if (usable)
		return partly ? 0 : 1;
	return -1;
}

static void check_ram(const uint8_t *descriptors, size_t count, size_t stride)
{
	for (uint32_t i = 0; i < info.range_count; i++) {
		uint64_t pages[] = {ranges[i].start.addr >> PAGE_SHIFT,
				    (ranges[i].start.addr + ranges[i].size - 1) >> PAGE_SHIFT};

		if (ranges[i].type != BOOT_RANGE_RAM)
			continue;
		for (unsigned p = 0; p < ARRAY_SIZE(pages); p++) {
			bool said = false;

			for (size_t k = 0; k < count; k++) {
				int says = opinion(descriptors + k * stride, pages[p]);

				ASSERT(says >= 0);
				said = said || says > 0;
			}
			ASSERT(said);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct memory_map map;

	if (length < 2)
		return 0;
	size_t stride = bytes[0] & 0x7f;
	uint64_t ram_end = bytes[0] & 0x80 ? BIT64(40) : 0;
	size_t max = bytes[1] % ARRAY_SIZE(ranges) + 1;
	size_t room = bytes[1] & 0x80 ? 4 : ARRAY_SIZE(edges);

	memory_map_start(&map, edges, room, ram_end);
	if (memory_map_add_efi(&map, bytes + 2, length - 2, stride))
		return 0;
	memory_map_finish(&map, ranges, max, &info);
	check_ranges(max, ram_end);
	check_ram(bytes + 2, (length - 2) / stride, stride);
	return 0;
}

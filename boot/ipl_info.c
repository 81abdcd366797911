// SPDX-License-Identifier: MIT
/*
 * The command line and the memory map of an s390x boot. Portable, tested hosted.
 */
#include <boot/ipl_info.h>

#include <boot/memory_map.h>
#include <kernel/bits.h>
#include <platform/s390x/ebcdic.h>

/* Pieces of storage, the reserved start and the kernel. */
#define PIECES_MAX 1024

static struct memory_map_edge edges[2 * (PIECES_MAX + 2)];
static struct boot_range ranges[BOOT_RANGES_MAX];

/* Letters, digits and the blank of EBCDIC are no ASCII text, and the other way round. */
static bool is_ebcdic(const uint8_t *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] >= 0x80)
			return true;
	return false;
}

static void copy_command_line(const uint8_t *parameters, size_t size, char *text)
{
	size_t length = 0;

	while (length < size && length < BOOT_COMMAND_LINE_MAX - 1 && parameters[length] != 0)
		length++;
	bool ebcdic = is_ebcdic(parameters, length);
	for (size_t i = 0; i < length; i++)
		text[i] = ebcdic ? ebcdic_to_ascii(parameters[i]) : (char)parameters[i];
	text[length] = '\0';
}

static uint64_t present_from(const struct ipl_storage *storage, uint64_t first)
{
	return storage->present(first * storage->increment, storage->increment,
				storage->increments - first);
}

uint64_t ipl_storage_count(const struct ipl_storage *storage)
{
	return present_from(storage, 0);
}

/* Runs of increments that are there. */
static const char *take_storage(const struct ipl_storage *storage, struct memory_map *map)
{
	for (uint64_t i = 0; i < storage->increments; i++) {
		uint64_t count = present_from(storage, i);

		if (count != 0 && memory_map_add(map, i * storage->increment,
						 count * storage->increment, BOOT_RANGE_RAM, 0))
			return "boot: storage lies in more than 1024 pieces";
		i += count; /* where the next one is missing */
	}
	return NULL;
}

const char *ipl_boot_info(const uint8_t *parameters, size_t size,
			  const struct ipl_storage *storage, uint64_t reserved,
			  struct boot_info *info)
{
	struct memory_map map;
	const char *problem;

	info->method = BOOT_IPL;
	copy_command_line(parameters, size, info->command_line);
	memory_map_start(&map, edges, ARRAY_SIZE(edges), 0);
	/* First, so that there is room for them. */
	if (memory_map_add(&map, 0, reserved, BOOT_RANGE_RESERVED, 0) ||
	    memory_map_add(&map, info->kernel_base.addr, info->kernel_size, BOOT_RANGE_KERNEL,
			   0))
		return "boot: no room in the memory map";
	problem = take_storage(storage, &map);
	if (problem)
		return problem;
	memory_map_finish(&map, ranges, ARRAY_SIZE(ranges), info);
	return NULL;
}

// SPDX-License-Identifier: MIT
/*
 * The input is a piece of physical memory that begins with hvm_start_info. Whatever a loader
 * writes there, the answer is a message or ranges as boot_info promises them.
 */
#include <boot/pvh_info.h>

#include <kernel/assert.h>
#include <kernel/bits.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0x1000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static uint8_t *memory; /* exact size, so that reading past the end is seen */
static size_t size;

static const void *view(uint64_t address, uint64_t length)
{
	if (address < BASE || address - BASE > size || length > size - (address - BASE))
		return NULL;
	return memory + (address - BASE);
}

static void check_info(const struct boot_info *info)
{
	ASSERT(memchr(info->command_line, '\0', sizeof(info->command_line)));
	ASSERT(info->range_count > 0 && info->range_count <= BOOT_RANGES_MAX);
	for (uint32_t i = 0; i < info->range_count; i++) {
		uint64_t start = info->ranges[i].start.addr;
		uint64_t end = start + info->ranges[i].size;

		ASSERT(end > start && is_aligned(start, PAGE_SIZE) &&
		       is_aligned(end, PAGE_SIZE));
		ASSERT(info->ranges[i].type != BOOT_RANGE_RAM || start >= PAGE_SIZE);
		if (i > 0)
			ASSERT(info->ranges[i - 1].start.addr + info->ranges[i - 1].size <=
			       start);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct boot_info info;

	memset(&info, 0, sizeof(info));
	info.kernel_base = phys(0x200000);
	info.kernel_size = 0x300000;
	size = length;
	memory = malloc(length ? length : 1);
	ASSERT(memory);
	memcpy(memory, bytes, length);
	if (!pvh_boot_info(BASE, view, 0, &info))
		check_info(&info);
	free(memory);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * hvm_start_info: layout as published with Xen ("start_info.h", x86/HVM direct boot ABI), used
 * alike by QEMU, Cloud Hypervisor and Firecracker. Everything read here is checked and bounded:
 * it comes from outside. Values are little-endian.
 */
#include <boot/pvh_info.h>

#include <boot/memory_map.h>
#include <kernel/bits.h>

#define START_INFO_MAGIC 0x336ec578u

/* Offsets in hvm_start_info. */
#define INFO_MAGIC          0
#define INFO_VERSION        4
#define INFO_NR_MODULES     12
#define INFO_MODULES        16
#define INFO_COMMAND_LINE   24
#define INFO_RSDP           32
#define INFO_SIZE_VERSION_0 40
#define INFO_MAP            40
#define INFO_MAP_ENTRIES    48
#define INFO_SIZE_VERSION_1 56

#define MODULE_ADDRESS 0
#define MODULE_BYTES   8
#define MODULE_SIZE    32

#define MAP_ADDRESS    0
#define MAP_BYTES      8
#define MAP_TYPE       16
#define MAP_ENTRY_SIZE 24
#define MAP_TYPE_RAM   1
#define MAP_TYPE_ACPI  3

/* Room for the map's entries, the kernel and one module. */
#define ENTRIES_MAX 4096

static struct memory_map_edge edges[2 * (ENTRIES_MAX + 2)];
static struct boot_range ranges[BOOT_RANGES_MAX];

static enum boot_range_type range_type(uint32_t type)
{
	switch (type) {
	case MAP_TYPE_RAM:
		return BOOT_RANGE_RAM;
	case MAP_TYPE_ACPI:
		return BOOT_RANGE_ACPI;
	default:
		return BOOT_RANGE_RESERVED;
	}
}

/* Byte by byte: the text may end right before memory that cannot be reached. */
static const char *copy_command_line(uint64_t address, pvh_view_fn *view, char *text)
{
	for (size_t i = 0; address != 0 && i < BOOT_COMMAND_LINE_MAX; i++) {
		const char *c = view(address + i, 1);

		if (!c)
			return "direct boot: the command line lies outside memory: check the "
			       "loader";
		text[i] = *c;
		if (*c == '\0')
			return NULL;
	}
	/* Longer than we keep: the start counts, and kmain reports what looks cut. */
	text[address != 0 ? BOOT_COMMAND_LINE_MAX - 1 : 0] = '\0';
	return NULL;
}

static const char *take_map(const uint8_t *start, pvh_view_fn *view, struct memory_map *map)
{
	uint64_t address = le64_load(start + INFO_MAP);
	uint32_t count = le32_load(start + INFO_MAP_ENTRIES);

	if (count == 0 || count > ENTRIES_MAX)
		return "direct boot: the loader's memory map has no entry or more than 4096";
	const uint8_t *entry = view(address, (uint64_t)count * MAP_ENTRY_SIZE);
	if (!entry)
		return "direct boot: the loader's memory map lies outside memory: check the "
		       "loader";
	for (uint32_t i = 0; i < count; i++, entry += MAP_ENTRY_SIZE)
		if (memory_map_add(map, le64_load(entry + MAP_ADDRESS),
				   le64_load(entry + MAP_BYTES),
				   range_type(le32_load(entry + MAP_TYPE)), 0))
			return "direct boot: the loader's memory map is too long";
	return NULL;
}

/* The first module is the initial RAM disk; its memory stays as it is. */
static const char *take_module(const uint8_t *start, pvh_view_fn *view, struct memory_map *map,
			       struct boot_info *info)
{
	if (le32_load(start + INFO_NR_MODULES) == 0)
		return NULL;
	const uint8_t *module = view(le64_load(start + INFO_MODULES), MODULE_SIZE);
	if (!module)
		return "direct boot: the module list lies outside memory: check the loader";
	info->initrd = phys(le64_load(module + MODULE_ADDRESS));
	info->initrd_size = le64_load(module + MODULE_BYTES);
	if (memory_map_add(map, info->initrd.addr, info->initrd_size, BOOT_RANGE_LOADER, 0))
		return "direct boot: the loader's memory map is too long";
	return NULL;
}

static const char *check_start_info(const uint8_t *start, pvh_view_fn *view, uint64_t address)
{
	if (!start || le32_load(start + INFO_MAGIC) != START_INFO_MAGIC)
		return "direct boot: no start information (magic 0x336ec578): boot with a "
		       "loader "
		       "that speaks PVH";
	if (le32_load(start + INFO_VERSION) == 0)
		return "direct boot: the loader's start information has version 0, without a "
		       "memory "
		       "map: use a newer loader or boot by UEFI";
	if (!view(address, INFO_SIZE_VERSION_1))
		return "direct boot: the start information is cut off: check the loader";
	return NULL;
}

const char *pvh_boot_info(uint64_t start_info, pvh_view_fn *view, uint64_t ram_end,
			  struct boot_info *info)
{
	const uint8_t *start = view(start_info, INFO_SIZE_VERSION_0);
	struct memory_map map;
	const char *problem = check_start_info(start, view, start_info);

	if (problem)
		return problem;
	info->method = BOOT_PVH;
	info->acpi_root = phys(le64_load(start + INFO_RSDP));
	memory_map_start(&map, edges, ARRAY_SIZE(edges), ram_end);
	problem = copy_command_line(le64_load(start + INFO_COMMAND_LINE), view,
				    info->command_line);
	if (!problem)
		problem = take_map(start, view, &map);
	if (!problem)
		problem = take_module(start, view, &map, info);
	if (problem)
		return problem;
	if (memory_map_add(&map, info->kernel_base.addr, info->kernel_size, BOOT_RANGE_KERNEL,
			   0))
		return "direct boot: the loader's memory map is too long";
	memory_map_finish(&map, ranges, ARRAY_SIZE(ranges), info);
	return NULL;
}

// SPDX-License-Identifier: MIT
/*
 * The memory map and the end of boot services. The map's key goes stale when firmware allocates
 * between the two calls (timers, drivers), so both are repeated a few times; after the first
 * try to leave, only these two services may be called.
 */
#include "efi_loader.h"

#include <boot/memory_map.h>
#include <kernel/bits.h>

#define TRIES_MAX         16u
/* Descriptors that firmware may add between asking for the size and the last try. */
#define SLACK_DESCRIPTORS 64u
/* Entries of our own: kernel, boot_info. */
#define OWN_ENTRIES       2u

struct efi_map {
	uint8_t *descriptors;
	UINTN capacity; /* bytes */
	UINTN size;
	UINTN descriptor_size;
	UINTN key;
	struct memory_map_edge *edges;
	size_t nr_edges;
};

static EFI_STATUS map_read(const struct efi_loader *loader, struct efi_map *map)
{
	UINT32 version;

	map->size = map->capacity;
	return loader->services->GetMemoryMap(&map->size,
					      (EFI_MEMORY_DESCRIPTOR *)map->descriptors,
					      &map->key, &map->descriptor_size, &version);
}

static const char *map_prepare(const struct efi_loader *loader, struct efi_map *map)
{
	EFI_STATUS status = map_read(loader, map);

	if (status != EFI_BUFFER_TOO_SMALL || map->descriptor_size == 0)
		return "firmware gives no memory map";
	map->capacity = map->size + SLACK_DESCRIPTORS * map->descriptor_size;
	map->nr_edges = 2 * (map->capacity / map->descriptor_size + OWN_ENTRIES);
	map->descriptors = efi_pages(loader, EfiLoaderData, map->capacity, UINT64_MAX);
	map->edges = efi_pages(loader, EfiLoaderData, map->nr_edges * sizeof(map->edges[0]),
			       UINT64_MAX);
	if (!map->descriptors || !map->edges)
		return "not enough memory for the memory map";
	return NULL;
}

static bool leave(const struct efi_loader *loader, struct efi_map *map, bool *gone)
{
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		if (EFI_ERROR(map_read(loader, map)))
			return false;
		*gone = true;
		if (!EFI_ERROR(loader->services->ExitBootServices(loader->image, map->key)))
			return true;
	}
	return false;
}

/* CPUID leaf 0x80000008: how many bits a physical address has. */
static uint64_t physical_end(void)
{
	uint32_t eax = 0x80000008;
	uint32_t ebx, ecx = 0, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return BIT64(eax & 0x3f);
}

static bool convert(const struct efi_map *from, struct boot_info *info,
		    struct boot_range *ranges, size_t max)
{
	struct memory_map map;

	memory_map_start(&map, from->edges, from->nr_edges, physical_end());
	if (memory_map_add_efi(&map, from->descriptors, from->size, from->descriptor_size) ||
	    memory_map_add(&map, info->kernel_base.addr, info->kernel_size, BOOT_RANGE_KERNEL,
			   0) ||
	    memory_map_add(&map, (uint64_t)info, (uint64_t)(ranges + max) - (uint64_t)info,
			   BOOT_RANGE_LOADER, 0))
		return false;
	memory_map_finish(&map, ranges, max, info);
	return true;
}

const char *efi_map_now(const struct efi_loader *loader, struct boot_info *info,
			struct boot_range *ranges, size_t max)
{
	struct efi_map map = {.capacity = 0};
	const char *problem = map_prepare(loader, &map);

	if (!problem &&
	    (EFI_ERROR(map_read(loader, &map)) || !convert(&map, info, ranges, max)))
		problem = "firmware's memory map makes no sense";
	return problem;
}

const char *efi_leave(const struct efi_loader *loader, struct boot_info *info,
		      struct boot_range *ranges, size_t max, bool *gone)
{
	struct efi_map map = {.capacity = 0};
	const char *problem = map_prepare(loader, &map);

	*gone = false;
	if (problem)
		return problem;
	if (!leave(loader, &map, gone))
		return "firmware does not let go: ExitBootServices keeps failing";
	if (!convert(&map, info, ranges, max))
		return "firmware's memory map makes no sense";
	return NULL;
}

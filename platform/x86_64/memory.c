// SPDX-License-Identifier: MIT
/*
 * From pointers to physical addresses: direct map and image.
 */
#include <platform/memory.h>
#include <platform/x86_64/image.h>
#include <kernel/assert.h>

/* Set by kernel_start(); in .data, which entry.S does not clear. */
struct phys image_base RO_AFTER_INIT;

const struct phys platform_dma_zone_end[PLATFORM_DMA_ZONES] = {{MIB(16)}, {GIB(4)}};

struct phys image_phys(const void *object)
{
	ASSERT(image_contains(object));
	return phys(image_base.addr + (uint64_t)((const char *)object - kernel_image_start));
}

struct phys virt_to_phys(const void *virt)
{
	uintptr_t address = (uintptr_t)virt;

	if (address - DIRECT_MAP_BASE < DIRECT_MAP_SIZE)
		return phys(address - DIRECT_MAP_BASE);
	return image_phys(virt);
}

// SPDX-License-Identifier: MIT
/*
 * From pointers to physical addresses: direct map and image, whose addresses are its own.
 */
#include <platform/memory.h>
#include <platform/image.h>
#include <kernel/assert.h>

/* Format-0 channel programs have 24 bits, format-1 channel programs and SCLP 31. */
const struct phys platform_dma_zone_end[PLATFORM_DMA_ZONES] = {{MIB(16)}, {GIB(2)}};

struct phys virt_to_phys(const void *virt)
{
	uintptr_t address = (uintptr_t)virt;

	if (address - DIRECT_MAP_BASE < DIRECT_MAP_SIZE)
		return phys(address - DIRECT_MAP_BASE);
	ASSERT(image_contains(virt));
	return phys(address);
}

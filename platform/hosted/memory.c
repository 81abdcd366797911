// SPDX-License-Identifier: MIT
/*
 * "Physical memory": one lazily backed mapping, so that a large machine costs what it touches.
 */
#include <platform/memory.h>
#include <platform/hosted/hosted.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

uint8_t *hosted_arena;

const struct phys platform_dma_zone_end[PLATFORM_DMA_ZONES] = {{MIB(16)}, {GIB(4)}};

void hosted_memory_init(uint64_t size)
{
	void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (arena == MAP_FAILED) {
		perror("hosted: cannot map the arena that stands for physical memory");
		exit(1);
	}
	hosted_arena = arena;
}

struct phys virt_to_phys(const void *virt)
{
	return phys((uintptr_t)virt - (uintptr_t)hosted_arena);
}

// SPDX-License-Identifier: MIT
/*
 * "Physical memory": a sparse file of the host, mapped whole as the direct map and page by page
 * where mmu.c maps it, so that two mappings of one frame show the same bytes.
 */
#define _GNU_SOURCE
#include <platform/barrier.h>
#include <platform/memory.h>
#include <platform/hosted/hosted.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA_ALIGNMENT GIB(1)

_Atomic unsigned hosted_barrier_word;
uint8_t *hosted_arena;
uint8_t hosted_private_slot[PAGE_SIZE];

static uint64_t arena_size;
static int arena_fd;

const struct phys platform_dma_zone_end[PLATFORM_DMA_ZONES] = {{MIB(16)}, {GIB(4)}};

static void give_up(void)
{
	perror("hosted: cannot map the arena that stands for physical memory");
	exit(1);
}

/* Address space for the arena where the direct map can use the largest pages; at an odd address
 * it would take more small ones than there are tables for. */
static void *aligned_space(uint64_t size)
{
	void *space = mmap(NULL, size + ARENA_ALIGNMENT, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (space == MAP_FAILED)
		give_up();
	return (void *)(((uintptr_t)space + ARENA_ALIGNMENT - 1) & ~(ARENA_ALIGNMENT - 1));
}

void hosted_memory_init(uint64_t size)
{
	arena_size = size;
	arena_fd = memfd_create("quire", MFD_CLOEXEC);
	if (arena_fd < 0 || ftruncate(arena_fd, (off_t)size) != 0)
		give_up();
	hosted_arena = mmap(aligned_space(size), size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_NORESERVE | MAP_FIXED, arena_fd, 0);
	if (hosted_arena == MAP_FAILED)
		give_up();
}

int hosted_arena_fd(void)
{
	return arena_fd;
}

uint64_t hosted_arena_size(void)
{
	return arena_size;
}

/* Pointers into the program image get the address that phys_to_virt() takes back to them. */
struct phys virt_to_phys(const void *virt)
{
	return phys((uint64_t)((uintptr_t)virt - (uintptr_t)hosted_arena));
}

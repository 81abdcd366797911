// SPDX-License-Identifier: MIT
/*
 * The pool of prefix areas, and a window to fill in one of another CPU.
 */
#include <platform/s390x/private.h>

#include <platform/memory.h>
#include <platform/paging/page_table.h>
#include <platform/image.h>
#include <platform/s390x/lowcore.h>
#include <kernel/boot_memory.h>

static struct phys pool_start RO_AFTER_INIT;
static uint64_t pool_size RO_AFTER_INIT;
static void *window; /* boot CPU, while it starts the others */

void private_pool_init(unsigned cpus)
{
	if (cpus == 0)
		return;
	pool_size = (uint64_t)cpus * LOWCORE_SIZE;
	pool_start = boot_memory_alloc_below(pool_size, LOWCORE_SIZE, phys(GIB(2)));
	if (!pool_start.addr)
		panic("memory: no %lu KiB below 2 GiB for the prefix areas of CPUs; give the "
		      "machine more memory",
		      pool_size >> 10);
}

void private_pool_extent(struct phys *start, uint64_t *size)
{
	*start = pool_start;
	*size = pool_size;
}

struct phys private_area_phys(unsigned index)
{
	ASSERT(index < pool_size / LOWCORE_SIZE);
	return phys(pool_start.addr + index * LOWCORE_SIZE);
}

bool private_pool_contains(struct phys p)
{
	return p.addr < LOWCORE_SIZE || p.addr - pool_start.addr < pool_size;
}

bool private_lookup(uintptr_t virt, struct phys *p, unsigned *protection)
{
	*p = phys(lowcore()->prefix + virt);
	*protection = MMU_WRITE;
	return true;
}

struct lowcore *private_area_open(unsigned index)
{
	uintptr_t view;

	/* Once, and room to align it. */
	if (!window)
		window = mmu_reserve_space(2 * LOWCORE_SIZE);
	view = align_up((uintptr_t)window, LOWCORE_SIZE);
	if (!window || mmu_map_kernel(view, private_area_phys(index), LOWCORE_SIZE, MMU_WRITE))
		return NULL;
	return (struct lowcore *)view;
}

void private_area_close(struct lowcore *area)
{
	mmu_unmap(area, LOWCORE_SIZE);
}

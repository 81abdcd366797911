// SPDX-License-Identifier: MIT
/*
 * Device registers get addresses upwards and for ever: devices stay. What was mapped before has
 * its address again, so that drivers may come and go; beyond RANGES_MAX ranges it gets another.
 */
#include <platform/mmu.h>

#include <platform/barrier.h>

#include <platform/x86_64/address_space.h>
#include <kernel/lock.h>
#include <kernel/log.h>

#define RANGES_MAX 128

static struct lock_class mmio_class = {.name = "device address space"};
static struct spin_lock mmio_lock = SPIN_LOCK_INIT(&mmio_class);
static uint64_t mmio_used; /* mmio_lock */

/* Whole pages; mmio_lock. */
static struct mmio_range {
	uint64_t start;
	uint64_t size;
	uintptr_t virt;
} ranges[RANGES_MAX];
static unsigned range_count; /* mmio_lock */

static uintptr_t mmio_find(uint64_t start, uint64_t size)
{
	struct irq_state state = spin_lock_irqsave(&mmio_lock);
	uintptr_t virt = 0;

	for (unsigned i = 0; i < range_count && !virt; i++) {
		if (ranges[i].start == start && ranges[i].size == size)
			virt = ranges[i].virt;
	}
	spin_unlock_irqrestore(&mmio_lock, state);
	return virt;
}

static void mmio_keep(uint64_t start, uint64_t size, uintptr_t virt)
{
	struct irq_state state = spin_lock_irqsave(&mmio_lock);

	if (range_count < RANGES_MAX) {
		ranges[range_count] = (struct mmio_range){start, size, virt};
		__atomic_store_n(&range_count, range_count + 1, __ATOMIC_RELEASE);
	}
	spin_unlock_irqrestore(&mmio_lock, state);
}

/* Addresses that agree with p in their low bits, so that large pages fit; a hole behind. */
static uintptr_t mmio_take(uint64_t start, uint64_t size)
{
	uint64_t step = size >= level_size(2) ? level_size(2) : PAGE_SIZE;
	struct irq_state state = spin_lock_irqsave(&mmio_lock);
	uint64_t offset = align_up(mmio_used, step) + (start & (step - 1));
	uintptr_t virt = 0;

	if (size < SLOT_SIZE && offset + size + PAGE_SIZE <= SLOT_SIZE) {
		mmio_used = offset + size + PAGE_SIZE;
		virt = MMIO_BASE + offset;
	}
	spin_unlock_irqrestore(&mmio_lock, state);
	return virt;
}

volatile void *mmio_map(struct phys p, uint64_t size)
{
	uint64_t start = align_down(p.addr, PAGE_SIZE);
	uintptr_t virt;

	if (size == 0 || size > SLOT_SIZE || p.addr + size < p.addr ||
	    p.addr + size > PTE_ADDRESS + PAGE_SIZE)
		return NULL;
	size = align_up(p.addr + size, PAGE_SIZE) - start;
	virt = mmio_find(start, size);
	if (virt)
		return (volatile void *)(virt + (p.addr - start));
	virt = mmio_take(start, size);
	if (!virt || mmu_map_kernel(virt, phys(start), size, MMU_WRITE | MMU_UNCACHED)) {
		log_warn("mmu: no address space or tables for %#lx bytes of device memory at "
			 "%#lx",
			 size, p.addr);
		return NULL;
	}
	mmio_keep(start, size, virt);
	return (volatile void *)(virt + (p.addr - start));
}

#ifdef QUIRE_TEST_HOOKS
const struct mmio_spy *_Atomic mmio_spy;

/* Ranges are only ever added, and counted when complete. */
uint64_t mmio_physical(const volatile void *addr)
{
	unsigned count = __atomic_load_n(&range_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < count; i++) {
		if ((uintptr_t)addr - ranges[i].virt < ranges[i].size)
			return ranges[i].start + ((uintptr_t)addr - ranges[i].virt);
	}
	return 0;
}
#endif

// SPDX-License-Identifier: MIT
/*
 * Device registers get addresses upwards and for ever: devices stay.
 */
#include <platform/mmu.h>

#include <platform/x86_64/address_space.h>
#include <kernel/lock.h>
#include <kernel/log.h>

static struct lock_class mmio_class = {.name = "device address space"};
static struct spin_lock mmio_lock = SPIN_LOCK_INIT(&mmio_class);
static uint64_t mmio_used; /* mmio_lock */

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
	virt = mmio_take(start, size);
	if (!virt || mmu_map_kernel(virt, phys(start), size, MMU_WRITE | MMU_UNCACHED)) {
		log_warn("mmu: no address space or tables for %#lx bytes of device memory at "
			 "%#lx",
			 size, p.addr);
		return NULL;
	}
	return (volatile void *)(virt + (p.addr - start));
}

// SPDX-License-Identifier: MIT
/*
 * What CPUs cache of the page tables, and making all of them forget.
 */
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/mmu.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/x86.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>

/* Above this, flushing everything is cheaper than page by page. */
#define PAGES_ONE_BY_ONE 32

struct flush_request {
	uintptr_t virt;
	uint64_t size;
};

/* Global entries survive a write to CR3; they do not survive a change of CR4.PGE. */
static void flush_all(void)
{
	struct irq_state state = irq_save();
	uint64_t cr4 = cr4_read();

	cr4_write(cr4 ^ CR4_GLOBAL_PAGES);
	cr4_write(cr4);
	irq_restore(state);
}

void mmu_flush_local(const void *virt, uint64_t size)
{
	if (size > PAGES_ONE_BY_ONE * PAGE_SIZE) {
		flush_all();
		return;
	}
	for (uint64_t done = 0; done < size; done += PAGE_SIZE)
		tlb_invalidate_page((uintptr_t)virt + done);
}

static void flush_requested(void *arg)
{
	const struct flush_request *request = arg;

	mmu_flush_local((const void *)request->virt, request->size);
}

void tlb_shoot_down(uintptr_t virt, uint64_t size)
{
	struct flush_request request = {virt, size};

	if (cpu_count() <= 1) {
		flush_requested(&request);
		return;
	}
	preempt_disable();
	flush_requested(&request);
	ipi_call_others(flush_requested, &request, true);
	preempt_enable();
}

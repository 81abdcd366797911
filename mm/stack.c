// SPDX-License-Identifier: MIT
/*
 * Kernel stacks: a raw block mapped a second time, between two pages that are not mapped, so
 * that an overflow faults instead of overwriting its neighbour.
 */
#include <mm/stack.h>
#include <mm/folio.h>
#include <mm/reclaim.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <platform/mmu.h>

static unsigned stack_order(size_t size)
{
	return log2_ceil(align_up(size, PAGE_SIZE) >> PAGE_SHIFT);
}

void *stack_alloc(size_t size)
{
	unsigned order = stack_order(size);
	struct page *block = page_alloc(NODE_ANY, order, reclaim_flags_here());
	void *space;

	if (!block)
		return NULL;
	space = mmu_reserve_space(PAGE_SIZE << order);
	if (!space)
		goto no_space;
	if (mmu_map(space, page_to_phys(block), PAGE_SIZE << order, MMU_WRITE) != 0)
		goto no_mapping;
	page_set_type(block, PAGE_TYPE_STACK);
	return space;

no_mapping:
	mmu_release_space(space, PAGE_SIZE << order);
no_space:
	page_free(block, order);
	return NULL;
}

void stack_free(void *stack, size_t size)
{
	unsigned order = stack_order(size);
	struct phys block;
	unsigned protection;

	if (!mmu_lookup(stack, &block, &protection))
		panic("mm: stack %p freed that is not mapped", stack);
	mmu_unmap(stack, PAGE_SIZE << order);
	mmu_release_space(stack, PAGE_SIZE << order);
	page_free(phys_to_page(block), order);
}

// SPDX-License-Identifier: MIT
/*
 * Kernel stacks.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/fault.h>
#include <kernel/kmem.h>
#include <mm/stack.h>
#include <platform/mmu.h>

TEST(stack, is_mapped_with_unmapped_pages_around)
{
	char *stack = stack_alloc(KERNEL_STACK_SIZE);
	unsigned protection;
	struct phys p;

	REQUIRE(stack);
	memset(stack, 0x33, KERNEL_STACK_SIZE);
	CHECK(mmu_lookup(stack, &p, &protection));
	CHECK_EQ(protection, MMU_WRITE);
	CHECK_EQ(page_type(phys_to_page(p)), PAGE_TYPE_STACK);
	CHECK(mmu_lookup(stack + KERNEL_STACK_SIZE - 1, &p, &protection));
	CHECK(!mmu_lookup(stack - 1, &p, &protection));
	CHECK(!mmu_lookup(stack + KERNEL_STACK_SIZE, &p, &protection));
	stack_free(stack, KERNEL_STACK_SIZE);
	CHECK(!mmu_lookup(stack, &p, &protection));
}

#ifdef QUIRE_TEST_HOOKS
TEST(stack, every_failed_allocation_is_undone)
{
	for (unsigned nth = 1; nth < 50; nth++) {
		void *stack;

		fault_arm(nth);
		stack = stack_alloc(KERNEL_STACK_SIZE);
		if (!fault_disarm())
			nth = 50;
		CHECK(nth == 50 || !stack);
		if (stack)
			stack_free(stack, KERNEL_STACK_SIZE);
	}
}
#endif

// SPDX-License-Identifier: MIT
/*
 * Vector state of applications: what a thread has in its registers is there again after
 * another one used them. Each processor's file has the instructions.
 */
#include <platform/context.h>
#include <platform/irq.h>
#include <kernel/kmem.h>
#include <tests/target/vector_state.h>
#include <tests/test.h>

struct areas {
	void *block[2];
	void *area[2];
};

static void areas_make(struct areas *areas)
{
	for (unsigned i = 0; i < 2; i++) {
		areas->block[i] = kmem_alloc(fpu_area_size() + 64);
		REQUIRE(areas->block[i]);
		areas->area[i] = (void *)(((uintptr_t)areas->block[i] + 63) & ~UINT64_C(63));
		fpu_area_init(areas->area[i]);
	}
}

TEST(machine_fpu, state_comes_back_after_another_owner)
{
	struct areas areas;
	uint64_t first, fresh, again;
	struct irq_state state;

	areas_make(&areas);
	state = irq_save();
	vector_test_set(0x1122334455667788);
	fpu_save(areas.area[0]);
	fpu_restore(areas.area[1]);
	fresh = vector_test_get();
	vector_test_set(42);
	fpu_save(areas.area[1]);
	fpu_restore(areas.area[0]);
	first = vector_test_get();
	fpu_restore(areas.area[1]);
	again = vector_test_get();
	irq_restore(state);
	CHECK_EQ(fresh, 0);
	CHECK_EQ(first, 0x1122334455667788);
	CHECK_EQ(again, 42);
	kmem_free(areas.block[0]);
	kmem_free(areas.block[1]);
}

TEST(machine_fpu, a_fresh_area_masks_all_exceptions)
{
	struct areas areas;
	struct irq_state state;
	uint32_t control;

	areas_make(&areas);
	state = irq_save();
	fpu_restore(areas.area[0]);
	control = vector_test_control();
	irq_restore(state);
	CHECK_EQ(control, vector_test_control_fresh);
	kmem_free(areas.block[0]);
	kmem_free(areas.block[1]);
}

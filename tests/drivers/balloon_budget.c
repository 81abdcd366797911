// SPDX-License-Identifier: MIT
/*
 * The balloon's next allocations, counted by its hook; the one after them fails.
 */
#include <tests/drivers/balloon_budget.h>

#include <kernel/fault.h>
#include <kernel/hook.h>
#include <stdatomic.h>

#ifdef QUIRE_TEST_HOOKS

static _Atomic unsigned left;

static void spend(struct hook *hook)
{
	(void)hook;
	if (atomic_load(&left) == 0)
		fault_arm(1);
	else
		atomic_fetch_sub(&left, 1);
}

static struct hook dry = {.name = "balloon_alloc", .function = spend};

void balloon_budget_start(unsigned allocations)
{
	balloon_budget_set(allocations);
	hook_attach(&dry);
}

void balloon_budget_set(unsigned allocations)
{
	atomic_store(&left, allocations);
}

void balloon_budget_end(void)
{
	hook_detach(&dry);
}

#endif

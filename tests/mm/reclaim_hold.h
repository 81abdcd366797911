// SPDX-License-Identifier: MIT
/*
 * The reclaim thread stands still while a test changes what it reads of zones: an earlier test
 * may have woken it. Without hooks it is left to chance.
 */
#ifndef TESTS_MM_RECLAIM_HOLD_H
#define TESTS_MM_RECLAIM_HOLD_H

#include <kernel/hook.h>
#include <mm/reclaim.h>
#include <tests/wait.h>

#ifdef QUIRE_TEST_HOOKS
struct reclaim_hold {
	struct hook_gate gate;
};

/* It has looked, does not sleep yet, and comes no further. */
static inline void reclaim_hold(struct reclaim_hold *hold)
{
	hook_gate_attach(&hold->gate, "reclaim_thread_sleeps", NULL);
	reclaim_wake();
	WAIT_FOR(atomic_load(&hold->gate.arrived) > 0);
}

static inline void reclaim_let_go(struct reclaim_hold *hold)
{
	hook_gate_detach(&hold->gate);
}
#else
struct reclaim_hold {
	bool unused;
};

static inline void reclaim_hold(struct reclaim_hold *hold)
{
	hold->unused = true;
}

static inline void reclaim_let_go(struct reclaim_hold *hold)
{
	hold->unused = false;
}
#endif

#endif

// SPDX-License-Identifier: MIT
/*
 * The two behind FAULT_INJECTED(): a countdown for one thread, and a plan for all.
 */
#include <kernel/fault.h>

#ifdef QUIRE_TEST_HOOKS
#include <kernel/thread.h>
#include <stdatomic.h>
#include <stddef.h>

/* countdown and fired belong to the armed thread. `armed` says that somebody is. */
static _Atomic bool armed;
static _Atomic(struct thread *) armed_thread;
static unsigned countdown;
static bool fired;
static bool (*_Atomic plan)(void);

void fault_set_plan(bool (*decide)(void))
{
	atomic_store(&plan, decide);
}

void fault_arm(unsigned n)
{
	countdown = n;
	fired = false;
	atomic_store(&armed_thread, thread_current());
	atomic_store(&armed, true);
}

bool fault_disarm(void)
{
	atomic_store(&armed, false);
	return fired;
}

bool fault_injected(void)
{
	bool (*decide)(void) = atomic_load_explicit(&plan, memory_order_acquire);

	if (decide && decide())
		return true;
	if (!atomic_load_explicit(&armed, memory_order_relaxed) ||
	    atomic_load(&armed_thread) != thread_current() || countdown == 0 ||
	    --countdown != 0)
		return false;
	fired = true;
	return true;
}
#endif

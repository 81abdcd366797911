// SPDX-License-Identifier: MIT
/*
 * The lock order check of debug builds: which classes this CPU holds, which class was ever
 * taken while which other was held, and which classes interrupt handlers take. The first cycle
 * panics with both classes and callers, long before two CPUs meet in the deadlock itself.
 */
#ifndef KERNEL_LOCK_ORDER_H
#define KERNEL_LOCK_ORDER_H

#include <kernel/lock.h>

#ifdef QUIRE_TEST_HOOKS
/* Before waiting for the lock: panics if the order was ever the other way round. */
void lock_order_check(const struct spin_lock *lock, uintptr_t caller);
/* After it was taken / before it is given back; preemption is off. */
void lock_order_push(struct spin_lock *lock, uintptr_t caller);
void lock_order_pop(const struct spin_lock *lock);
/* Before waiting for another CPU: panics if a lock is held that others take with interrupts
 * off, as they could not answer. */
void lock_order_check_wait(uintptr_t caller);
/* The innermost lock this CPU holds, NULL when none. */
struct spin_lock *lock_order_top(void);
#else
static inline void lock_order_check(const struct spin_lock *lock, uintptr_t caller)
{
	(void)lock, (void)caller;
}

static inline void lock_order_push(struct spin_lock *lock, uintptr_t caller)
{
	(void)lock, (void)caller;
}

static inline void lock_order_pop(const struct spin_lock *lock)
{
	(void)lock;
}

static inline void lock_order_check_wait(uintptr_t caller)
{
	(void)caller;
}

static inline struct spin_lock *lock_order_top(void)
{
	return NULL;
}
#endif

#endif

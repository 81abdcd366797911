// SPDX-License-Identifier: MIT
/*
 * Read-copy-update by quiescent states. A reader runs with preemption off and waits for nobody;
 * who replaces something waits for a grace period: until every CPU was seen outside a reader.
 * An idle CPU is outside by definition and is not disturbed. A section that only has interrupts
 * off is no reader: interrupt handlers are, other code says rcu_read_lock().
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include <kernel/attributes.h>
#include <kernel/thread.h>
#include <stdatomic.h>

static inline void rcu_read_lock(void)
{
	preempt_disable();
}

static inline void rcu_read_unlock(void)
{
	preempt_enable();
}

/* The pointers readers follow are _Atomic: published whole, read once. */
#define rcu_assign(pointer, value) \
	atomic_store_explicit(&(pointer), (value), memory_order_release)
#define rcu_dereference(pointer) atomic_load_explicit(&(pointer), memory_order_acquire)

struct rcu_head;
typedef void rcu_function(struct rcu_head *head);

/* Inside an object that is freed after a grace period. */
struct rcu_head {
	struct rcu_head *next;
	rcu_function *function;
};

/* Call function(head) in a thread, preemption on, after a grace period. Any context but NMI. */
void rcu_call(struct rcu_head *head, rcu_function *function);

/* Return after a grace period. Thread context, not a reader. */
void rcu_synchronize(void);

/* Return when every callback of earlier rcu_call()s has run. Thread context, not a reader. */
void rcu_barrier(void);

/* Start the thread that drives grace periods; once, when threads work. */
void rcu_init(void);
/* Once per CPU, before it is in cpus_online. */
void rcu_init_cpu(void);

/* This CPU is outside every reader right now. Interrupts off. */
void rcu_quiescent(void);

/* Around the sleep of an idle CPU; exit is also called by every interrupt and may be repeated.
 * Interrupts off. */
void rcu_idle_enter(void);
void rcu_idle_exit(void);

/* Grace periods completed so far. */
uint64_t rcu_grace_periods(void);

#endif

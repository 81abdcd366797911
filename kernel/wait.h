// SPDX-License-Identifier: MIT
/*
 * Wait queues: a lock and the threads that wait for something it protects. Every sleeping
 * primitive is a loop around wait_queue_sleep():
 *
 *	struct irq_state irq = wait_queue_lock(&q);
 *	while (!condition && error == 0)
 *		error = wait_queue_sleep(&q, &irq, deadline);
 *	...
 *	wait_queue_unlock(&q, irq);
 *
 * Waking takes the same lock, so no wake-up is lost. Lock order: wait queue, run queue, timers.
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <kernel/list.h>
#include <kernel/lock.h>

struct wait_queue {
	struct spin_lock lock;
	struct list_head waiters; /* lock; longest waiting first */
};

/* Time-outs of all primitives are relative, in nanoseconds. */
#define WAIT_FOREVER UINT64_MAX

/* A class of their own for queues that are locked while other queues are. */
extern struct lock_class wait_queue_class;

#define WAIT_QUEUE_INIT(name)                                                \
	{                                                                    \
		SPIN_LOCK_INIT(&wait_queue_class), LIST_INIT((name).waiters) \
	}

void wait_queue_init(struct wait_queue *queue);

struct irq_state wait_queue_lock(struct wait_queue *queue) ACQUIRE(&queue->lock) MUST_CHECK;
void wait_queue_unlock(struct wait_queue *queue, struct irq_state state) RELEASE(&queue->lock);

/* End of a wait of timeout_ns that begins now, for wait_queue_sleep(). */
uint64_t wait_deadline(uint64_t timeout_ns);

/*
 * Locked; unlocks, sleeps, locks again. 0 when woken, -ETIMEDOUT when deadline_ns (clock_ns()
 * scale, CLOCK_NEVER: none) came first. Thread context, no other lock held, interrupts were on
 * before wait_queue_lock().
 */
int wait_queue_sleep(struct wait_queue *queue, struct irq_state *state, uint64_t deadline_ns)
	REQUIRES(&queue->lock) MUST_CHECK;

/* Locked. Any context. wake_one takes who waits longest; false when nobody waits. */
bool wait_queue_wake_one(struct wait_queue *queue) REQUIRES(&queue->lock);
void wait_queue_wake_all(struct wait_queue *queue) REQUIRES(&queue->lock);

/* The thread wake_one would take, NULL when nobody waits; to hand something over to it. */
struct thread *wait_queue_first(struct wait_queue *queue) REQUIRES(&queue->lock);

#endif

// SPDX-License-Identifier: MIT
/*
 * Mailbox: a bounded queue of pointers between threads, and from interrupts to threads.
 * Messages leave in the order in which they came.
 */
#ifndef KERNEL_MAILBOX_H
#define KERNEL_MAILBOX_H

#include <kernel/semaphore.h>

struct mailbox {
	struct spin_lock lock;
	struct semaphore room;
	struct semaphore filled;
	void **messages;   /* lock */
	unsigned capacity; /* set once */
	unsigned put;      /* lock; index of the next message to come */
	unsigned get;      /* lock; index of the next to leave */
};

/* 0 or -ENOMEM. capacity > 0. Destroy: nobody uses it; messages left are dropped. */
int mailbox_init(struct mailbox *mailbox, unsigned capacity) MUST_CHECK;
void mailbox_destroy(struct mailbox *mailbox);

/* Thread context: wait for room, for a message. 0 or -ETIMEDOUT. */
int mailbox_put(struct mailbox *mailbox, void *message, uint64_t timeout_ns) MUST_CHECK;
int mailbox_get(struct mailbox *mailbox, void **message, uint64_t timeout_ns) MUST_CHECK;

/* Any context: false at once when full, when empty. */
bool mailbox_tryput(struct mailbox *mailbox, void *message) MUST_CHECK;
bool mailbox_tryget(struct mailbox *mailbox, void **message) MUST_CHECK;

#endif

// SPDX-License-Identifier: MIT
/*
 * Counting semaphore.
 */
#ifndef KERNEL_SEMAPHORE_H
#define KERNEL_SEMAPHORE_H

#include <kernel/wait.h>

struct semaphore {
	struct wait_queue queue;
	unsigned count; /* queue.lock */
};

#define SEMAPHORE_INIT(name, units)                    \
	{                                              \
		WAIT_QUEUE_INIT((name).queue), (units) \
	}

void semaphore_init(struct semaphore *semaphore, unsigned units);
/* Take one unit, sleeping until there is one. Thread context. */
void semaphore_down(struct semaphore *semaphore);
/* 0, or -ETIMEDOUT without a unit. */
int semaphore_down_timeout(struct semaphore *semaphore, uint64_t timeout_ns) MUST_CHECK;
/* Any context. */
bool semaphore_trydown(struct semaphore *semaphore) MUST_CHECK;
void semaphore_up(struct semaphore *semaphore);

#endif

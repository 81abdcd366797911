// SPDX-License-Identifier: MIT
/*
 * Counting semaphores over a wait queue.
 */
#include <kernel/semaphore.h>
#include <kernel/assert.h>
#include <limits.h>
#include <platform/clock.h>

void semaphore_init(struct semaphore *semaphore, unsigned units)
{
	wait_queue_init(&semaphore->queue);
	semaphore->count = units;
}

static int down_until(struct semaphore *semaphore, uint64_t deadline_ns)
{
	struct irq_state irq = wait_queue_lock(&semaphore->queue);
	int error = 0;

	while (semaphore->count == 0 && error == 0)
		error = wait_queue_sleep(&semaphore->queue, &irq, deadline_ns);
	if (semaphore->count != 0) {
		semaphore->count--;
		error = 0;
	}
	wait_queue_unlock(&semaphore->queue, irq);
	return error;
}

void semaphore_down(struct semaphore *semaphore)
{
	(void)down_until(semaphore, CLOCK_NEVER);
}

int semaphore_down_timeout(struct semaphore *semaphore, uint64_t timeout_ns)
{
	return down_until(semaphore, wait_deadline(timeout_ns));
}

bool semaphore_trydown(struct semaphore *semaphore)
{
	struct irq_state irq = wait_queue_lock(&semaphore->queue);
	bool taken = semaphore->count != 0;

	if (taken)
		semaphore->count--;
	wait_queue_unlock(&semaphore->queue, irq);
	return taken;
}

void semaphore_up(struct semaphore *semaphore)
{
	struct irq_state irq = wait_queue_lock(&semaphore->queue);

	ASSERT(semaphore->count < UINT_MAX);
	semaphore->count++;
	wait_queue_wake_one(&semaphore->queue);
	wait_queue_unlock(&semaphore->queue, irq);
}

// SPDX-License-Identifier: MIT
/*
 * Completions: a counter of signals under a wait queue's lock.
 */
#include <kernel/completion.h>
#include <platform/clock.h>

void completion_init(struct completion *completion)
{
	wait_queue_init(&completion->queue);
	completion->done = 0;
}

void completion_signal(struct completion *completion)
{
	struct irq_state irq = wait_queue_lock(&completion->queue);

	if (completion->done < COMPLETION_ALL - 1)
		completion->done++;
	wait_queue_wake_one(&completion->queue);
	wait_queue_unlock(&completion->queue, irq);
}

void completion_signal_all(struct completion *completion)
{
	struct irq_state irq = wait_queue_lock(&completion->queue);

	completion->done = COMPLETION_ALL;
	wait_queue_wake_all(&completion->queue);
	wait_queue_unlock(&completion->queue, irq);
}

static int wait_until(struct completion *completion, uint64_t deadline_ns)
{
	struct irq_state irq = wait_queue_lock(&completion->queue);
	int error = 0;

	while (completion->done == 0 && error == 0)
		error = wait_queue_sleep(&completion->queue, &irq, deadline_ns);
	if (completion->done != 0) {
		error = 0;
		if (completion->done != COMPLETION_ALL)
			completion->done--;
	}
	wait_queue_unlock(&completion->queue, irq);
	return error;
}

void completion_wait(struct completion *completion)
{
	(void)wait_until(completion, CLOCK_NEVER);
}

int completion_wait_timeout(struct completion *completion, uint64_t timeout_ns)
{
	return wait_until(completion, wait_deadline(timeout_ns));
}

void completion_reset(struct completion *completion)
{
	struct irq_state irq = wait_queue_lock(&completion->queue);

	completion->done = 0;
	wait_queue_unlock(&completion->queue, irq);
}

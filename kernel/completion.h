// SPDX-License-Identifier: MIT
/*
 * Completion: "it has happened", told once or often, waited for by one or many. A signal that
 * comes before the wait is kept.
 */
#ifndef KERNEL_COMPLETION_H
#define KERNEL_COMPLETION_H

#include <kernel/wait.h>

struct completion {
	struct wait_queue queue;
	unsigned done; /* queue.lock; signals not yet consumed, COMPLETION_ALL: open for ever */
};

#define COMPLETION_ALL (~0u)
#define COMPLETION_INIT(name)                    \
	{                                        \
		WAIT_QUEUE_INIT((name).queue), 0 \
	}

void completion_init(struct completion *completion);

/* Let one waiter, or all now and later, through. Any context. The waiter may free the
 * completion as soon as its wait returns. */
void completion_signal(struct completion *completion);
void completion_signal_all(struct completion *completion);

/* Thread context. 0, or -ETIMEDOUT. */
void completion_wait(struct completion *completion);
int completion_wait_timeout(struct completion *completion, uint64_t timeout_ns) MUST_CHECK;

/* Forget signals; nobody may be waiting. */
void completion_reset(struct completion *completion);

#endif

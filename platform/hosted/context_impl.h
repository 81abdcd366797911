// SPDX-License-Identifier: MIT
/*
 * The saved state of a hosted kernel thread is a fiber of the host.
 */
#ifndef PLATFORM_HOSTED_CONTEXT_IMPL_H
#define PLATFORM_HOSTED_CONTEXT_IMPL_H

struct fiber;

struct context {
	struct fiber *fiber; /* NULL until it is first switched away from */
};

struct thread *hosted_thread(void);
void hosted_set_thread(struct thread *thread);

static inline struct thread *context_thread(void)
{
	return hosted_thread();
}

static inline void context_set_thread(struct thread *thread)
{
	hosted_set_thread(thread);
}

#endif

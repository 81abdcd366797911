// SPDX-License-Identifier: MIT
/*
 * One struct _reent per thread. Interrupt handlers and what runs before the first thread use
 * one per CPU: they format text and set errno, and must not disturb the thread below them.
 */
#include <kernel/library.h>
#include <kernel/kmem.h>
#include <kernel/percpu.h>
#include <kernel/scheduler.h>
#include <reent.h>

static PER_CPU(struct _reent, fallbacks);

struct _reent *__getreent(void)
{
	struct thread *thread = context_thread();

	if (thread && thread->library && thread->interrupt_depth == 0)
		return thread->library;
	return this_cpu(fallbacks);
}

bool library_attach(struct thread *thread)
{
	struct _reent *reent = kmem_alloc(sizeof(*reent));

	if (!reent)
		return false;
	_REENT_INIT_PTR_ZEROED(reent);
	thread->library = reent;
	return true;
}

void library_leave(struct thread *thread)
{
	/* Closes its standard streams too: they are its own. */
	if (thread->library)
		_reclaim_reent(thread->library);
}

void library_detach(struct thread *thread)
{
	kmem_free(thread->library);
}

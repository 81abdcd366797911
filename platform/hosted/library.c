// SPDX-License-Identifier: MIT
/*
 * The host's C library keeps its own state for each POSIX thread; kernel threads add none.
 */
#include <kernel/library.h>

bool library_attach(struct thread *thread)
{
	(void)thread;
	return true;
}

void library_leave(struct thread *thread)
{
	(void)thread;
}

void library_detach(struct thread *thread)
{
	(void)thread;
}

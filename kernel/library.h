// SPDX-License-Identifier: MIT
/*
 * The C library's state of a thread: newlib's struct _reent on a target. The hosted port runs
 * on its host's library, which keeps its own.
 */
#ifndef KERNEL_LIBRARY_H
#define KERNEL_LIBRARY_H

#include <kernel/attributes.h>
#include <stdbool.h>

struct thread;

/* Give a new thread its state; false when memory is short. */
bool library_attach(struct thread *thread) MUST_CHECK;
/* The running thread ends: write out and free what the library holds for it. Thread context. */
void library_leave(struct thread *thread);
/* Free the state of a thread that has ended. */
void library_detach(struct thread *thread);

/* Who is told the status when a program calls exit(); NULL: nobody. The calling thread ends. */
void library_set_exit(void (*on_exit)(int status));

#endif

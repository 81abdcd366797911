// SPDX-License-Identifier: MIT
/*
 * The machine half of a thread: saved registers, stack switch, floating-point state, back
 * trace.
 */
#ifndef PLATFORM_CONTEXT_H
#define PLATFORM_CONTEXT_H

#include <platform/types.h>

struct thread;

/* Saved state of a thread that does not run; the port defines what is in it. */
#include "context_impl.h"

/* Prepare a context so that the first switch to it calls entry(arg) on the stack, with
 * interrupts off. entry never returns. */
void context_init(struct context *context, void *stack, size_t size, void (*entry)(void *),
		  void *arg);

/* Free what the port keeps for a context that will never run again. */
void context_destroy(struct context *context);

/* Save the running context into `from`, run `to`. Interrupts off. */
void context_switch(struct context *from, struct context *to);

/* The thread this CPU runs; set by the scheduler at a switch. */
static inline struct thread *context_thread(void);
static inline void context_set_thread(struct thread *thread);

/* Tell the port which kernel stack belongs to the thread about to run (entry from user mode,
 * overflow reports). */
void context_set_stack(void *stack, size_t size);

/* Floating-point and vector state of applications; kernel code touches none. */
size_t fpu_area_size(void);
void fpu_area_init(void *area);
void fpu_save(void *area);
void fpu_restore(const void *area);

/* Up to max return addresses of the running thread, innermost first; the count. */
size_t context_backtrace(uintptr_t *addresses, size_t max);

#endif

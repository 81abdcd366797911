// SPDX-License-Identifier: MIT
/*
 * A thread that does not run is a stack pointer: context_switch.S keeps the registers of the
 * calling convention on the thread's stack. Vector state is the owner's (fpu_area_size()).
 */
#ifndef PLATFORM_X86_64_CONTEXT_IMPL_H
#define PLATFORM_X86_64_CONTEXT_IMPL_H

#include <platform/x86_64/layout.h>

struct context {
	uint64_t stack_pointer;
};

static inline struct thread *context_thread(void)
{
	struct thread *thread;

	__asm__ volatile("movabsq %P1, %0" : "=a"(thread) : "i"(PRIVATE_AREA + AREA_THREAD));
	return thread;
}

static inline void context_set_thread(struct thread *thread)
{
	__asm__ volatile("movabsq %0, %P1"
			 :
			 : "a"(thread), "i"(PRIVATE_AREA + AREA_THREAD)
			 : "memory");
}

#endif

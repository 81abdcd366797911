// SPDX-License-Identifier: MIT
/*
 * A thread that does not run is a stack pointer: context_switch.S keeps the registers of the
 * calling convention on the thread's stack. Vector state is the owner's (fpu_area_size()).
 */
#ifndef PLATFORM_S390X_CONTEXT_IMPL_H
#define PLATFORM_S390X_CONTEXT_IMPL_H

#include <platform/s390x/lowcore.h>

struct context {
	uint64_t stack_pointer;
};

static inline struct thread *context_thread(void)
{
	struct thread *thread;

	__asm__ volatile("lg %0,%1(%%r0)" : "=d"(thread) : "i"(LOWCORE_THREAD));
	return thread;
}

static inline void context_set_thread(struct thread *thread)
{
	__asm__ volatile("stg %0,%1(%%r0)" : : "d"(thread), "i"(LOWCORE_THREAD) : "memory");
}

#endif

// SPDX-License-Identifier: MIT
/*
 * CPU identity on the hosted port. A kernel thread moves between POSIX threads, so the address
 * of thread-local data must never be kept across a call that may switch: it is only reached
 * through a function that no compiler sees into.
 */
#ifndef PLATFORM_HOSTED_CPU_IMPL_H
#define PLATFORM_HOSTED_CPU_IMPL_H

struct hosted_cpu;

struct hosted_cpu *hosted_cpu_self(void);
unsigned hosted_cpu_number(void);
void hosted_cpu_relax(void);

static inline unsigned cpu_current(void)
{
	return hosted_cpu_number();
}

/* A point where interrupts are noticed: a loop that waits must call it. */
static inline void cpu_relax(void)
{
	hosted_cpu_relax();
}

#endif

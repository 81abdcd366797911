// SPDX-License-Identifier: MIT
/*
 * The number of this CPU stands in its lowcore: one instruction, which no interruption can cut
 * in two.
 */
#ifndef PLATFORM_S390X_CPU_IMPL_H
#define PLATFORM_S390X_CPU_IMPL_H

#include <platform/s390x/lowcore.h>

static inline unsigned cpu_current(void)
{
	unsigned cpu;

	__asm__ volatile("l %0,%1(%%r0)" : "=d"(cpu) : "i"(LOWCORE_CPU));
	return cpu;
}

/* DIAGNOSE 0x44: the hypervisor may run another of our CPUs. */
static inline void cpu_relax(void)
{
	__asm__ volatile("diag 0,0,0x44" : : : "memory");
}

#endif

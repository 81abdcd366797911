// SPDX-License-Identifier: MIT
/*
 * The number of this CPU stands at one address behind the private slot: one instruction, which
 * no interrupt can cut in two.
 */
#ifndef PLATFORM_X86_64_CPU_IMPL_H
#define PLATFORM_X86_64_CPU_IMPL_H

#include <platform/x86_64/layout.h>

static inline unsigned cpu_current(void)
{
	unsigned cpu;

	__asm__ volatile("movabsl %P1, %0" : "=a"(cpu) : "i"(PRIVATE_AREA + AREA_CPU));
	return cpu;
}

static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

#endif

// SPDX-License-Identifier: MIT
/*
 * CPU identity on the hosted port.
 */
#ifndef PLATFORM_HOSTED_CPU_IMPL_H
#define PLATFORM_HOSTED_CPU_IMPL_H

static inline unsigned cpu_current(void)
{
	return 0;
}

static inline void cpu_relax(void)
{
}

#endif

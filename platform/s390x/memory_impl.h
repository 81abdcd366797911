// SPDX-License-Identifier: MIT
/*
 * The direct map is one addition away.
 */
#ifndef PLATFORM_S390X_MEMORY_IMPL_H
#define PLATFORM_S390X_MEMORY_IMPL_H

#include <platform/s390x/layout.h>

static inline void *phys_to_virt(struct phys p)
{
	return (void *)(DIRECT_MAP_BASE + p.addr);
}

static inline bool memory_is_cpu_private(const void *virt)
{
	return (uintptr_t)virt < LOWCORE_SIZE;
}

#endif

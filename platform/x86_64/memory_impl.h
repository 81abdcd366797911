// SPDX-License-Identifier: MIT
/*
 * The direct map is one addition away.
 */
#ifndef PLATFORM_X86_64_MEMORY_IMPL_H
#define PLATFORM_X86_64_MEMORY_IMPL_H

#include <platform/x86_64/layout.h>

static inline void *phys_to_virt(struct phys p)
{
	return (void *)(DIRECT_MAP_BASE + p.addr);
}

static inline bool memory_is_cpu_private(const void *virt)
{
	return (uintptr_t)virt - PRIVATE_BASE < SLOT_SIZE;
}

#endif

// SPDX-License-Identifier: MIT
/*
 * Physical memory of the hosted port is one mapped arena; physical 0 is not pointer 0.
 */
#ifndef PLATFORM_HOSTED_MEMORY_IMPL_H
#define PLATFORM_HOSTED_MEMORY_IMPL_H

extern uint8_t *hosted_arena;
extern uint8_t hosted_private_slot[];

static inline void *phys_to_virt(struct phys p)
{
	return (void *)((uintptr_t)hosted_arena + p.addr);
}

static inline bool memory_is_cpu_private(const void *virt)
{
	return (uintptr_t)virt - (uintptr_t)hosted_private_slot < PAGE_SIZE;
}

#endif

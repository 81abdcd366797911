// SPDX-License-Identifier: MIT
/*
 * Physical memory of the hosted port is one mapped arena; physical 0 is not pointer 0.
 */
#ifndef PLATFORM_HOSTED_MEMORY_IMPL_H
#define PLATFORM_HOSTED_MEMORY_IMPL_H

extern uint8_t *hosted_arena;

static inline void *phys_to_virt(struct phys p)
{
	return hosted_arena + p.addr;
}

#endif

// SPDX-License-Identifier: MIT
/*
 * Physical memory of the hosted port is one mapped arena; physical 0 is not pointer 0.
 */
#ifndef PLATFORM_HOSTED_MEMORY_IMPL_H
#define PLATFORM_HOSTED_MEMORY_IMPL_H

extern uint8_t *hosted_arena;

static inline void *phys_to_virt(struct phys p)
{
	/* Not pointer arithmetic: the program's own data has physical addresses outside the
	 * arena. */
	return (void *)((uintptr_t)hosted_arena + (uintptr_t)p.addr);
}

#endif

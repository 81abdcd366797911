// SPDX-License-Identifier: MIT
/*
 * Devices of the hosted port are other threads: C11 fences order against them, and registers
 * are plain memory.
 */
#ifndef PLATFORM_HOSTED_BARRIER_IMPL_H
#define PLATFORM_HOSTED_BARRIER_IMPL_H

#include <stdatomic.h>

static inline void dma_write_barrier(void)
{
	atomic_thread_fence(memory_order_release);
}

static inline void dma_read_barrier(void)
{
	atomic_thread_fence(memory_order_acquire);
}

static inline void dma_full_barrier(void)
{
	atomic_thread_fence(memory_order_seq_cst);
}

#define HOSTED_MMIO(bits)                                                              \
	static inline uint##bits##_t mmio_read##bits(const volatile void *addr)        \
	{                                                                              \
		return *(const volatile uint##bits##_t *)addr;                         \
	}                                                                              \
	static inline void mmio_write##bits(volatile void *addr, uint##bits##_t value) \
	{                                                                              \
		*(volatile uint##bits##_t *)addr = value;                              \
	}

HOSTED_MMIO(8)
HOSTED_MMIO(16)
HOSTED_MMIO(32)
HOSTED_MMIO(64)
#undef HOSTED_MMIO

#endif

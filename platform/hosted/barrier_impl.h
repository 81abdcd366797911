// SPDX-License-Identifier: MIT
/*
 * Devices of the hosted port are other threads, and registers are plain memory. Barriers are
 * read-modify-write operations on one shared word: full fences on any host, and, unlike C11
 * fences, understood by thread sanitizer.
 */
#ifndef PLATFORM_HOSTED_BARRIER_IMPL_H
#define PLATFORM_HOSTED_BARRIER_IMPL_H

#include <stdatomic.h>

extern _Atomic unsigned hosted_barrier_word;

static inline void dma_write_barrier(void)
{
	atomic_fetch_add(&hosted_barrier_word, 1);
}

static inline void dma_read_barrier(void)
{
	atomic_fetch_add(&hosted_barrier_word, 1);
}

static inline void dma_full_barrier(void)
{
	atomic_fetch_add(&hosted_barrier_word, 1);
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

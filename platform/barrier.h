// SPDX-License-Identifier: MIT
/*
 * Named orderings for memory that devices see. CPU-to-CPU ordering is C11's atomics; these are
 * for MMIO, DMA buffers and virtqueues. Every port writes its own bodies: a missing one must
 * not link.
 */
#ifndef PLATFORM_BARRIER_H
#define PLATFORM_BARRIER_H

#include <platform/types.h>

/* Stores to DMA memory before this are seen by a device before stores after it. */
static inline void dma_write_barrier(void);
/* Loads of DMA memory after this are not satisfied before loads before it. */
static inline void dma_read_barrier(void);
/* Both, and stores before loads (event index: publish, then look). */
static inline void dma_full_barrier(void);

/* One access of exactly this width, never merged, split or moved across another MMIO access.
 * Little-endian device registers in host order. */
static inline uint8_t mmio_read8(const volatile void *addr);
static inline uint16_t mmio_read16(const volatile void *addr);
static inline uint32_t mmio_read32(const volatile void *addr);
static inline uint64_t mmio_read64(const volatile void *addr);
static inline void mmio_write8(volatile void *addr, uint8_t value);
static inline void mmio_write16(volatile void *addr, uint16_t value);
static inline void mmio_write32(volatile void *addr, uint32_t value);
static inline void mmio_write64(volatile void *addr, uint64_t value);

#include "barrier_impl.h"

/* The same by a width of 1, 2 or 4 bytes. */
static inline uint32_t mmio_read(const volatile void *addr, unsigned width)
{
	return width == 1   ? mmio_read8(addr)
	       : width == 2 ? mmio_read16(addr)
			    : mmio_read32(addr);
}

static inline void mmio_write(volatile void *addr, unsigned width, uint32_t value)
{
	if (width == 1)
		mmio_write8(addr, (uint8_t)value);
	else if (width == 2)
		mmio_write16(addr, (uint16_t)value);
	else
		mmio_write32(addr, value);
}

#endif

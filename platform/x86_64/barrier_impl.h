// SPDX-License-Identifier: MIT
/*
 * x86 keeps stores in order with stores and loads with loads for cacheable memory, and devices
 * are coherent: only the compiler must be held, except for stores before loads.
 */
#ifndef PLATFORM_X86_64_BARRIER_IMPL_H
#define PLATFORM_X86_64_BARRIER_IMPL_H

static inline void dma_write_barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void dma_read_barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void dma_full_barrier(void)
{
	__asm__ volatile("mfence" : : : "memory");
}

#ifdef QUIRE_TEST_HOOKS
#include <stdatomic.h>

/* Physical address behind an address of mmio_map(); 0: it is none. Any context. */
uint64_t mmio_physical(const volatile void *addr);

/* Stands between the kernel and all registers while a test wants it, in any context: what a
 * read shows instead of `value`, and whether a write arrives. */
struct mmio_spy {
	uint64_t (*read)(const volatile void *addr, uint64_t value);
	bool (*write)(const volatile void *addr);
};
extern const struct mmio_spy *_Atomic mmio_spy; /* NULL: nobody */

static inline uint64_t mmio_seen(const volatile void *addr, uint64_t value)
{
	const struct mmio_spy *spy = atomic_load_explicit(&mmio_spy, memory_order_acquire);

	return spy ? spy->read(addr, value) : value;
}

static inline bool mmio_arrives(const volatile void *addr)
{
	const struct mmio_spy *spy = atomic_load_explicit(&mmio_spy, memory_order_acquire);

	return !spy || spy->write(addr);
}
#else
#define mmio_seen(addr, value) (value)
#define mmio_arrives(addr)     true
#endif

/* Plain moves in assembly: the compiler may not choose another width or a vector register. The
 * accumulator, because some AMD families take no other register for PCI's ECAM region. */
#define X86_MMIO(bits, suffix)                                                         \
	static inline uint##bits##_t mmio_read##bits(const volatile void *addr)        \
	{                                                                              \
		uint##bits##_t value;                                                  \
                                                                                       \
		__asm__ volatile("mov" suffix " %1, %0"                                \
				 : "=a"(value)                                         \
				 : "m"(*(const volatile uint##bits##_t *)addr)         \
				 : "memory");                                          \
		return (uint##bits##_t)mmio_seen(addr, value);                         \
	}                                                                              \
	static inline void mmio_write##bits(volatile void *addr, uint##bits##_t value) \
	{                                                                              \
		if (!mmio_arrives(addr))                                               \
			return;                                                        \
		__asm__ volatile("mov" suffix " %1, %0"                                \
				 : "=m"(*(volatile uint##bits##_t *)addr)              \
				 : "a"(value)                                          \
				 : "memory");                                          \
	}

X86_MMIO(8, "b")
X86_MMIO(16, "w")
X86_MMIO(32, "l")
X86_MMIO(64, "q")
#undef X86_MMIO

#endif

// SPDX-License-Identifier: MIT
/*
 * z/Architecture keeps the order of stores and that of loads, and channel subsystem and PCI
 * functions see storage as CPUs do (Principles of Operation, "Sequence of storage references"):
 * only stores before loads need a serialization. Device registers lie in no address space: an
 * address from zpci_map() names a PCI function, and an instruction does the access.
 */
#ifndef PLATFORM_S390X_BARRIER_IMPL_H
#define PLATFORM_S390X_BARRIER_IMPL_H

static inline void dma_write_barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

static inline void dma_read_barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

/* The fast form of BCR serialization, in every machine from z196 on. */
static inline void dma_full_barrier(void)
{
	__asm__ volatile("bcr 14,0" : : : "memory");
}

/* zpci_machine.c: `width` bytes (1, 2, 4, 8) behind an address of zpci_map(), little-endian
 * registers in host order. A load from a function that is gone answers all ones. */
uint64_t zpci_mmio_load(const volatile void *addr, unsigned width);
void zpci_mmio_store(volatile void *addr, unsigned width, uint64_t value);

#define S390X_MMIO(bits)                                                               \
	static inline uint##bits##_t mmio_read##bits(const volatile void *addr)        \
	{                                                                              \
		return (uint##bits##_t)zpci_mmio_load(addr, bits / 8);                 \
	}                                                                              \
	static inline void mmio_write##bits(volatile void *addr, uint##bits##_t value) \
	{                                                                              \
		zpci_mmio_store(addr, bits / 8, value);                                \
	}

S390X_MMIO(8)
S390X_MMIO(16)
S390X_MMIO(32)
S390X_MMIO(64)
#undef S390X_MMIO

#endif

// SPDX-License-Identifier: MIT
/*
 * Kernel mappings. Entries are written only through typed functions inside the port; this is
 * what the rest of the kernel may ask for. W^X holds: MMU_WRITE and MMU_EXECUTE exclude each
 * other. All functions work on the shared kernel half and are seen by every CPU.
 */
#ifndef PLATFORM_MMU_H
#define PLATFORM_MMU_H

#include <platform/types.h>

#define MMU_READ     0u
#define MMU_WRITE    (1u << 0)
#define MMU_EXECUTE  (1u << 1)
#define MMU_UNCACHED (1u << 2)

/* Gives and takes back page tables: `size` bytes, a power of two and at most 16 KiB, zeroed, at
 * a multiple of size and of PAGE_SIZE; NULL fails the mapping cleanly. alloc is called with
 * interrupts off and the lock of the page tables held; free is not. */
struct page_table_allocator {
	void *(*alloc)(uint64_t size);
	void (*free)(void *table, uint64_t size);
};

/* Replace the boot-time allocator once the page allocator runs. */
void mmu_set_allocator(const struct page_table_allocator *allocator);

/*
 * Map [virt, virt+size) to [phys, ...), all multiples of PAGE_SIZE, with the largest pages that
 * fit. 0, -ENOMEM (nothing stays mapped), -EEXIST when part of it is mapped already, -EINVAL
 * for MMU_EXECUTE: memory is filled while writable and then made executable by mmu_protect(),
 * which takes care of its direct-map alias.
 */
int mmu_map(void *virt, struct phys p, uint64_t size, unsigned protection);

/* Remove mappings and flush them on all CPUs before returning. Holes are allowed; a large page
 * must lie in the range whole. What mmu_protect() took from the direct-map alias is not given
 * back: make the range MMU_WRITE first. */
void mmu_unmap(void *virt, uint64_t size);

/*
 * Change protection of a live range, the direct-map alias included, splitting large pages where
 * needed, and flush on all CPUs. The alias becomes writable only with MMU_WRITE and is never
 * executable. 0 or -ENOMEM (unchanged) or -EINVAL (not mapped, or it would make the direct map
 * executable or the kernel's own text and constants writable through it).
 */
int mmu_protect(void *virt, uint64_t size, unsigned protection);

/* Physical address and protection behind virt as the tables say; false when not mapped. */
bool mmu_lookup(const void *virt, struct phys *p, unsigned *protection);

/* Kernel address of device registers, uncached; NULL when out of address space or tables.
 * Never unmapped: devices stay; the same pages again have the same address. Any alignment and
 * size. */
volatile void *mmio_map(struct phys p, uint64_t size);

/* Kernel address space with no mapping behind it, page aligned, with an unmapped guard page on
 * both sides; NULL when exhausted. For stacks and the like: caller maps what it needs. */
void *mmu_reserve_space(uint64_t size);
void mmu_release_space(void *virt, uint64_t size);

/* Invalidate this CPU's translations for a range / answer a shoot-down request (from the IPI).
 */
void mmu_flush_local(const void *virt, uint64_t size);

/* Where the array of struct page lives; virtually contiguous, indexed by frame number. */
void *mmu_page_array_base(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * What the shared walk needs to know of a port's page tables. Levels count from 1, whose
 * entries are base pages; LEVEL_ROOT is the level of the entries that page_table_root() gives,
 * which nothing here writes. page_table_impl.h of the port defines struct pte and:
 *
 *   level_shift(level), level_size(level)     bytes one entry spans
 *   level_index(level, address)               of its entry in the table
 *   level_entries(level), level_table_size(level)  of a table that holds entries of that level;
 *                                             bytes are at most a page or a multiple of it
 *   level_has_leaves(level)                   may an entry be a page
 *   pte_none(level), pte_is_present(level, entry), pte_is_leaf(level, entry)
 *   pte_leaf(level, phys, protection)         a page for the kernel, on all CPUs
 *   pte_table(level, phys, from_boot)         leads to a table of the level below
 *   pte_is_boot_table(level, entry)           that table is never freed
 *   pte_phys(level, entry), pte_protection(entry)
 *   pte_read(entry), pte_write(level, entry, value)  the only accesses to a live table
 *   page_table_pointer(phys), page_table_phys(table)  where the kernel reads a table, and back
 *   DIRECT_MAP_BASE, DIRECT_MAP_SIZE, SPACE_BASE
 */
#ifndef PLATFORM_PAGING_PAGE_TABLE_H
#define PLATFORM_PAGING_PAGE_TABLE_H

#include <platform/mmu.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include "page_table_impl.h"

/* The entry on LEVEL_ROOT that virt is translated from; not present for addresses that no
 * table reaches. */
struct pte page_table_root(uintptr_t virt);

/*
 * A port without large pages may put off a part of a mapping until it is first used: so many
 * bytes from virt on that it has taken note of, 0 to have them mapped now. page_table_forget()
 * drops the note of what is unmapped. Lock of the page tables held.
 */
uint64_t page_table_defer(uintptr_t virt, struct phys p, uint64_t size, unsigned protection);
void page_table_forget(uintptr_t virt, uint64_t size);

/* Make entries that the port writes on first use; lock of the page tables held or not. */
void direct_map_complete(uintptr_t virt, uint64_t size);

/* True if a part of the range holds the kernel's text or constants. */
bool direct_map_is_fixed(struct phys start, uint64_t size);

/* Behind an address that memory_is_cpu_private(); false when nothing is. */
bool private_lookup(uintptr_t virt, struct phys *p, unsigned *protection);
/* True for a frame that a CPU has for itself: it is in no shared mapping. */
bool private_pool_contains(struct phys p);

/* No CPU uses what it had cached of the range before. Interrupts on or off, no lock held that
 * another CPU waits for with interrupts off. */
void tlb_shoot_down(uintptr_t virt, uint64_t size);

/*
 * mmu_map() without its checks of the arguments. For the direct map and the image, which may be
 * executable from the start.
 */
int mmu_map_kernel(uintptr_t virt, struct phys p, uint64_t size, unsigned protection);

#endif

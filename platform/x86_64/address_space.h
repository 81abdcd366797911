// SPDX-License-Identifier: MIT
/*
 * The shared kernel half. One level-4 table, the template, holds its slots; each CPU's own
 * table has a copy. The slots are written at boot and frozen before the second CPU starts.
 */
#ifndef PLATFORM_X86_64_ADDRESS_SPACE_H
#define PLATFORM_X86_64_ADDRESS_SPACE_H

#include <platform/x86_64/page_table.h>

struct boot_info;

/* Entry of a slot of the kernel half; SLOT_PRIVATE is none of them. */
struct pte kernel_slot_read(unsigned slot);
/* The one writer. Panics once the slots are frozen. */
void kernel_slot_write(unsigned slot, struct pte entry);
void kernel_slots_freeze(void);

/* Fill the template: image, direct map, and the tables of the other regions. Early address
 * space; needs the private pool. */
void address_space_build(const struct boot_info *info);

/* Run this CPU on the table at root, and remember it: the one writer of CR3. */
void address_space_load(struct phys root);

/*
 * mmu_map() and mmu_unmap() without their checks of the arguments. For the direct map and the
 * image, which may be executable from the start; entries become global.
 */
int mmu_map_kernel(uintptr_t virt, struct phys p, uint64_t size, unsigned protection);

/* Leaf entry of an address behind the private slot, from this CPU's own level-1 table. */
struct pte private_lookup(uintptr_t virt);

/* Invalidate a range on every CPU; see tlb.c. */
void tlb_shoot_down(uintptr_t virt, uint64_t size);

/* So much of physical memory entry.S maps, before the final address space. */
#define EARLY_DIRECT_MAP GIB(4)

#endif

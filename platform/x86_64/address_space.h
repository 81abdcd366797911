// SPDX-License-Identifier: MIT
/*
 * The shared kernel half. One level-4 table, the template, holds its slots; each CPU's own
 * table has a copy. The slots are written at boot and frozen before the second CPU starts.
 */
#ifndef PLATFORM_X86_64_ADDRESS_SPACE_H
#define PLATFORM_X86_64_ADDRESS_SPACE_H

#include <platform/paging/page_table.h>

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

/* So much of physical memory entry.S maps, before the final address space. */
#define EARLY_DIRECT_MAP GIB(4)

#endif

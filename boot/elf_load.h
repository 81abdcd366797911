// SPDX-License-Identifier: MIT
/*
 * Place a kernel ELF in physical memory: first plan, then copy. Portable and without state.
 */
#ifndef BOOT_ELF_LOAD_H
#define BOOT_ELF_LOAD_H

#include <stddef.h>
#include <stdint.h>

/* Alignment of the image in physical memory. */
#define ELF_LOAD_ALIGN 0x200000u

struct elf_plan {
	uint64_t span;  /* bytes of memory needed, multiple of PAGE_SIZE */
	uint64_t entry; /* offset of the entry point from the load base */
	uint64_t low; /* lowest physical address in the file, rounded down to ELF_LOAD_ALIGN */
};

/* Check everything elf_copy() relies on. NULL, or what is wrong, for people. */
const char *elf_plan_make(const void *file, size_t size, struct elf_plan *plan);

/* Copy the segments of a file that was planned to memory[plan->span]; the rest becomes zero. */
void elf_copy(const void *file, const struct elf_plan *plan, void *memory);

#endif

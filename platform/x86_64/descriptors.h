// SPDX-License-Identifier: MIT
/*
 * Segments and the task state segment of a CPU, in its private tables page. The order of the
 * selectors is what SYSCALL and SYSRET want: kernel code, kernel data, (32-bit user code), user
 * data, user code.
 */
#ifndef PLATFORM_X86_64_DESCRIPTORS_H
#define PLATFORM_X86_64_DESCRIPTORS_H

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA   0x23
#define SELECTOR_USER_CODE   0x2b
#define SELECTOR_TSS         0x30

/* Entries of the interrupt stack table, 0: stay on the running stack. */
#define IST_NONE 0
#define IST_NMI  1
#define IST_DF   2
#define IST_MC   3
#define IST_DB   4

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Fill this CPU's tables page and load it. */
void descriptors_init(void);
/* Load tables that another CPU, or the early address space, filled. */
void descriptors_load(void);
/* Stack on which the CPU enters from user mode. */
void descriptors_set_kernel_stack(uintptr_t top);

#endif
#endif

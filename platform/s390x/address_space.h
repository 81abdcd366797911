// SPDX-License-Identifier: MIT
/*
 * The kernel's address space: one region-second table that all CPUs share. What is private to a
 * CPU is so by prefixing, not by a table of its own.
 */
#ifndef PLATFORM_S390X_ADDRESS_SPACE_H
#define PLATFORM_S390X_ADDRESS_SPACE_H

#include <platform/types.h>

/* Control register 0 with what the tables rely on. */
uint64_t address_space_control(uint64_t cr0);

/* Run this CPU on the kernel's tables: control registers 0, 1, 7 and 13, the lowcore's note of
 * it, translation on. */
void address_space_enter(void);

/* Real address of the region-second table; the element that names it. */
struct phys address_space_top(void);
uint64_t address_space_asce(void);

/*
 * A translation exception at a kernel address: fill the tables of its segment if it is one of
 * the direct map. True if there is a page behind the address now, so that the access is to be
 * made again. Any context with interrupts off; takes no lock of kernel/lock.h and uses no
 * memory that itself might fault.
 */
bool address_space_fault(uintptr_t address);

#endif

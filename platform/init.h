// SPDX-License-Identifier: MIT
/*
 * The order in which kmain() brings a port up. Each call may rely on those before it.
 */
#ifndef PLATFORM_INIT_H
#define PLATFORM_INIT_H

#include <platform/types.h>

struct boot_info;

/* First of all, on the boot CPU with interrupts off: console, exception handlers, CPU features,
 * and cpu_current(). No allocation. */
void platform_early_init(struct boot_info *info);

/* Final kernel address space of the boot CPU, with memory from kernel/boot_memory.h: direct
 * map, private slot, W^X. Frames may be taken from mm afterwards. Panics with a message when
 * the machine has too little memory. */
void platform_memory_init(struct boot_info *info);

/* Interrupt controllers, clock and timer of the boot CPU, from the firmware's tables
 * (kernel/acpi.h is ready). Interrupts may be enabled afterwards. */
void platform_interrupts_init(void);

#endif

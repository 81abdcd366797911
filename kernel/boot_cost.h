// SPDX-License-Identifier: MIT
/*
 * What the boot cost, in counts of the time stamp on the boot CPU: under QEMU's -icount these
 * are instructions.
 */
#ifndef KERNEL_BOOT_COST_H
#define KERNEL_BOOT_COST_H

#include <stdint.h>

/* The shell, the tests or the commands start now. */
void boot_cost_stop(void);

/* From kernel entry to boot_cost_stop() without the halts of the boot CPU; 0 before. */
uint64_t boot_cost_cycles(void);

#endif

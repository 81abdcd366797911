// SPDX-License-Identifier: MIT
/*
 * What smp.c and smp_start.S agree on about a CPU that is being started.
 */
#ifndef PLATFORM_S390X_SMP_H
#define PLATFORM_S390X_SMP_H

#include <stdint.h>

extern uint64_t smp_control[2];

/* Where the restart PSW of a new CPU leads. */
extern const char smp_start[];

/* Called by smp_start.S on the CPU's own stack, with translation on and interrupts off. */
void smp_secondary(void);

#endif

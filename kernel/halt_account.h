// SPDX-License-Identifier: MIT
/*
 * How long each CPU has slept, for ports whose CPUs halt: cpu_halted_cycles() of
 * platform/cpu.h. Both calls run on the CPU concerned with interrupts off.
 */
#ifndef KERNEL_HALT_ACCOUNT_H
#define KERNEL_HALT_ACCOUNT_H

/* Right before the halt. */
void halt_begins(void);
/* Called on every interruption and behind the halt: ends what halt_begins() began, if it did.
 */
void halt_ended(void);

#endif

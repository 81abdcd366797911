// SPDX-License-Identifier: MIT
/*
 * Where a port calls up when something interrupts. All run with interrupts off on the
 * interrupted CPU, between interrupt_enter() and interrupt_exit().
 */
#ifndef KERNEL_INTERRUPT_H
#define KERNEL_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Bracket every interrupt; the exit may switch threads when the outermost one ends. */
void interrupt_enter(void);
void interrupt_exit(void);
bool in_interrupt(void);

void kernel_timer_interrupt(void);
void kernel_ipi_interrupt(void);
void kernel_nmi_interrupt(void);

/* Called by the boot CPU's idle loop and all others once they reach the scheduler. */
void kernel_secondary_entry(void);

#endif

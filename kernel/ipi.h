// SPDX-License-Identifier: MIT
/*
 * Work for other CPUs, delivered by interrupt. Functions run in interrupt context there. A
 * pointer into the CPU-private slot is refused as argument (spec-pt-shadow A-8).
 */
#ifndef KERNEL_IPI_H
#define KERNEL_IPI_H

#include <kernel/attributes.h>
#include <stdbool.h>

typedef void ipi_function(void *arg);

/* Run function(arg) on cpu. wait: return after it ran. Legal with cpu == this one. Waiting
 * needs interrupts on, or the callers of two CPUs could wait for each other for ever; while
 * waiting with interrupts off a CPU still answers. */
void ipi_call(unsigned cpu, ipi_function *function, void *arg, bool wait);
/* Same on all running CPUs but this one. */
void ipi_call_others(ipi_function *function, void *arg, bool wait);

/* Make `cpu` look at its run queue. */
void ipi_reschedule(unsigned cpu);

#endif

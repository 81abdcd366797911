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

/*
 * Run function(arg) on cpu, which is in cpus_online. wait: return after it ran. Legal with cpu
 * == this one. A CPU that waits answers calls itself, with interrupts off too, so two that call
 * each other get on. No lock may be held that others take with interrupts off (checked in debug
 * builds): they could not answer.
 */
void ipi_call(unsigned cpu, ipi_function *function, void *arg, bool wait);
/* Same on all running CPUs but this one, at the same time; preemption off or result tolerated.
 */
void ipi_call_others(ipi_function *function, void *arg, bool wait);

/* Same on another CPU without waiting for anything, so with locks held too: false, and it will
 * not run, while as many calls wait for that CPU as it has room for. */
bool ipi_try_call(unsigned cpu, ipi_function *function, void *arg) MUST_CHECK;

/* Make `cpu` look at its run queue. Any context. */
void ipi_reschedule(unsigned cpu);

/* Once per CPU, before it is in cpus_online. */
void ipi_init_cpu(void);

/* Run what others asked of this CPU; from the interrupt, with interrupts off. */
void ipi_answer(void);

#endif

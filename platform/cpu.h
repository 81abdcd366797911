// SPDX-License-Identifier: MIT
/*
 * CPUs: who am I, how many are there, start the others, wait. CPU numbers are dense, 0 is the
 * boot CPU, and a CPU keeps its number for ever.
 */
#ifndef PLATFORM_CPU_H
#define PLATFORM_CPU_H

#include <platform/types.h>

#define CPUS_MAX   64
#define CACHE_LINE 64

/* Number of the CPU this runs on. Stable only while preemption or interrupts are off. */
static inline unsigned cpu_current(void);

/* Number of CPUs that reached the scheduler; grows only, at start-up. */
unsigned cpu_count(void);

/* Number of CPUs the firmware names, capped at CPUS_MAX and the `cpus=` key. */
unsigned cpu_possible(void);

/* Number by which the firmware's tables name a CPU (x86: APIC id). cpu < cpu_count(). */
uint32_t cpu_firmware_id(unsigned cpu);

/*
 * Start every possible CPU but this one; each ends in entry(), on its own stack, with
 * interrupts off, and never returns. A CPU that does not answer within a second (ten under a
 * hypervisor, which may not run it for a while) is reported and
 * left out. Returns the number of CPUs now running, this one included.
 */
unsigned cpu_start_all(void (*entry)(void));

/* Called in a loop that waits for another CPU. */
static inline void cpu_relax(void);

/*
 * Sleep until the next interrupt. Enter with interrupts off, after a last look at the queue: an
 * interrupt that arrives in between ends the sleep. Returns with interrupts off.
 */
void cpu_idle_wait(void);

/* Cycles (platform/clock.h) that cpu has spent halted since it started, without a halt that
 * lasts; what else passed was work. cpu < CPUS_MAX, asked by any CPU. */
uint64_t cpu_halted_cycles(unsigned cpu);

/* Stop this CPU for good, interrupts off. */
_Noreturn void cpu_halt_forever(void);

/* Name of CPU model and the features in use, one line, for `cpus`. cpu < cpu_count(). */
void cpu_describe(unsigned cpu, char *text, size_t size);

#include "cpu_impl.h"

#endif

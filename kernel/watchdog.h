// SPDX-License-Identifier: MIT
/*
 * The watchdog: a busy CPU that takes no interrupt for the period (10 s, `watchdog=`) is
 * reported once, with the back trace it gives by NMI; one that takes interrupts but does not
 * switch though it should, with its own. Idle CPUs owe nothing, and when all sleep nobody
 * looks.
 */
#ifndef KERNEL_WATCHDOG_H
#define KERNEL_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

/* Once per CPU, before it is in cpus_online. */
void watchdog_init_cpu(void);

/* Around the sleep of an idle CPU, interrupts off. */
void watchdog_idle_enter(void);
/* A sign of life: every interrupt, every switch. Ends the idle time. Interrupts off. */
void watchdog_alive(void);

/* The NMI's half: leave a back trace if one was asked for. */
void watchdog_nmi(void);

/* Period in nanoseconds, 0: off; for tests. Takes effect with the next look. */
void watchdog_set_period(uint64_t ns);

/* Look at all other CPUs now; the beat does it by itself. Returns whether one is busy. */
bool watchdog_look(void);

/* CPUs reported as hung so far. */
unsigned watchdog_reports(void);

#endif

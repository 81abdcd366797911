// SPDX-License-Identifier: MIT
/*
 * Waiting until another CPU has seen what this one wrote, and has ended what it was doing with
 * interrupts off: so the other one needs no barrier of its own (struct frames_waiting).
 */
#ifndef MM_SETTLE_H
#define MM_SETTLE_H

#include <mm/frames.h>

extern const struct frames_waiting settle_waiting;

/* False when the CPU did not answer in a bounded time: it has interrupts off and waits for us.
 * Interrupts off; locks may be held. */
bool settle_cpu(unsigned cpu) MUST_CHECK;

/* For loops that wait for a CPU which may be waiting in settle_cpu() for us. */
void settle_relax(void);

#endif

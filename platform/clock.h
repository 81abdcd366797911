// SPDX-License-Identifier: MIT
/*
 * Time: a monotonic clock in nanoseconds since boot, one one-shot timer per CPU, the cycle
 * counter for measurements, and the wall clock.
 */
#ifndef PLATFORM_CLOCK_H
#define PLATFORM_CLOCK_H

#include <platform/types.h>

#define NSEC_PER_SEC  UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* Nanoseconds since kernel entry; never goes back on one CPU nor between CPUs that
 * synchronised. */
uint64_t clock_ns(void);

/* Raw counter (time stamp); its frequency in Hz, 0 when it could not be calibrated. */
uint64_t clock_cycles(void);
uint64_t clock_frequency(void);

/*
 * Arm this CPU's timer for the absolute time deadline_ns, replacing what was armed; a time in
 * the past fires at once. CLOCK_NEVER disarms. Fires kernel_timer_interrupt().
 */
#define CLOCK_NEVER UINT64_MAX
void clock_set_timer(uint64_t deadline_ns);

/* Busy wait; for device delays below a millisecond. */
void clock_delay_ns(uint64_t ns);

/* Seconds since 1970 from the battery clock, 0 when there is none. */
uint64_t clock_wall_seconds(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * The wall clock: read once from the battery clock, kept by the monotonic clock, corrected by
 * who knows better (a host, a time server).
 */
#ifndef KERNEL_WALL_CLOCK_H
#define KERNEL_WALL_CLOCK_H

#include <stdint.h>

/* Nanoseconds since 1970 in UTC; since boot where there is no battery clock. Any context. */
uint64_t wall_clock_ns(void);

/* It is `ns` since 1970 now. */
void wall_clock_set(uint64_t ns);

#endif

// SPDX-License-Identifier: MIT
/*
 * The wall clock is an offset to the monotonic clock. The battery clock is slow to read and
 * knows seconds only, so it is asked once.
 */
#include <kernel/wall_clock.h>
#include <platform/clock.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Atomic uint64_t offset_ns; /* + 1; 0: not known yet */

static void offset_store(uint64_t wall_ns)
{
	atomic_store(&offset_ns, wall_ns - clock_ns() + 1);
}

uint64_t wall_clock_ns(void)
{
	if (atomic_load(&offset_ns) == 0) {
		uint64_t wall = clock_wall_seconds() * NSEC_PER_SEC;

		offset_store(wall ? wall : clock_ns());
	}
	return clock_ns() + atomic_load(&offset_ns) - 1;
}

void wall_clock_set(uint64_t ns)
{
	offset_store(ns);
}

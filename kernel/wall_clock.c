// SPDX-License-Identifier: MIT
/*
 * The wall clock is an offset to the monotonic clock. The battery clock is slow to read and
 * knows seconds only, so it is asked once.
 */
#include <kernel/wall_clock.h>
#include <kernel/hook.h>
#include <platform/clock.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Atomic uint64_t offset_ns; /* + 1; 0: not known yet */

static uint64_t offset_of(uint64_t wall_ns)
{
	return wall_ns - clock_ns() + 1;
}

uint64_t wall_clock_ns(void)
{
	uint64_t offset = atomic_load(&offset_ns);

	if (offset == 0) {
		uint64_t wall = clock_wall_seconds() * NSEC_PER_SEC;
		uint64_t found = offset_of(wall ? wall : clock_ns());

		HOOK(wall_clock_found);
		/* Whoever set it meanwhile knows better. */
		if (atomic_compare_exchange_strong(&offset_ns, &offset, found))
			offset = found;
	}
	return clock_ns() + offset - 1;
}

void wall_clock_set(uint64_t ns)
{
	atomic_store(&offset_ns, offset_of(ns));
}

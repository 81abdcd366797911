// SPDX-License-Identifier: MIT
/*
 * WAIT_FOR(): tests wait for what another thread or a device does. It looks each millisecond at
 * first, later each sixteenth of the time it has waited: under fault injection many wait for
 * what never comes, 20,000 times would they look.
 */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include <kernel/bits.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <tests/test.h>

/* Far more than any step needs; a loaded machine is slow. */
#define WAIT_LIMIT_NS (20 * NSEC_PER_SEC)

/* Sleep before the next look; false: since `begin` the time is up. */
static inline bool wait_a_little(uint64_t begin)
{
	uint64_t waited = clock_ns() - begin;

	if (waited >= WAIT_LIMIT_NS)
		return false;
	thread_sleep_ns(MAX(NSEC_PER_MSEC, waited / 16));
	return true;
}

/* Wait until expression is true; a failed check at the time limit. */
#define WAIT_FOR(expression)                                       \
	({                                                         \
		uint64_t wait_begin = clock_ns();                  \
		while (!(expression) && wait_a_little(wait_begin)) \
			;                                          \
		CHECK(expression);                                 \
	})

#endif

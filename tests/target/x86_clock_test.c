// SPDX-License-Identifier: MIT
/*
 * The PC's clocks against each other, and the far end of its timer. Under emulation a CPU may
 * be away for a long time, so bounds are wide; a clock that runs at a wrong rate would still be
 * far outside. What every machine's clock does is in clock_test.c.
 */
#include <platform/clock.h>
#include <platform/irq.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/reference_counter.h>
#include <kernel/thread.h>
#include <tests/test.h>

/* 10 ms by both clocks, in nanoseconds of each. */
static void measure_with_pit(struct reference_counter *pit, uint64_t *by_pit,
			     uint64_t *by_clock)
{
	struct irq_state state = irq_save();
	uint64_t start = pit->read();
	uint64_t start_ns = clock_ns();

	clock_delay_ns(10 * NSEC_PER_MSEC);
	*by_pit = ((pit->read() - start) & pit->mask) * NSEC_PER_SEC / pit->frequency;
	*by_clock = clock_ns() - start_ns;
	irq_restore(state);
}

/*
 * Against the PIT, which the calibration does not use where there is something better. The host
 * may take the CPU away between two reads, so one of several tries must agree; a clock of a
 * wrong rate never does.
 */
TEST(x86_clock, the_clock_agrees_with_the_pit)
{
	struct reference_counter pit;
	bool agrees = false;

	REQUIRE(reference_counter_open(2, &pit));
	for (unsigned tries = 0; tries < 20 && !agrees; tries++) {
		uint64_t by_pit, by_clock;

		measure_with_pit(&pit, &by_pit, &by_clock);
		agrees = by_pit > by_clock / 100 * 98 && by_pit < by_clock / 100 * 102;
	}
	CHECK(agrees);
}

/* 2^63 ns in cycles do not fit in 64 bits: the timer must neither fire now nor all the time.
 * Another CPU may make the kernel arm it in the meantime, hence the tries. */
TEST(x86_clock, a_very_far_deadline_stays_armed_and_quiet)
{
	uint64_t far = UINT64_C(1) << 63;
	uint64_t left = 0;

	/* A CPU left behind with this deadline would not look at its own timers any more. */
	preempt_disable();
	for (unsigned tries = 0; tries < 20 && left != far; tries++) {
		struct irq_state state = irq_save();

		clock_set_timer(far);
		irq_enable();
		clock_delay_ns(NSEC_PER_MSEC);
		irq_disable();
		left = private_area()->timer_deadline;
		/* The kernel looks at its own timers again. */
		clock_set_timer(0);
		irq_restore(state);
	}
	preempt_enable();
	CHECK(left == far);
}

// SPDX-License-Identifier: MIT
/*
 * The clock comparator at its ends. What every machine's clock does is in clock_test.c.
 */
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/s390x/interrupts.h>
#include <tests/test.h>

static uint64_t comparator_after(uint64_t deadline_ns)
{
	struct irq_state state = irq_save();
	uint64_t value;

	clock_set_timer(deadline_ns);
	__asm__ volatile("stckc %0" : "=Q"(value));
	/* The kernel looks at its own timers again. */
	clock_set_timer(0);
	irq_restore(state);
	return value;
}

TEST(s390x_clock, the_comparator_stands_at_the_deadline)
{
	uint64_t now = clock_cycles();
	uint64_t at = comparator_after(clock_ns() + NSEC_PER_SEC);

	CHECK(at >= now + CLOCK_CYCLES_PER_USEC * 1000000);
	CHECK(at <= clock_cycles() + CLOCK_CYCLES_PER_USEC * 1000000 + CLOCK_CYCLES_PER_USEC);
}

TEST(s390x_clock, what_is_too_far_never_comes)
{
	CHECK_EQ(comparator_after(CLOCK_NEVER), UINT64_MAX);
	CHECK_EQ(comparator_after(CLOCK_NEVER / 2), UINT64_MAX);
}

TEST(s390x_clock, units_are_those_of_the_tod_clock)
{
	CHECK_EQ(clock_frequency(), UINT64_C(4096000000));
}

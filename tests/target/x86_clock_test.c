// SPDX-License-Identifier: MIT
/*
 * Clocks of the real machine. Under emulation a CPU may be away for a long time, so upper
 * bounds are wide; a clock that runs at a wrong rate would still be far outside.
 */
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/reference_counter.h>
#include <kernel/boot_info.h>
#include <kernel/ipi.h>
#include <tests/test.h>

TEST(x86_clock, time_never_goes_back_on_one_cpu)
{
	uint64_t last = clock_ns();

	for (unsigned i = 0; i < 10000; i++) {
		uint64_t now = clock_ns();

		REQUIRE(now >= last);
		last = now;
	}
}

static void clock_read(void *arg)
{
	*(uint64_t *)arg = clock_ns();
}

TEST(x86_clock, time_never_goes_back_from_cpu_to_cpu)
{
	static uint64_t there;

	for (unsigned round = 0; round < 20; round++)
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			uint64_t before = clock_ns();

			ipi_call(cpu, clock_read, &there, true);
			REQUIRE(there >= before);
			REQUIRE(clock_ns() >= there);
		}
}

static uint64_t ns_since_entry(void)
{
	unsigned __int128 cycles = clock_cycles() - boot_info->entry_cycles;

	/* To the last bit: after half a minute a rounded frequency would be off by more than
	 * what the test allows. */
	return (uint64_t)(cycles * NSEC_PER_SEC / clock_frequency());
}

TEST(x86_clock, time_starts_at_kernel_entry)
{
	uint64_t before, now, after;

	REQUIRE(clock_frequency() > 1000000);
	before = ns_since_entry();
	now = clock_ns();
	after = ns_since_entry();
	CHECK(now + NSEC_PER_MSEC >= before);
	CHECK(now <= after + NSEC_PER_MSEC);
}

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

TEST(x86_clock, a_delay_lasts_at_least_its_time)
{
	uint64_t start = clock_ns();

	clock_delay_ns(200 * NSEC_PER_USEC);
	CHECK(clock_ns() - start >= 199 * NSEC_PER_USEC);
}

TEST(x86_clock, a_halt_is_ended_by_an_interrupt_and_counted)
{
	struct irq_state state = irq_save();
	uint64_t before = cpu_halted_cycles(cpu_current());
	uint64_t start = clock_ns();

	clock_set_timer(start + 50 * NSEC_PER_MSEC);
	while (clock_ns() < start + 50 * NSEC_PER_MSEC)
		cpu_idle_wait();
	CHECK(cpu_halted_cycles(cpu_current()) > before);
	CHECK(!irq_enabled());
	irq_restore(state);
}

/* 2^63 ns in cycles do not fit in 64 bits: the timer must neither fire now nor all the time.
 * Another CPU may make the kernel arm it in the meantime, hence the tries. */
TEST(x86_clock, a_very_far_deadline_stays_armed_and_quiet)
{
	uint64_t far = UINT64_C(1) << 63;
	uint64_t left = 0;

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
	CHECK(left == far);
}

TEST(x86_clock, the_battery_clock_knows_the_century)
{
	uint64_t seconds = clock_wall_seconds();

	/* 2020 to 2099. */
	CHECK(seconds > 1577836800);
	CHECK(seconds < 4102444800);
}

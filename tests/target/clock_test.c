// SPDX-License-Identifier: MIT
/*
 * Clock and timer of a real machine, whatever they are made of: never back, on no CPU, from the
 * kernel's entry on; sleep ends and is counted.
 */
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <kernel/boot_info.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>
#include <tests/test.h>

TEST(machine_clock, time_never_goes_back_on_one_cpu)
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

TEST(machine_clock, time_never_goes_back_from_cpu_to_cpu)
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
	uint64_t cycles = clock_cycles() - boot_info->entry_cycles;
	uint64_t frequency = clock_frequency();

	/* To the last bit: after half a minute a rounded frequency would be off by more than
	 * what the test allows. */
	return cycles / frequency * NSEC_PER_SEC +
	       cycles % frequency * NSEC_PER_SEC / frequency;
}

TEST(machine_clock, time_starts_at_kernel_entry)
{
	uint64_t before, now, after;

	REQUIRE(clock_frequency() > 1000000);
	before = ns_since_entry();
	now = clock_ns();
	after = ns_since_entry();
	CHECK(now + NSEC_PER_MSEC >= before);
	CHECK(now <= after + NSEC_PER_MSEC);
}

TEST(machine_clock, a_delay_lasts_at_least_its_time)
{
	uint64_t start = clock_ns();

	clock_delay_ns(200 * NSEC_PER_USEC);
	CHECK(clock_ns() - start >= 199 * NSEC_PER_USEC);
}

TEST(machine_clock, a_halt_is_ended_by_an_interrupt_and_counted)
{
	/* The sleep lets interrupts in: on another CPU there would be neither timer nor
	 * account. */
	preempt_disable();
	struct irq_state state = irq_save();
	uint64_t before = cpu_halted_cycles(cpu_current());

	/* The time may be up before the CPU halts, or another interrupt ends the halt. */
	for (unsigned i = 0; i < 20 && cpu_halted_cycles(cpu_current()) == before; i++) {
		clock_set_timer(clock_ns() + 50 * NSEC_PER_MSEC);
		cpu_idle_wait();
	}
	/* The kernel looks at its own timers again. */
	clock_set_timer(0);
	CHECK(cpu_halted_cycles(cpu_current()) > before);
	CHECK(!irq_enabled());
	irq_restore(state);
	preempt_enable();
}

TEST(machine_clock, the_wall_clock_knows_the_century)
{
	uint64_t seconds = clock_wall_seconds();

	/* 2020 to 2099. */
	CHECK(seconds > 1577836800);
	CHECK(seconds < 4102444800);
}

// SPDX-License-Identifier: MIT
/*
 * Time from the TOD clock, which all CPUs share: 4096 units a microsecond, counted since 1900.
 * The timer is the clock comparator of each CPU, which interrupts as long as the TOD clock is
 * beyond it. Source: z/Architecture Principles of Operation, "Timing". The clock wraps in 2042.
 */
#include <platform/clock.h>

#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/lowcore.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <kernel/interrupt.h>

/* 512 nanoseconds are 125 units and 4096 / 1000 simplified. */
#define NS_NUMERATOR     125
#define NS_SHIFT         9
#define COMPARATOR_NEVER UINT64_MAX
/* 1900 to 1970. */
#define EPOCH_SECONDS    UINT64_C(2208988800)

static uint64_t first_cycles;

static bool tod_read(uint64_t *value)
{
	int condition;

	__asm__ volatile("stckf %1\n\t"
			 "ipm %0\n\t"
			 "srl %0,28"
			 : "=d"(condition), "=Q"(*value)
			 :
			 : "cc");
	return condition == 0;
}

uint64_t clock_cycles(void)
{
	uint64_t now;

	tod_read(&now);
	return now;
}

uint64_t clock_frequency(void)
{
	return CLOCK_CYCLES_PER_USEC * 1000000;
}

static uint64_t ns_from_cycles(uint64_t cycles)
{
	uint64_t whole = cycles >> NS_SHIFT;
	uint64_t rest = cycles & ((1u << NS_SHIFT) - 1);

	return whole * NS_NUMERATOR + (rest * NS_NUMERATOR >> NS_SHIFT);
}

/* Rounded up: not before its time. */
static uint64_t cycles_from_ns(uint64_t ns)
{
	return (ns / NS_NUMERATOR << NS_SHIFT) +
	       ((ns % NS_NUMERATOR << NS_SHIFT) / NS_NUMERATOR) + 1;
}

uint64_t clock_ns(void)
{
	return first_cycles ? ns_from_cycles(clock_cycles() - first_cycles) : 0;
}

void clock_delay_ns(uint64_t ns)
{
	uint64_t start = clock_cycles();
	uint64_t cycles = cycles_from_ns(ns);

	while (clock_cycles() - start < cycles)
		cpu_relax();
}

static void comparator_set(uint64_t value)
{
	__asm__ volatile("sckc %0" : : "Q"(value) : "memory");
}

/* What lies beyond the range of the clock never comes. */
static uint64_t comparator_value(uint64_t deadline_ns)
{
	uint64_t value;

	if (deadline_ns > ns_from_cycles(UINT64_MAX) ||
	    __builtin_add_overflow(first_cycles, cycles_from_ns(deadline_ns), &value))
		return COMPARATOR_NEVER;
	return value;
}

void clock_set_timer(uint64_t deadline_ns)
{
	struct irq_state state = irq_save();

	lowcore()->timer_deadline = deadline_ns;
	comparator_set(comparator_value(deadline_ns));
	irq_restore(state);
}

void clock_timer_interrupt(void)
{
	struct lowcore *area = lowcore();

	/* The request stands until the comparator is moved. */
	if (clock_ns() < area->timer_deadline) {
		comparator_set(comparator_value(area->timer_deadline));
		return;
	}
	area->timer_deadline = CLOCK_NEVER;
	comparator_set(COMPARATOR_NEVER);
	kernel_timer_interrupt();
}

uint64_t clock_wall_seconds(void)
{
	uint64_t now;

	if (!tod_read(&now))
		return 0;
	now = now / CLOCK_CYCLES_PER_USEC / 1000000;
	return now > EPOCH_SECONDS ? now - EPOCH_SECONDS : 0;
}

void clock_init(void)
{
	first_cycles = boot_info->entry_cycles;
	clock_init_secondary();
}

void clock_init_secondary(void)
{
	lowcore()->timer_deadline = CLOCK_NEVER;
	comparator_set(COMPARATOR_NEVER);
}

// SPDX-License-Identifier: MIT
/*
 * Time from the time stamp counter, one-shot timer from the local APIC: by absolute time stamp
 * where the CPU can, else by its own count. All conversions are one multiplication by a factor
 * fixed at boot.
 */
#include <platform/clock.h>

#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <kernel/boot_info.h>
#include <kernel/interrupt.h>
#include <kernel/log.h>

#define NS_SHIFT     32 /* of the factor from cycles to nanoseconds */
#define CYCLES_SHIFT 28 /* and back: good to 64 GHz */
#define STEP_MAX_NS  (3600 * NSEC_PER_SEC)

static uint64_t frequency;
static uint64_t first_cycles;
static uint64_t ns_per_cycle;        /* << NS_SHIFT */
static uint64_t cycles_per_ns;       /* << CYCLES_SHIFT */
static uint64_t timer_counts_per_ns; /* << CYCLES_SHIFT */

static uint64_t scale(uint64_t value, uint64_t factor, unsigned shift)
{
	return (uint64_t)((unsigned __int128)value * factor >> shift);
}

uint64_t clock_cycles(void)
{
	return tsc_read();
}

uint64_t clock_frequency(void)
{
	return frequency;
}

/* 0 before the calibration: a line of the log needs no better time. */
uint64_t clock_ns(void)
{
	return scale(tsc_read() - first_cycles, ns_per_cycle, NS_SHIFT);
}

void clock_delay_ns(uint64_t ns)
{
	uint64_t start = tsc_read();
	uint64_t cycles = scale(ns, cycles_per_ns, CYCLES_SHIFT);

	while (tsc_read() - start < cycles)
		cpu_relax();
}

/* A little late rather than early: the two clocks were measured to a part in some thousand. */
static void count_start(uint64_t wait_ns)
{
	uint64_t count = scale(wait_ns, timer_counts_per_ns, CYCLES_SHIFT);

	count += (count >> 12) + 1;
	apic_timer_start(&local_apic, (uint32_t)MIN(count, UINT32_MAX));
}

/* Far deadlines are reached in steps: neither clock counts for ever, and the product of a very
 * far one would wrap round into the past. */
static void timer_program(uint64_t deadline_ns)
{
	uint64_t now = clock_ns();
	uint64_t wait = deadline_ns > now ? MIN(deadline_ns - now, STEP_MAX_NS) : 0;

	if (deadline_ns == CLOCK_NEVER && cpu_features.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE, 0);
	else if (deadline_ns == CLOCK_NEVER)
		apic_timer_start(&local_apic, 0);
	else if (cpu_features.tsc_deadline)
		msr_write(MSR_TSC_DEADLINE,
			  first_cycles + scale(now + wait, cycles_per_ns, CYCLES_SHIFT) + 1);
	else
		count_start(wait);
}

void clock_set_timer(uint64_t deadline_ns)
{
	struct irq_state state = irq_save();

	private_area()->timer_deadline = deadline_ns;
	timer_program(deadline_ns);
	irq_restore(state);
}

/* The count has an end before long waits have; and it may fire just before its time. */
void clock_timer_interrupt(void)
{
	struct private_area *area = private_area();

	if (area->timer_deadline == CLOCK_NEVER)
		return;
	if (clock_ns() < area->timer_deadline) {
		timer_program(area->timer_deadline);
		return;
	}
	area->timer_deadline = CLOCK_NEVER;
	kernel_timer_interrupt();
}

static void timer_init(void)
{
	private_area()->timer_deadline = CLOCK_NEVER;
	apic_timer_setup(&local_apic,
			 cpu_features.tsc_deadline ? APIC_TIMER_DEADLINE : APIC_TIMER_ONE_SHOT,
			 VECTOR_TIMER);
	/* SDM 10.5.4.1: the mode is in force before the MSR is written. */
	__asm__ volatile("mfence" : : : "memory");
}

void clock_init(void)
{
	struct clock_frequencies found;

	clock_calibrate(&found);
	frequency = found.tsc;
	first_cycles = boot_info->entry_cycles;
	cycles_per_ns = (found.tsc << CYCLES_SHIFT) / NSEC_PER_SEC;
	timer_counts_per_ns = (found.apic_timer << CYCLES_SHIFT) / NSEC_PER_SEC;
	ns_per_cycle = (NSEC_PER_SEC << NS_SHIFT) / found.tsc;
	timer_init();
	log_info("clock: time stamp %lu kHz, timer %lu kHz, from %s", found.tsc / 1000,
		 found.apic_timer / 1000, found.source);
}

void clock_init_secondary(void)
{
	timer_init();
}

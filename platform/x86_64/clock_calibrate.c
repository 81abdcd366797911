// SPDX-License-Identifier: MIT
/*
 * How fast the clocks run. Where CPU or hypervisor say so, they are believed. Else the APIC
 * timer is started, the CPU halts until it fires, and time stamp and timer are compared with a
 * counter of known frequency: HPET, ACPI timer or PIT. The CPU sleeps while it measures.
 */
#include <platform/clock.h>

#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/reference_counter.h>
#include <platform/x86_64/x86.h>
#include <kernel/assert.h>
#include <kernel/log.h>
#include <stdatomic.h>

#define HYPERVISOR_LEAF        0x40000000u
#define HYPERVISOR_TIMING_LEAF 0x40000010u
#define HYPERVISOR_LEAF_MAX    0x400000ffu

/* The first try tells how fast the timer is; the second lasts as long as we want. */
#define FIRST_COUNT         (1u << 20)
#define WANTED_NS           (5 * NSEC_PER_MSEC)
#define TRIES_MAX           12u     /* until two measurements agree */
#define AGREE_SHIFT         10      /* within 1/1024 */
#define READS_UNTIL_COUNTED 100000u /* milliseconds, for a timer slower than any known */
#define FREQUENCY_MIN       UINT64_C(1000000)
#define FREQUENCY_MAX       (UINT64_C(64) * NSEC_PER_SEC)
#define FREQUENCY_GUESS     NSEC_PER_SEC

static _Atomic uint32_t fired;

void clock_calibration_interrupt(void)
{
	atomic_fetch_add(&fired, 1);
}

static bool ask_cpu(struct clock_frequencies *found)
{
	struct cpuid r;

	if (cpu_features.max_leaf < 0x15)
		return false;
	r = cpuid_read(0x15, 0);
	if (!r.eax || !r.ebx || !r.ecx)
		return false;
	found->tsc = (uint64_t)r.ecx * r.ebx / r.eax;
	found->apic_timer = r.ecx;
	found->source = "CPUID leaf 0x15";
	return true;
}

static bool ask_hypervisor(struct clock_frequencies *found)
{
	uint32_t max = cpu_features.hypervisor ? cpuid_read(HYPERVISOR_LEAF, 0).eax : 0;
	struct cpuid r;

	if (max < HYPERVISOR_TIMING_LEAF || max > HYPERVISOR_LEAF_MAX)
		return false;
	r = cpuid_read(HYPERVISOR_TIMING_LEAF, 0);
	if (!r.eax || !r.ebx)
		return false;
	found->tsc = (uint64_t)r.eax * 1000;
	found->apic_timer = (uint64_t)r.ebx * 1000;
	found->source = "the hypervisor";
	return true;
}

/* The same time on three clocks. */
struct interval {
	uint64_t cycles;
	uint64_t counts; /* of the APIC timer */
	uint64_t reference;
};

/* A timer that stands still would never end the halt below. */
static void timer_must_count(void)
{
	apic_timer_setup(&local_apic, APIC_TIMER_PERIODIC, VECTOR_CALIBRATE);
	apic_timer_start(&local_apic, UINT32_MAX);
	uint32_t first = apic_timer_left(&local_apic);

	for (unsigned i = 0; i < READS_UNTIL_COUNTED; i++) {
		if (apic_timer_left(&local_apic) != first) {
			apic_timer_start(&local_apic, 0);
			return;
		}
	}
	panic("clock: the local APIC timer of this machine does not count, and there is no "
	      "other timer that Quire can use");
}

/* Let the timer count down while this CPU sleeps. It goes on counting, so that a late wake-up
 * spoils nothing. */
static struct interval measure(const struct reference_counter *reference, uint32_t count)
{
	struct irq_state state = irq_save();
	struct interval interval;
	uint64_t start, cycles;

	atomic_store(&fired, 0);
	start = reference->read();
	cycles = tsc_read();
	apic_timer_start(&local_apic, count);
	while (!atomic_load(&fired))
		cpu_idle_wait();
	interval.reference = (reference->read() - start) & reference->mask;
	interval.cycles = tsc_read() - cycles;
	interval.counts =
		(uint64_t)count * (atomic_load(&fired) + 1) - apic_timer_left(&local_apic);
	apic_timer_start(&local_apic, 0);
	irq_restore(state);
	return interval;
}

/* amount per second, when `ticks` of the reference passed. */
static uint64_t per_second(uint64_t amount, uint64_t ticks, uint64_t reference_frequency)
{
	return (uint64_t)((unsigned __int128)amount * reference_frequency / MAX(ticks, 1u));
}

static bool is_plausible(uint64_t hz)
{
	return hz >= FREQUENCY_MIN && hz <= FREQUENCY_MAX;
}

static void frequencies_set(struct clock_frequencies *found, const struct interval *interval,
			    const struct reference_counter *reference)
{
	found->apic_timer =
		per_second(interval->counts, interval->reference, reference->frequency);
	found->tsc = per_second(interval->cycles, interval->reference, reference->frequency);
	found->source = reference->name;
}

static bool is_close(uint64_t a, uint64_t b)
{
	uint64_t difference = a > b ? a - b : b - a;

	return difference <= a >> AGREE_SHIFT;
}

/*
 * A hypervisor may take the CPU away between two reads, or for several periods of the timer:
 * one measurement alone proves nothing. Repeat until two in a row agree on both clocks.
 */
static void measure_until_stable(struct clock_frequencies *found,
				 const struct reference_counter *reference)
{
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		struct clock_frequencies last = *found;
		uint64_t wanted = found->apic_timer / (NSEC_PER_SEC / WANTED_NS);
		struct interval interval;

		if (wanted <= FIRST_COUNT || wanted > UINT32_MAX)
			wanted = FIRST_COUNT;
		interval = measure(reference, (uint32_t)wanted);
		frequencies_set(found, &interval, reference);
		if (is_close(found->apic_timer, last.apic_timer) &&
		    is_close(found->tsc, last.tsc))
			return;
	}
}

static bool measure_both(struct clock_frequencies *found,
			 const struct reference_counter *reference)
{
	struct interval interval;

	apic_timer_setup(&local_apic, APIC_TIMER_PERIODIC, VECTOR_CALIBRATE);
	interval = measure(reference, FIRST_COUNT);
	frequencies_set(found, &interval, reference);
	if (is_plausible(found->apic_timer))
		measure_until_stable(found, reference);
	return is_plausible(found->apic_timer) && is_plausible(found->tsc);
}

/* Nothing to measure with: take the timer for the common 1 GHz of hypervisors. */
static void guess(struct clock_frequencies *found)
{
	struct reference_counter none = {.read = tsc_read, .mask = UINT64_MAX};
	struct interval interval;

	apic_timer_setup(&local_apic, APIC_TIMER_PERIODIC, VECTOR_CALIBRATE);
	interval = measure(&none, FIRST_COUNT);
	found->apic_timer = FREQUENCY_GUESS;
	found->tsc = per_second(interval.cycles, interval.counts, FREQUENCY_GUESS);
	found->source = "a guess";
	log_warn("clock: no HPET, ACPI timer or PIT to measure with; taking the APIC timer for "
		 "1 GHz. Times may be wrong by a constant factor");
}

void clock_calibrate(struct clock_frequencies *found)
{
	struct reference_counter reference;

	if (ask_cpu(found) || ask_hypervisor(found))
		return;
	timer_must_count();
	for (unsigned i = 0; reference_counter_open(i, &reference); i++)
		if (reference.read && measure_both(found, &reference))
			return;
	guess(found);
}

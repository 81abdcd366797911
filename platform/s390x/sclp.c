// SPDX-License-Identifier: MIT
/*
 * SERVICE CALL. Its answer comes as an external interruption to any CPU that is open for it, so
 * the one who waits opens itself for nothing else, and looks at a word that whoever took the
 * interruption writes.
 */
#include "sclp.h"

#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/s390x/interrupts.h>
#include <kernel/panic.h>
#include <errno.h>
#include <stdatomic.h>

#define PATIENCE_NS    (5 * NSEC_PER_SEC)
#define SIGNAL_EVENTS  0x1u
#define SIGNAL_ADDRESS 0xfffffff8u

enum condition { INITIATED, BUSY = 2, NOT_OPERATIONAL };

static bool dead;
static _Atomic uint32_t answered;
static _Atomic uint32_t waiting_cpu; /* + 1 */
static _Atomic bool events;
static _Atomic uint32_t holder; /* CPU + 1 */

static enum condition service_call(uint32_t command, const uint8_t *block)
{
	int condition;

	__asm__ volatile(".insn rre,0xb2200000,%1,%2\n\t"
			 "ipm %0\n\t"
			 "srl %0,28"
			 : "=d"(condition)
			 : "d"(command), "d"((uint64_t)block)
			 : "cc", "memory");
	return (enum condition)condition;
}

static uint64_t deadline(uint64_t ns)
{
	return clock_cycles() + ns / NSEC_PER_USEC * CLOCK_CYCLES_PER_USEC;
}

bool sclp_waits_here(void)
{
	return atomic_load_explicit(&waiting_cpu, memory_order_relaxed) == cpu_current() + 1;
}

bool sclp_events_pending(void)
{
	return atomic_exchange(&events, false);
}

void sclp_interrupt(uint32_t parameter)
{
	uint32_t address = parameter & SIGNAL_ADDRESS;

	if (parameter & SIGNAL_EVENTS)
		atomic_store(&events, true);
	if (address)
		atomic_store_explicit(&answered, address, memory_order_release);
	if (parameter & SIGNAL_EVENTS)
		console_events_arrived();
}

/* Let service signals in, and nothing else, until the answer is there or time is over. */
static bool answer_wait(uint32_t address, uint64_t end)
{
	uint64_t control = cr0_read();
	uint64_t others = CR0_EMERGENCY_SIGNAL | CR0_EXTERNAL_CALL | CR0_CLOCK_COMPARATOR;
	bool there;

	atomic_store(&waiting_cpu, cpu_current() + 1);
	cr0_write((control & ~others) | CR0_SERVICE_SIGNAL);
	do {
		external_window();
		there = atomic_load_explicit(&answered, memory_order_acquire) == address;
	} while (!there && clock_cycles() < end);
	cr0_write(control);
	atomic_store(&waiting_cpu, 0);
	return there;
}

/* Whoever holds it for longer than any request takes was stopped by a panic. */
bool sclp_hold(void)
{
	uint64_t end = deadline(2 * PATIENCE_NS);
	uint32_t self = cpu_current() + 1;
	uint32_t nobody = 0;

	if (atomic_load(&holder) == self)
		return false;
	while (!atomic_compare_exchange_strong(&holder, &nobody, self)) {
		if (panic_in_progress() || clock_cycles() > end)
			return false;
		nobody = 0;
		cpu_relax();
	}
	return true;
}

void sclp_release(bool held)
{
	if (held)
		atomic_store(&holder, 0);
}

int sclp_request(uint32_t command, uint8_t *block)
{
	uint64_t end = deadline(PATIENCE_NS);
	enum condition condition;

	if (dead)
		return -EIO;
	atomic_store(&answered, 0);
	/* An answer that nobody took yet keeps it busy. */
	while ((condition = service_call(command, block)) == BUSY && clock_cycles() < end)
		answer_wait(UINT32_MAX, clock_cycles());
	if (condition != INITIATED || !answer_wait((uint32_t)(uint64_t)block, end)) {
		dead = true;
		return -EIO;
	}
	return 0;
}

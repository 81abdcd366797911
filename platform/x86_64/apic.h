// SPDX-License-Identifier: MIT
/*
 * The local APIC, over its two register interfaces: xAPIC (a page of device memory) and x2APIC
 * (MSRs, 32-bit ids, the command register in one write). The four access functions are the
 * seam: QEMU's emulation has no x2APIC, so tests run this file against register models.
 * Source: Intel SDM volume 3, chapter 10.
 */
#ifndef PLATFORM_X86_64_APIC_H
#define PLATFORM_X86_64_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct apic {
	bool x2;
	/* xAPIC: offset into the register page. */
	uint32_t (*memory_read)(unsigned offset);
	void (*memory_write)(unsigned offset, uint32_t value);
	uint64_t (*msr_read)(uint32_t number);
	void (*msr_write)(uint32_t number, uint64_t value);
};

enum apic_timer_mode { APIC_TIMER_ONE_SHOT, APIC_TIMER_PERIODIC, APIC_TIMER_DEADLINE };

/* All functions work on the APIC of the CPU they run on, with interrupts off. */

/* Switch it on with this spurious vector, all local inputs masked; errors go to error_vector.
 */
void apic_enable(const struct apic *apic, unsigned spurious_vector, unsigned error_vector);
/* Local input 0 or 1 delivers NMI, as the MADT says. */
void apic_set_nmi_input(const struct apic *apic, unsigned pin, bool active_low, bool level);

uint32_t apic_id(const struct apic *apic);
void apic_end_of_interrupt(const struct apic *apic);
/* Error bits since the last call. */
uint32_t apic_errors(const struct apic *apic);

/* To the CPU with this id. xAPIC waits until the last command is on its way, for a bounded
 * number of polls. */
void apic_send_vector(const struct apic *apic, uint32_t id, unsigned vector);
void apic_send_nmi(const struct apic *apic, uint32_t id);
void apic_send_init(const struct apic *apic, uint32_t id);
/* Start at physical address page << 12, below 1 MiB. */
void apic_send_startup(const struct apic *apic, uint32_t id, unsigned page);

/* Timer: mode and vector; counts of the bus clock, 0 stops. */
void apic_timer_setup(const struct apic *apic, enum apic_timer_mode mode, unsigned vector);
void apic_timer_start(const struct apic *apic, uint32_t count);
/* What is left of the count. */
uint32_t apic_timer_left(const struct apic *apic);

#endif

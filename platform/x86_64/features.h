// SPDX-License-Identifier: MIT
/*
 * What the CPU can do, read once on the boot CPU; all CPUs of a machine are taken to be alike.
 */
#ifndef PLATFORM_X86_64_FEATURES_H
#define PLATFORM_X86_64_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
	bool gib_pages;
	bool no_execute;
	bool global_pages;
	bool machine_check;
	bool page_attributes;
	bool smep;
	bool smap;
	bool umip;
	bool five_levels; /* in use, not just present */
	bool x2apic;
	bool tsc_deadline;
	bool tsc_invariant;
	bool always_running_apic_timer;
	bool rdrand;
	bool rdseed;
	bool xsave;
	bool xsaveopt;
	bool hypervisor;
	uint32_t apic_id; /* of the boot CPU */
	uint32_t max_leaf;
	uint64_t vector_state; /* XCR0 bits that fpu.c saves */
	uint32_t vector_state_size;
	char name[49];
};

extern struct cpu_features cpu_features;

/* Fill cpu_features. */
void cpu_features_detect(void);
/* Switch on, on this CPU, what the kernel uses: NX, WP, SMEP, SMAP, UMIP, vector state. */
void cpu_features_enable(void);

#endif

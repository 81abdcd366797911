// SPDX-License-Identifier: MIT
/*
 * What smp.c and smp_start.S agree on about a CPU that is being started.
 */
#ifndef PLATFORM_X86_64_SMP_H
#define PLATFORM_X86_64_SMP_H

#define SMP_RECORD_APIC_ID 0
#define SMP_RECORD_ROOT    8
#define SMP_RECORD_STACK   16
#define SMP_RECORD_SIZE    32

#ifndef __ASSEMBLER__
#include <stdint.h>

/* One for each CPU that may start; it finds itself by its APIC id. */
struct smp_record {
	uint32_t apic_id;
	uint32_t uid;
	uint64_t root;      /* for CR3 */
	uint64_t stack_top; /* 0: not to be started */
	_Atomic uint32_t state;
	uint32_t number; /* cpu_current(), valid from SMP_GO on */
};

_Static_assert(sizeof(struct smp_record) == SMP_RECORD_SIZE, "smp_start.S walks them");

/* The page that is copied below 1 MiB, and the words in it that the copy gets. */
extern const char smp_trampoline[], smp_trampoline_end[];
extern const char smp_slot_gdt_base[], smp_slot_far32[], smp_slot_far64[];
extern const char smp_slot_cr3[], smp_slot_cr4[], smp_slot_efer[];
extern const char smp_32[], smp_64[], smp_gdt[];

/* Called by smp_start.S on the CPU's own stack and tables. */
void smp_secondary(struct smp_record *record);
#endif

#endif

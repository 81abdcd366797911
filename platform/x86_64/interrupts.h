// SPDX-License-Identifier: MIT
/*
 * How the files behind platform/irq.h, clock.h and cpu.h share the interrupt hardware.
 */
#ifndef PLATFORM_X86_64_INTERRUPTS_H
#define PLATFORM_X86_64_INTERRUPTS_H

#include <platform/types.h>
#include <platform/x86_64/apic.h>

/* Vectors: 32-47 where a forgotten 8259 would deliver, 48-239 devices, then ours. */
#define VECTOR_PIC_FIRST    0x20u
#define VECTOR_DEVICE_FIRST 0x30u
#define VECTOR_DEVICE_LAST  0xefu
#define VECTOR_TIMER        0xf0u
#define VECTOR_IPI          0xf1u
#define VECTOR_CALIBRATE    0xf2u
#define VECTOR_ERROR        0xfeu
#define VECTOR_SPURIOUS     0xffu

/* The local APIC in the mode this machine uses. */
extern struct apic local_apic;

/* Map and choose the mode; boot CPU. */
void local_apic_init(void);
/* Switch on this CPU's. uid is its ACPI processor number, for NMI inputs. */
void local_apic_enable(uint32_t uid);

/* The 8259s never speak again. */
void pics_silence(void);
/* I/O APICs found and masked. */
void io_apics_init(void);

/* clock.c: this CPU's timer fired; and the frequency of its count. */
void clock_timer_interrupt(void);
void clock_init(void);
/* A CPU that starts later: its timer, and whether its time stamps agree. */
void clock_init_secondary(void);

/* clock_calibrate.c: frequencies in Hz of time stamp and APIC timer, each non-zero. */
struct clock_frequencies {
	uint64_t tsc;
	uint64_t apic_timer;
	const char *source;
};
void clock_calibrate(struct clock_frequencies *frequencies);
void clock_calibration_interrupt(void);

/* smp.c: which CPUs there are; boot CPU first. */
void smp_enumerate(void);
/* Low memory for the start of other CPUs; before mm. */
void smp_reserve_memory(void);
/* APIC id of a running CPU. */
uint32_t smp_apic_id(unsigned cpu);

/* exit.c: map the registers for power-off and reset while that is still easy. */
void power_init(void);

/* irq.c: room for the vectors of a CPU that is about to start; false when memory is short. */
bool irq_vectors_init(unsigned cpu);

/* Interrupts that nobody waited for, by vector, since boot. */
uint64_t interrupts_unexpected(unsigned vector);

#endif

// SPDX-License-Identifier: MIT
/*
 * How the files behind platform/irq.h, clock.h and cpu.h share the interruptions of a CPU.
 * Handlers run with interrupts off, inside interrupt_enter() and interrupt_exit().
 */
#ifndef PLATFORM_S390X_INTERRUPTS_H
#define PLATFORM_S390X_INTERRUPTS_H

#include <platform/types.h>

/* External-interruption codes. */
#define EXTERNAL_CLOCK_COMPARATOR 0x1004u
#define EXTERNAL_CPU_TIMER        0x1005u
#define EXTERNAL_EMERGENCY_SIGNAL 0x1201u
#define EXTERNAL_CALL             0x1202u
#define EXTERNAL_SERVICE_SIGNAL   0x2401u

/* Control register 0: which external interruptions are open, and what the kernel may use. */
#define CR0_LOW_ADDRESS_PROTECTION UINT64_C(0x10000000)
#define CR0_EDAT                   UINT64_C(0x00800000)
#define CR0_INSTRUCTION_PROTECTION UINT64_C(0x00100000)
#define CR0_AFP                    UINT64_C(0x00040000)
#define CR0_VECTOR                 UINT64_C(0x00020000)
#define CR0_EMERGENCY_SIGNAL       UINT64_C(0x00004000)
#define CR0_EXTERNAL_CALL          UINT64_C(0x00002000)
#define CR0_CLOCK_COMPARATOR       UINT64_C(0x00000800)
#define CR0_SERVICE_SIGNAL         UINT64_C(0x00000200)
/* Control register 6: I/O interruption subclass n is open. */
#define CR6_SUBCLASS(n)            (UINT64_C(0x80000000) >> (n))
/* Control register 14: the machine check of external damage. The others that can be masked are
 * reports, which stay closed. */
#define CR14_EXTERNAL_DAMAGE       UINT64_C(0x02000000)

#define CONTROL_REGISTER(n)                                                           \
	static inline uint64_t cr##n##_read(void)                                     \
	{                                                                             \
		uint64_t value;                                                       \
                                                                                      \
		__asm__ volatile("stctg " #n "," #n ",%0" : "=S"(value));             \
		return value;                                                         \
	}                                                                             \
	static inline void cr##n##_write(uint64_t value)                              \
	{                                                                             \
		__asm__ volatile("lctlg " #n "," #n ",%0" : : "S"(value) : "memory"); \
	}

CONTROL_REGISTER(0)
CONTROL_REGISTER(1)
CONTROL_REGISTER(6)
CONTROL_REGISTER(7)
CONTROL_REGISTER(13)
CONTROL_REGISTER(14)
#undef CONTROL_REGISTER

/* Open this CPU for external interruptions, and close it again; I/O stays closed. */
static inline void external_window(void)
{
	uint8_t before;

	__asm__ volatile("stosm %0,1\n\tstnsm %0,0xfc" : "=Q"(before) : : "memory");
}

/* Units of clock_cycles(), the TOD clock. */
#define CLOCK_CYCLES_PER_USEC UINT64_C(4096)

/* clock.c: this CPU's timer fired; the clock of the boot CPU, and of one that starts later. */
void clock_timer_interrupt(void);
void clock_init(void);
void clock_init_secondary(void);

/* smp.c: which CPUs there are; boot CPU first. By platform_memory_init(), translation off. */
void smp_enumerate(void);
/* CPU address (SIGP) of a running CPU. */
uint16_t smp_cpu_address(unsigned cpu);
/* Stop all but this one, wherever they are: they would count as running. Best effort. */
void smp_stop_others(void);

/* Control registers that are alike on all CPUs: masks of external and machine-check
 * interruptions, floating-point registers; access registers. Not translation. Called first on
 * every CPU. */
void cpu_control_init(void);

/* Interruptions that nobody waited for, since boot. */
uint64_t interrupts_unexpected(void);

#endif

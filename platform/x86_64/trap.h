// SPDX-License-Identifier: MIT
/*
 * Exceptions and interrupts of a CPU: the entry frame, the vectors, and reads that may fault.
 */
#ifndef PLATFORM_X86_64_TRAP_H
#define PLATFORM_X86_64_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What vectors.S pushes, lowest address first. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector;
	uint64_t error;
	uint64_t rip, cs, rflags, rsp, ss;
};

enum exception {
	EXCEPTION_DIVIDE,
	EXCEPTION_DEBUG,
	EXCEPTION_NMI,
	EXCEPTION_BREAKPOINT,
	EXCEPTION_OVERFLOW,
	EXCEPTION_BOUND,
	EXCEPTION_INVALID_OPCODE,
	EXCEPTION_NO_FPU,
	EXCEPTION_DOUBLE_FAULT,
	EXCEPTION_STACK = 12,
	EXCEPTION_PROTECTION,
	EXCEPTION_PAGE_FAULT,
	EXCEPTION_FPU = 16,
	EXCEPTION_ALIGNMENT,
	EXCEPTION_MACHINE_CHECK,
	EXCEPTION_SIMD,
	EXCEPTIONS = 32,
};

#define VECTORS 256

/* Fill the interrupt descriptor table; boot CPU, before it becomes read-only. */
void trap_init(void);
/* Use it on this CPU. Interrupts off. */
void trap_load(void);

/* Called by vectors.S. */
void trap_dispatch(struct trap_frame *frame);

/* Vectors from 32 on, in irq.c. */
void interrupt_dispatch(unsigned vector);

/* Exceptions this machine took and went on after: breakpoints, fix-ups, NMIs. */
uint64_t trap_count(unsigned vector);

/*
 * The table of fix-ups (section quire_fixups): a fault at `fault` goes on at `landing` with
 * rax = vector << 32 | low half of the error code. For traps, `fault` is the next instruction.
 */
struct trap_fixup {
	uintptr_t fault;
	uintptr_t landing;
};

/* Accesses that return false instead of faulting. value is then untouched. */
bool probe_read64(const void *address, uint64_t *value);
bool probe_write8(void *address, uint8_t value);
bool probe_msr_read(uint32_t number, uint64_t *value);

/* Registers and a back trace of an interrupted flow to the log. */
void trap_report(const struct trap_frame *frame);
/* "page fault", "vector 77". */
const char *trap_name(unsigned vector);
/* What the error code says, "" when nothing. */
void trap_describe_error(const struct trap_frame *frame, char *text, size_t size);

#endif

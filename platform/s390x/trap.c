// SPDX-License-Identifier: MIT
/*
 * What becomes of an interruption: dispatched, mended by a fix-up, or the end with a report.
 * Source: z/Architecture Principles of Operation, "Interruptions".
 */
#include "trap.h"

#include <platform/cpu.h>
#include <platform/exit.h>
#include <platform/irq.h>
#include <platform/s390x/address_space.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/io_interrupt.h>
#include <platform/s390x/sclp.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/format.h>
#include <kernel/halt_account.h>
#include <kernel/interrupt.h>
#include <kernel/ipi.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/table.h>

#define PROGRAM_CODE_MASK 0x7fu /* without the PER bit */
/* Of the translation-exception identification. */
#define EXCEPTION_ADDRESS ~UINT64_C(0xfff)

/* As kernel/stack_protector.c: to find our own overruns. */
#define STACK_GUARD UINT64_C(0x5175697265a70ff5)

static uint64_t counts[PROGRAM_CODES];
static uint64_t unexpected;
static uint64_t restarts;

extern const char entry_program[], entry_svc[], entry_external[], entry_io[], entry_check[],
	entry_restart[];
extern const struct trap_fixup __start_quire_fixups[], __stop_quire_fixups[];

void trap_lowcore_init(struct lowcore *area, bool dat)
{
	uint64_t closed = PSW_64BIT | (dat ? PSW_DAT : 0);
	uint64_t mask = closed | PSW_MACHINE_CHECK;

	area->stack_guard = STACK_GUARD;
	area->restart_new = (struct psw){closed, (uint64_t)entry_restart};
	area->external_new = (struct psw){mask, (uint64_t)entry_external};
	area->svc_new = (struct psw){mask, (uint64_t)entry_svc};
	area->program_new = (struct psw){mask, (uint64_t)entry_program};
	area->check_new = (struct psw){closed, (uint64_t)entry_check};
	area->io_new = (struct psw){mask, (uint64_t)entry_io};
}

void trap_protect_lowcore(void)
{
	cr0_write(cr0_read() | CR0_LOW_ADDRESS_PROTECTION);
}

uint64_t trap_count(unsigned code)
{
	return code < PROGRAM_CODES ? __atomic_load_n(&counts[code], __ATOMIC_RELAXED) : 0;
}

uint64_t trap_restarts(void)
{
	return __atomic_load_n(&restarts, __ATOMIC_RELAXED);
}

uint64_t interrupts_unexpected(void)
{
	return __atomic_load_n(&unexpected, __ATOMIC_RELAXED);
}

/* Once in words; a device that never stops must not fill the log. */
static void count_unexpected(const char *kind, unsigned code)
{
	if (__atomic_fetch_add(&unexpected, 1, __ATOMIC_RELAXED) == 0)
		log_warn("trap: %s interruption %#x has no handler; further ones are only "
			 "counted",
			 kind, code);
}

static bool is_translation(unsigned code)
{
	return code == PROGRAM_SEGMENT || code == PROGRAM_PAGE ||
	       (code >= PROGRAM_ASCE_TYPE && code <= PROGRAM_REGION_THIRD);
}

/* Translation exceptions nullify: the PSW is still at the instruction. The others leave it
 * behind. */
static uint64_t faulting_instruction(const struct trap_frame *frame)
{
	if (is_translation(frame->code & PROGRAM_CODE_MASK))
		return frame->psw.address;
	return frame->psw.address - (frame->code >> 16);
}

static bool fixup_apply(struct trap_frame *frame)
{
	uint64_t fault = faulting_instruction(frame);

	for (const struct trap_fixup *f = __start_quire_fixups; f < __stop_quire_fixups; f++) {
		if (f->fault != fault)
			continue;
		frame->psw.address = f->landing;
		frame->gpr[2] = frame->code & PROGRAM_CODE_MASK;
		return true;
	}
	return false;
}

/* The stack pointer may be what is wrong: read with care. */
static void chain_link(struct trap_frame *frame)
{
	if (!probe_read64((void *)frame->gpr[15], &frame->chain))
		frame->chain = 0;
}

/* A missing page next to the stack pointer is the guard page of whatever stack that was. */
static bool is_stack_overflow(const struct trap_frame *frame)
{
	uint64_t address = frame->address & EXCEPTION_ADDRESS;
	uint64_t pointer = frame->gpr[15] & EXCEPTION_ADDRESS;

	return is_translation(frame->code & PROGRAM_CODE_MASK) && address >= IMAGE_BASE &&
	       address - (pointer - PAGE_SIZE) <= 2 * PAGE_SIZE;
}

static NORETURN void trap_die(const struct trap_frame *frame)
{
	unsigned code = frame->code & PROGRAM_CODE_MASK;
	char detail[96];

	/* The panic itself went wrong: no second attempt at a report. */
	if (panic_in_progress())
		platform_exit(false);
	trap_report(frame);
	trap_describe_access(frame, detail, sizeof(detail));
	if (is_stack_overflow(frame))
		panic("stack overflow into guard page: psw %#lx, r15 %#lx, cpu %u",
		      frame->psw.address, frame->gpr[15], cpu_current());
	panic("%s%s at psw %#lx, cpu %u", trap_name(code), detail, frame->psw.address,
	      cpu_current());
}

void trap_program(struct trap_frame *frame)
{
	unsigned code = frame->code & PROGRAM_CODE_MASK;

	if (is_translation(code) && address_space_fault(frame->address & EXCEPTION_ADDRESS))
		return;
	__atomic_fetch_add(&counts[code], 1, __ATOMIC_RELAXED);
	if (fixup_apply(frame))
		return;
	chain_link(frame);
	trap_die(frame);
}

void trap_svc(struct trap_frame *frame)
{
	trap_report(frame);
	panic("supervisor call %u at psw %#lx: the kernel makes none", frame->code & 0xffff,
	      frame->psw.address);
}

static void external_dispatch(const struct trap_frame *frame)
{
	switch (frame->code) {
	case EXTERNAL_CLOCK_COMPARATOR:
		clock_timer_interrupt();
		break;
	case EXTERNAL_EMERGENCY_SIGNAL:
	case EXTERNAL_CALL:
		kernel_ipi_interrupt();
		break;
	case EXTERNAL_SERVICE_SIGNAL:
		sclp_interrupt(frame->parameter);
		break;
	default:
		count_unexpected("external", frame->code);
		break;
	}
}

void trap_external(struct trap_frame *frame)
{
	halt_ended();
	/* Whoever waits for an answer may hold the lock of the log, and wants no other thread
	 * here. */
	if (frame->code == EXTERNAL_SERVICE_SIGNAL && sclp_waits_here()) {
		sclp_interrupt(frame->parameter);
		return;
	}
	interrupt_enter();
	external_dispatch(frame);
	interrupt_exit();
}

void trap_io(struct trap_frame *frame)
{
	halt_ended();
	interrupt_enter();
	s390x_io_interrupt(frame->code, frame->parameter, (uint32_t)(frame->address >> 32));
	interrupt_exit();
}

void trap_restart(struct trap_frame *frame)
{
	chain_link(frame);
	__atomic_fetch_add(&restarts, 1, __ATOMIC_RELAXED);
	kernel_nmi_interrupt();
}

/* Only damage gets here: reports that one could live with are masked off (CR14), because their
 * handler could take no lock. */
void trap_machine_check(struct trap_frame *frame)
{
	if (panic_in_progress())
		platform_exit(false);
	frame->code = 0;
	trap_report(frame);
	panic("machine check: interruption code %#lx, failing storage address %#lx, cpu %u: "
	      "the "
	      "hardware is damaged",
	      frame->address, lowcore()->failing_storage_address, cpu_current());
}

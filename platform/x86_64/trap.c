// SPDX-License-Identifier: MIT
/*
 * The interrupt descriptor table, and what becomes of an exception: mended by a fix-up, noted
 * (breakpoint, NMI), or the end with a report. Source of gate layout: Intel SDM volume 3, 6.14.
 */
#include "trap.h"

#include <platform/cpu.h>
#include <platform/exit.h>
#include <platform/x86_64/descriptors.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <kernel/assert.h>
#include <kernel/interrupt.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/table.h>

#define GATE_INTERRUPT   0x8e00u /* present, ring 0, interrupts off */
#define VECTOR_STUB_SIZE 16

#define PAGE_FAULT_PRESENT BIT(0)

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t attributes; /* ist in the low bits */
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

static struct gate idt[VECTORS] ALIGNED(4096) RO_AFTER_INIT;
static uint64_t counts[EXCEPTIONS];

extern const char trap_vectors[];
extern const struct trap_fixup __start_quire_fixups[], __stop_quire_fixups[];

static uint16_t stack_of_vector(unsigned vector)
{
	switch (vector) {
	case EXCEPTION_NMI:
		return IST_NMI;
	case EXCEPTION_DOUBLE_FAULT:
		return IST_DF;
	case EXCEPTION_MACHINE_CHECK:
		return IST_MC;
	case EXCEPTION_DEBUG:
		return IST_DB;
	default:
		return IST_NONE;
	}
}

void trap_init(void)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		uint64_t entry = (uint64_t)(trap_vectors + vector * VECTOR_STUB_SIZE);

		idt[vector] = (struct gate){
			.offset_low = (uint16_t)entry,
			.selector = SELECTOR_KERNEL_CODE,
			.attributes = (uint16_t)(GATE_INTERRUPT | stack_of_vector(vector)),
			.offset_middle = (uint16_t)(entry >> 16),
			.offset_high = (uint32_t)(entry >> 32),
		};
	}
	trap_load();
}

void trap_load(void)
{
	struct descriptor_pointer pointer = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

uint64_t trap_count(unsigned vector)
{
	return vector < EXCEPTIONS ? __atomic_load_n(&counts[vector], __ATOMIC_RELAXED) : 0;
}

static bool fixup_apply(struct trap_frame *frame)
{
	for (const struct trap_fixup *f = __start_quire_fixups; f < __stop_quire_fixups; f++) {
		if (f->fault != frame->rip)
			continue;
		frame->rip = f->landing;
		frame->rax = frame->vector << 32 | (uint32_t)frame->error;
		return true;
	}
	return false;
}

/* A missing page next to the stack pointer is the guard page of whatever stack that was. A
 * push onto it cannot deliver its own page fault: most overflows arrive as a double fault. */
static bool is_stack_overflow(const struct trap_frame *frame)
{
	uint64_t address = cr2_read();

	if (frame->vector != EXCEPTION_DOUBLE_FAULT &&
	    (frame->vector != EXCEPTION_PAGE_FAULT || (frame->error & PAGE_FAULT_PRESENT)))
		return false;
	return address >= DIRECT_MAP_BASE && address - (frame->rsp - PAGE_SIZE) < 2 * PAGE_SIZE;
}

static NORETURN void trap_die(const struct trap_frame *frame)
{
	char detail[96];

	/* The panic itself went wrong: no second attempt at a report. */
	if (panic_in_progress())
		platform_exit(false);
	trap_report(frame);
	trap_describe_error(frame, detail, sizeof(detail));
	if (is_stack_overflow(frame))
		panic("stack overflow into guard page: rip %#lx, rsp %#lx, cpu %u", frame->rip,
		      frame->rsp, cpu_current());
	panic("%s%s at rip %#lx, cpu %u", trap_name((unsigned)frame->vector), detail,
	      frame->rip, cpu_current());
}

void trap_dispatch(struct trap_frame *frame)
{
	if (frame->vector >= EXCEPTIONS) {
		interrupt_dispatch((unsigned)frame->vector);
		return;
	}
	__atomic_fetch_add(&counts[frame->vector], 1, __ATOMIC_RELAXED);
	if (frame->vector == EXCEPTION_NMI) {
		kernel_nmi_interrupt();
		return;
	}
	if (fixup_apply(frame))
		return;
	if (frame->vector != EXCEPTION_BREAKPOINT)
		trap_die(frame);
	log_warn("trap: breakpoint instruction; going on behind it");
	trap_report(frame);
}

// SPDX-License-Identifier: MIT
/*
 * Exceptions in words. Source of names and error codes: Intel SDM volume 3, 6.3 and 6.13.
 */
#include "trap.h"

#include <platform/context.h>
#include <platform/x86_64/x86.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <kernel/panic.h>

#define BACKTRACE_MAX 24

static const char *const names[EXCEPTIONS] = {
	"divide error",
	"debug exception",
	"non-maskable interrupt",
	"breakpoint",
	"overflow",
	"bound range exceeded",
	"invalid opcode",
	"no FPU",
	"double fault",
	"coprocessor segment overrun",
	"invalid TSS",
	"segment not present",
	"stack segment fault",
	"general protection fault",
	"page fault",
	"reserved exception 15",
	"x87 floating-point error",
	"alignment check",
	"machine check",
	"SIMD floating-point error",
	"virtualisation exception",
	"control protection exception",
	"reserved exception 22",
	"reserved exception 23",
	"reserved exception 24",
	"reserved exception 25",
	"reserved exception 26",
	"reserved exception 27",
	"hypervisor injection exception",
	"VMM communication exception",
	"security exception",
	"reserved exception 31",
};

const char *trap_name(unsigned vector)
{
	return vector < EXCEPTIONS ? names[vector] : "interrupt";
}

static void describe_page_fault(const struct trap_frame *frame, char *text, size_t size)
{
	uint64_t error = frame->error;
	const char *access = error & BIT(4) ? "execute" : error & BIT(1) ? "write" : "read";
	const char *reason = !(error & BIT(0)) ? "not mapped"
			     : error & BIT(3)  ? "reserved bit set"
					       : "forbidden";

	format(text, size, ": %s of %#lx, %s%s", access, cr2_read(), reason,
	       error & BIT(2) ? ", from user mode" : "");
}

void trap_describe_error(const struct trap_frame *frame, char *text, size_t size)
{
	static const char *const tables[] = {"GDT", "IDT", "LDT", "IDT"};

	text[0] = 0;
	switch (frame->vector) {
	case EXCEPTION_PAGE_FAULT:
		describe_page_fault(frame, text, size);
		break;
	case 10:
	case 11:
	case EXCEPTION_STACK:
	case EXCEPTION_PROTECTION:
		if (frame->error)
			format(text, size, ": %s entry %lu%s", tables[frame->error >> 1 & 3],
			       frame->error >> 3 & 0x1fff,
			       frame->error & 1 ? ", by an external event" : "");
		break;
	default:
		break;
	}
}

void trap_report(const struct trap_frame *f)
{
	uintptr_t addresses[BACKTRACE_MAX];

	log_error("trap: %s, error %#lx, rip %02lx:%016lx, rflags %08lx, rsp %02lx:%016lx",
		  trap_name((unsigned)f->vector), f->error, f->cs, f->rip, f->rflags, f->ss,
		  f->rsp);
	log_error("  rax %016lx rbx %016lx rcx %016lx rdx %016lx", f->rax, f->rbx, f->rcx,
		  f->rdx);
	log_error("  rsi %016lx rdi %016lx rbp %016lx r8  %016lx", f->rsi, f->rdi, f->rbp,
		  f->r8);
	log_error("  r9  %016lx r10 %016lx r11 %016lx r12 %016lx", f->r9, f->r10, f->r11,
		  f->r12);
	log_error("  r13 %016lx r14 %016lx r15 %016lx", f->r13, f->r14, f->r15);
	log_error("  cr0 %016lx cr2 %016lx cr3 %016lx cr4 %016lx", cr0_read(), cr2_read(),
		  cr3_read(), cr4_read());
	/* A panic prints a back trace of its own, through the frame that vectors.S made up. */
	if (f->vector == EXCEPTION_BREAKPOINT)
		backtrace_print(addresses, context_backtrace(addresses, BACKTRACE_MAX));
}

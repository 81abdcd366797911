// SPDX-License-Identifier: MIT
/*
 * Program interruptions in words. Source of names and of the translation-exception
 * identification: z/Architecture Principles of Operation, "Program interruption" and "Assigned
 * storage locations".
 */
#include "trap.h"

#include <platform/s390x/interrupts.h>
#include <kernel/bits.h>
#include <kernel/format.h>
#include <kernel/log.h>

/* Of the translation-exception identification. */
#define TEID_STORE       UINT64_C(0x400)
#define TEID_FETCH       UINT64_C(0x800)
#define TEID_INSTRUCTION UINT64_C(0x80) /* with TEID_KNOWN: execution was forbidden */
#define TEID_KNOWN       UINT64_C(0x04)

static const char *const names[] = {
	[PROGRAM_OPERATION] = "operation exception",
	[PROGRAM_PRIVILEGED] = "privileged-operation exception",
	[0x03] = "execute exception",
	[PROGRAM_PROTECTION] = "protection exception",
	[PROGRAM_ADDRESSING] = "addressing exception",
	[PROGRAM_SPECIFICATION] = "specification exception",
	[PROGRAM_DATA] = "data exception",
	[0x08] = "fixed-point overflow",
	[PROGRAM_FIXED_DIVIDE] = "fixed-point divide exception",
	[0x0a] = "decimal overflow",
	[0x0b] = "decimal divide exception",
	[PROGRAM_SEGMENT] = "segment translation exception",
	[PROGRAM_PAGE] = "page translation exception",
	[PROGRAM_TRANSLATION_SPECIFICATION] = "translation-specification exception",
	[0x13] = "special-operation exception",
	[0x15] = "operand exception",
	[0x1b] = "vector-processing exception",
	[PROGRAM_ASCE_TYPE] = "ASCE-type exception",
	[PROGRAM_REGION_FIRST] = "region-first translation exception",
	[PROGRAM_REGION_SECOND] = "region-second translation exception",
	[PROGRAM_REGION_THIRD] = "region-third translation exception",
};

const char *trap_name(unsigned code)
{
	return code < ARRAY_SIZE(names) && names[code] ? names[code] : "program interruption";
}

static bool has_address(unsigned code)
{
	return code == PROGRAM_PROTECTION || code == PROGRAM_SEGMENT || code == PROGRAM_PAGE ||
	       (code >= PROGRAM_ASCE_TYPE && code <= PROGRAM_REGION_THIRD);
}

void trap_describe_access(const struct trap_frame *frame, char *text, size_t size)
{
	unsigned code = frame->code & (PROGRAM_CODES - 1);
	uint64_t id = frame->address;
	const char *access = id & TEID_STORE   ? "store to"
			     : id & TEID_FETCH ? "fetch from"
					       : "of";

	text[0] = 0;
	if (!has_address(code))
		return;
	if (code == PROGRAM_PROTECTION && (id & TEID_KNOWN) && (id & TEID_INSTRUCTION))
		access = "execution in";
	/* Bits 0-51 are known: the page. */
	format(text, size, ": %s page %#lx", access, (unsigned long)(id & ~(PAGE_SIZE - 1)));
}

static void report_control_registers(void)
{
	uint64_t control[16];

	__asm__ volatile("stctg 0,15,%0" : "=S"(control));
	for (unsigned i = 0; i < 16; i += 4)
		log_error("  c%-2u %016lx %016lx %016lx %016lx", i, control[i], control[i + 1],
			  control[i + 2], control[i + 3]);
}

static void report_access_registers(void)
{
	uint32_t access[16];

	__asm__ volatile("stam 0,15,%0" : "=Q"(access));
	for (unsigned i = 0; i < 16; i += 8)
		log_error("  a%-2u %08x %08x %08x %08x %08x %08x %08x %08x", i, access[i],
			  access[i + 1], access[i + 2], access[i + 3], access[i + 4],
			  access[i + 5], access[i + 6], access[i + 7]);
}

void trap_report(const struct trap_frame *f)
{
	unsigned code = f->code & (PROGRAM_CODES - 1);

	log_error("trap: %s %#x, length %u, psw %016lx %016lx", trap_name(code), code,
		  f->code >> 16, f->psw.mask, f->psw.address);
	for (unsigned i = 0; i < 16; i += 4)
		log_error("  r%-2u %016lx %016lx %016lx %016lx", i, f->gpr[i], f->gpr[i + 1],
			  f->gpr[i + 2], f->gpr[i + 3]);
	report_control_registers();
	report_access_registers();
	log_error("  translation exception %016lx, access id %02x, data exception %02x, "
		  "came from %#lx",
		  f->address, f->access_ids[0], f->data_exception_code, f->breaking);
}

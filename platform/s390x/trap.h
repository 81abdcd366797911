// SPDX-License-Identifier: MIT
/*
 * Interruptions of a CPU: the entry frame, the new PSWs, and accesses that may fault.
 */
#ifndef PLATFORM_S390X_TRAP_H
#define PLATFORM_S390X_TRAP_H

#include <platform/s390x/lowcore.h>

/* What entry.S puts on the stack above the room a C function may use. */
struct trap_frame {
	uint64_t gpr[16];
	struct psw psw;
	uint32_t code; /* program: length << 16 | code; external: code */
	uint32_t parameter;
	uint64_t address;    /* program: translation-exception identification */
	uint64_t breaking;   /* program: where control came from */
	uint64_t access_ids; /* program: exception access id, data-exception code */
};

/* Program interruption codes, bits 9-15 of the code. */
enum program_code {
	PROGRAM_OPERATION = 0x01,
	PROGRAM_PRIVILEGED = 0x02,
	PROGRAM_PROTECTION = 0x04,
	PROGRAM_ADDRESSING = 0x05,
	PROGRAM_SPECIFICATION = 0x06,
	PROGRAM_DATA = 0x07,
	PROGRAM_FIXED_DIVIDE = 0x09,
	PROGRAM_SEGMENT = 0x10,
	PROGRAM_PAGE = 0x11,
	PROGRAM_TRANSLATION_SPECIFICATION = 0x12,
	PROGRAM_ASCE_TYPE = 0x38,
	PROGRAM_REGION_FIRST = 0x39,
	PROGRAM_REGION_SECOND = 0x3a,
	PROGRAM_REGION_THIRD = 0x3b,
	PROGRAM_CODES = 0x80,
};

/*
 * Fill the new PSWs of a lowcore that this CPU can write, with translation on if `dat`. The
 * rest of our words are the caller's. Boot CPU before translation, every other before it
 * starts.
 */
void trap_lowcore_init(struct lowcore *area, bool dat);

/* Low-address protection on this CPU: stores to the machine's part of the lowcore trap from now
 * on. Once the final address space is in force. */
void trap_protect_lowcore(void);

/* Called by entry.S, each with its kind of frame. */
void trap_program(struct trap_frame *frame);
void trap_external(struct trap_frame *frame);
void trap_io(struct trap_frame *frame);
void trap_svc(struct trap_frame *frame);
void trap_machine_check(struct trap_frame *frame);
void trap_restart(struct trap_frame *frame);

/* Program interruptions this machine took and went on after, by code. */
uint64_t trap_count(unsigned code);

/*
 * The table of fix-ups (section quire_fixups): a program interruption by the instruction at
 * `fault` goes on at `landing` with r2 = program code.
 */
struct trap_fixup {
	uintptr_t fault;
	uintptr_t landing;
};

/* Accesses that return false instead of faulting. value is then untouched. */
bool probe_read64(const void *address, uint64_t *value);
bool probe_write8(void *address, uint8_t value);

/* Registers and where they were, to the log. */
void trap_report(const struct trap_frame *frame);
/* "page translation", "program interruption 77". */
const char *trap_name(unsigned code);

#endif

// SPDX-License-Identifier: MIT
/*
 * Interruptions of a CPU: the entry frame, the new PSWs, and accesses that may fault.
 */
#ifndef PLATFORM_S390X_TRAP_H
#define PLATFORM_S390X_TRAP_H

#include <platform/s390x/lowcore.h>

/* Stack frames (s390x ELF ABI): the caller's frame, with -mbackchain; and where a function
 * keeps its return address, in its caller's frame. */
#define FRAME_SIZE           160
#define FRAME_CHAIN          0
#define FRAME_RETURN_ADDRESS 112

/* Room that a program interruption needs on the stack it came from. */
#define TRAP_ROOM 4096

/* Offsets in struct trap_frame. */
#define TRAP_FRAME_PSW  104
#define TRAP_FRAME_GPR  120
#define TRAP_FRAME_SIZE 248

#ifndef __ASSEMBLER__
/*
 * What entry.S puts on the stack. It begins as a stack frame does, whose caller's frame is
 * `chain` and whose return address is the interrupted one: back traces walk through it.
 */
struct trap_frame {
	uint64_t chain;
	uint32_t code; /* program: length << 16 | code; external: code; I/O: subchannel id */
	uint32_t parameter; /* external, I/O */
	uint64_t address;   /* program: translation-exception identification; I/O: word << 32 */
	uint64_t breaking;  /* program: where control came from */
	uint32_t data_exception_code;
	uint8_t access_ids[4]; /* exception, PER, operand access */
	uint64_t reserved[8];
	struct psw psw;
	uint64_t gpr[16];
};

_Static_assert(offsetof(struct trap_frame, psw) == TRAP_FRAME_PSW, "entry.S fills it");
_Static_assert(offsetof(struct trap_frame, psw.address) == FRAME_RETURN_ADDRESS,
	       "as in any frame");
_Static_assert(offsetof(struct trap_frame, gpr) == TRAP_FRAME_GPR, "entry.S fills it");
_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_SIZE, "entry.S makes it");

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
_Noreturn void trap_svc(struct trap_frame *frame);
_Noreturn void trap_machine_check(struct trap_frame *frame);
void trap_restart(struct trap_frame *frame);

/* Program interruptions this machine took and went on after, by code; and restarts. */
uint64_t trap_count(unsigned code);
uint64_t trap_restarts(void);

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
/* Without translation: of `count` real addresses from `address` on, `step` bytes apart, how
 * many in a row have storage? (TEST PROTECTION) */
uint64_t probe_storage(uint64_t address, uint64_t step, uint64_t count);

/* Return addresses from the frame of a function outwards: at most max. */
size_t backtrace_from(uint64_t frame, uintptr_t *addresses, size_t max);

/* Registers and where they were, to the log. */
void trap_report(const struct trap_frame *frame);
/* What access a program interruption forbade, "" when it was none. */
void trap_describe_access(const struct trap_frame *frame, char *text, size_t size);
/* "page translation exception". */
const char *trap_name(unsigned code);

#endif

#endif

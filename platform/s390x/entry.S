/* SPDX-License-Identifier: MIT */
/*
 * Where the new PSWs lead. Each entry keeps the registers in its own part of the lowcore, finds
 * a stack, builds a struct trap_frame on it and calls a C function. All begin with interrupts
 * off; machine check and restart have a stack of their own, because nothing masks them.
 */
#include <platform/s390x/trap.h>

	.section .text.vectors, "ax"

	/* r15 = a stack: the one in use if it is [from, end) and has room, or else the end of
	 * that; go on at \found when it was that one. Changes r1. */
	.macro stack_stay from, end, room, found
	lgr %r1, %r15
	aghi %r1, -(\room)
	clg %r1, \from(%r0)
	jl 1f
	clg %r15, \end(%r0)
	jnh \found
1:
	.endm

	/* The frame of a kind of interruption: registers and old PSW; r2 = the frame, r15 below. */
	.macro frame_make save, old
	aghi %r15, -TRAP_FRAME_SIZE
	mvc TRAP_FRAME_GPR(128, %r15), \save(%r0)
	mvc TRAP_FRAME_PSW(16, %r15), \old(%r0)
	xc 0(TRAP_FRAME_PSW, %r15), 0(%r15)
	lgr %r2, %r15
	aghi %r15, -FRAME_SIZE
	stg %r2, FRAME_CHAIN(%r15)
	.endm

	/* Back to what was interrupted, through a PSW in the lowcore. */
	.macro frame_leave psw
	mvc \psw(16, %r0), FRAME_SIZE + TRAP_FRAME_PSW(%r15)
	lmg %r0, %r15, FRAME_SIZE + TRAP_FRAME_GPR(%r15)
	lpswe \psw(%r0)
	.endm

	.balign 8
	.globl entry_program
entry_program:
	stmg %r0, %r15, LOWCORE_SAVE_PROGRAM(%r0)
	stack_stay LOWCORE_STACK, LOWCORE_STACK_END, TRAP_ROOM, 2f
	stack_stay LOWCORE_EMERGENCY, LOWCORE_EMERGENCY_END, TRAP_FRAME_SIZE, 2f
	lg %r15, LOWCORE_EMERGENCY_END(%r0)
2:	frame_make LOWCORE_SAVE_PROGRAM, LOWCORE_PROGRAM_OLD
	mvc 8(4, %r2), LOWCORE_PROGRAM_CODE(%r0)
	mvc 16(8, %r2), LOWCORE_TRANSLATION(%r0)
	mvc 24(8, %r2), LOWCORE_BREAKING(%r0)
	mvc 32(4, %r2), LOWCORE_DATA_EXCEPTION(%r0)
	mvc 36(4, %r2), LOWCORE_ACCESS_IDS(%r0)
	brasl %r14, trap_program
	frame_leave LOWCORE_RETURN_PSW

	/* A call from the kernel to itself: always a mistake. */
	.balign 8
	.globl entry_svc
entry_svc:
	stmg %r0, %r15, LOWCORE_SAVE_PROGRAM(%r0)
	lg %r15, LOWCORE_EMERGENCY_END(%r0)
	frame_make LOWCORE_SAVE_PROGRAM, LOWCORE_SVC_OLD
	mvc 8(4, %r2), LOWCORE_SVC_CODE(%r0)
	brasl %r14, trap_svc

	/* On the stack of whoever was interrupted, who stands in a function: its frame is the
	 * next of the chain. The wait bit goes away: the sleeper wakes. */
	.macro interrupt_entry old
	stmg %r0, %r15, LOWCORE_SAVE_INTERRUPT(%r0)
	lgr %r3, %r15
	frame_make LOWCORE_SAVE_INTERRUPT, \old
	ni TRAP_FRAME_PSW + 1(%r2), 0xff - PSW_WAIT_BYTE
	mvc FRAME_CHAIN(8, %r2), FRAME_CHAIN(%r3)
	.endm

	.balign 8
	.globl entry_external
entry_external:
	interrupt_entry LOWCORE_EXTERNAL_OLD
	mvc 10(2, %r2), LOWCORE_EXTERNAL_CODE(%r0)
	mvc 12(4, %r2), LOWCORE_EXTERNAL_PARAMETER(%r0)
	brasl %r14, trap_external
	frame_leave LOWCORE_RETURN_PSW

	.balign 8
	.globl entry_io
entry_io:
	interrupt_entry LOWCORE_IO_OLD
	mvc 8(4, %r2), LOWCORE_SUBCHANNEL(%r0)
	mvc 12(4, %r2), LOWCORE_IO_PARAMETER(%r0)
	mvc 16(4, %r2), LOWCORE_IO_WORD(%r0)
	brasl %r14, trap_io
	frame_leave LOWCORE_RETURN_PSW

	/* The end of this CPU or of the kernel. */
	.balign 8
	.globl entry_check
entry_check:
	stmg %r0, %r15, LOWCORE_SAVE_CHECK(%r0)
	stack_stay LOWCORE_CHECK_STACK, LOWCORE_CHECK_STACK_END, TRAP_FRAME_SIZE, 2f
	lg %r15, LOWCORE_CHECK_STACK_END(%r0)
2:	frame_make LOWCORE_SAVE_CHECK, LOWCORE_CHECK_OLD
	mvc 16(8, %r2), LOWCORE_CHECK_CODE(%r0)
	brasl %r14, trap_machine_check

	/* A restart signal from another CPU or from the operator. */
	.balign 8
	.globl entry_restart
entry_restart:
	stmg %r0, %r15, LOWCORE_SAVE_RESTART(%r0)
	stack_stay LOWCORE_CHECK_STACK, LOWCORE_CHECK_STACK_END, TRAP_FRAME_SIZE, 2f
	lg %r15, LOWCORE_CHECK_STACK_END(%r0)
2:	frame_make LOWCORE_SAVE_RESTART, LOWCORE_RESTART_OLD
	brasl %r14, trap_restart
	frame_leave LOWCORE_CHECK_RETURN

/* Accesses that may fault: struct trap_fixup in trap.h. */
	.macro fixup at, to
	.pushsection quire_fixups, "a"
	.quad \at, \to
	.popsection
	.endm

	.text

/* bool probe_read64(const void *address, uint64_t *value) */
	.balign 8
	.globl probe_read64
	.type probe_read64, @function
probe_read64:
1:	lg %r1, 0(%r2)
	stg %r1, 0(%r3)
	lghi %r2, 1
	br %r14
2:	lghi %r2, 0
	br %r14
	fixup 1b, 2b

/* bool probe_write8(void *address, uint8_t value) */
	.balign 8
	.globl probe_write8
	.type probe_write8, @function
probe_write8:
1:	stc %r3, 0(%r2)
	lghi %r2, 1
	br %r14
2:	lghi %r2, 0
	br %r14
	fixup 1b, 2b

/* uint64_t probe_storage(uint64_t address, uint64_t step, uint64_t count): four instructions a
 * step, as a large machine has many */
	.balign 8
	.globl probe_storage
	.type probe_storage, @function
probe_storage:
	lghi %r0, 0
	ltgr %r4, %r4
	jz 2f
1:	tprot 0(%r2), 0
	algr %r2, %r3
	aghi %r0, 1
	brctg %r4, 1b
2:	lgr %r2, %r0
	br %r14
	fixup 1b, 2b

	.section .note.GNU-stack, "", @progbits

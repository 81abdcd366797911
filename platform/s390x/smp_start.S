/* SPDX-License-Identifier: MIT */
/*
 * First instructions of a CPU that SIGP restarts: its prefix is set, translation is off, and its
 * lowcore says which tables and which stack are its own.
 */
#include <platform/s390x/lowcore.h>

	.text
	.balign 8
	.globl smp_start
smp_start:
	larl %r1, smp_control
	lctlg %c0, %c1, 0(%r1)
	stosm LOWCORE_RETURN_PSW(%r0), SYSTEM_MASK_DAT
	lg %r15, LOWCORE_STACK_END(%r0)
	/* The stack protector's block is at address 0, in the lowcore. */
	lhi %r0, 0
	sar %a0, %r0
	sar %a1, %r0
	aghi %r15, -160
	xc 0(8, %r15), 0(%r15)
	brasl %r14, smp_secondary
1:	j 1b

	.section .note.GNU-stack, "", @progbits

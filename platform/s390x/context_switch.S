/* SPDX-License-Identifier: MIT */
/*
 * From one kernel stack to another: the registers that the calling convention keeps stand in a
 * frame on the stack, its address in struct context.
 */
#include <platform/s390x/trap.h>

	.text

/* void context_switch(struct context *from, struct context *to) */
	.balign 8
	.globl context_switch
	.type context_switch, @function
context_switch:
	lgr %r1, %r15
	aghi %r15, -FRAME_SIZE
	stg %r1, FRAME_CHAIN(%r15)
	stmg %r6, %r14, 48(%r15)
	stg %r1, 120(%r15)
	stg %r15, 0(%r2)
	lg %r15, 0(%r3)
	lmg %r6, %r15, 48(%r15)
	br %r14

/* First return of a new context: r6 = function, r7 = argument. */
	.balign 8
	.globl context_begin
	.type context_begin, @function
context_begin:
	lgr %r2, %r7
	lghi %r14, 0
	br %r6

	.section .note.GNU-stack, "", @progbits

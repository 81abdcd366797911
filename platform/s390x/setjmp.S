// SPDX-License-Identifier: MIT
/*
 * setjmp and longjmp, which newlib has for no s390x. The buffer holds what a call preserves by
 * the ELF ABI supplement: r6 to r15, then f8 to f15. Kernel code puts back the floating-point
 * registers it found, as it owns none.
 */
	.text
	.globl	setjmp, longjmp
	.type	setjmp, @function
	.type	longjmp, @function

setjmp:
	stmg	%r6, %r15, 0(%r2)
	std	%f8, 80(%r2)
	std	%f9, 88(%r2)
	std	%f10, 96(%r2)
	std	%f11, 104(%r2)
	std	%f12, 112(%r2)
	std	%f13, 120(%r2)
	std	%f14, 128(%r2)
	std	%f15, 136(%r2)
	lghi	%r2, 0
	br	%r14
	.size	setjmp, . - setjmp

longjmp:
	lmg	%r6, %r15, 0(%r2)
	ld	%f8, 80(%r2)
	ld	%f9, 88(%r2)
	ld	%f10, 96(%r2)
	ld	%f11, 104(%r2)
	ld	%f12, 112(%r2)
	ld	%f13, 120(%r2)
	ld	%f14, 128(%r2)
	ld	%f15, 136(%r2)
	/* setjmp returns 1 where 0 was asked for. */
	lgfr	%r2, %r3
	ltgr	%r2, %r2
	bnzr	%r14
	lghi	%r2, 1
	br	%r14
	.size	longjmp, . - longjmp
	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * From one kernel stack to another: the registers that the calling convention keeps stand on
 * the stack, its address in struct context.
 */
	.text
	.code64

/* void context_switch(struct context *from, struct context *to) */
	.globl context_switch
	.type context_switch, @function
context_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq (%rsi), %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* First return of a new context: rbx = argument, r12 = function. The padding of the frame is the
 * function's return address: 0, where back traces end, and the stack is aligned as after a call. */
	.globl context_begin
	.type context_begin, @function
context_begin:
	movq %rbx, %rdi
	xorl %ebp, %ebp
	jmp *%r12

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * The 256 entry points. Each brings the stack to the form of struct trap_frame and calls
 * trap_dispatch(). A made-up frame (return address, frame pointer) in front of the call lets a
 * back trace walk through the interruption. Kernel code uses neither GS nor FS, so entry from
 * user mode needs no swap.
 */
	.section .text.vectors, "ax"
	.code64

	.balign 16
	.globl trap_vectors
trap_vectors:
	.set vector, 0
	.rept 256
	.balign 16
	.if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || \
	    vector == 29 || vector == 30
	/* the CPU pushed an error code */
	.else
	pushq $0
	.endif
	pushq $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

	.globl trap_common
trap_common:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	pushq 136(%rsp)
	pushq %rbp
	movq %rsp, %rbp
	call trap_dispatch
	addq $16, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
	iretq

/* Reads and writes that may fault: struct trap_fixup in trap.h. */
	.macro fixup at, to
	.pushsection quire_fixups, "a"
	.quad \at, \to
	.popsection
	.endm

	.text

/* bool probe_read64(const void *address, uint64_t *value) */
	.globl probe_read64
	.type probe_read64, @function
probe_read64:
1:	movq (%rdi), %rax
	movq %rax, (%rsi)
	movl $1, %eax
	ret
2:	xorl %eax, %eax
	ret
	fixup 1b, 2b

/* bool probe_write8(void *address, uint8_t value) */
	.globl probe_write8
	.type probe_write8, @function
probe_write8:
1:	movb %sil, (%rdi)
	movl $1, %eax
	ret
2:	xorl %eax, %eax
	ret
	fixup 1b, 2b

/* bool probe_msr_read(uint32_t number, uint64_t *value) */
	.globl probe_msr_read
	.type probe_msr_read, @function
probe_msr_read:
	movl %edi, %ecx
1:	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, (%rsi)
	movl $1, %eax
	ret
2:	xorl %eax, %eax
	ret
	fixup 1b, 2b

	.section .note.GNU-stack, "", @progbits

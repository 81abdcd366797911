/* SPDX-License-Identifier: MIT */
/*
 * How another CPU gets from its reset to C. The first part is copied to a page below 1 MiB and
 * starts there in real mode; smp.c fills in its slots. It switches to the transition tables,
 * which hold both an identity map of the first 2 MiB and the kernel half, and jumps to link
 * addresses. The second part finds the CPU's record by its APIC id and moves onto the CPU's own
 * tables and stack. Nothing here is shared for writing: any number of CPUs may pass at a time.
 */
#include <platform/x86_64/smp.h>

#define MSR_EFER      0xc0000080
#define CR0_PE        (1 << 0)
#define CR0_PG_WP     ((1 << 31) | (1 << 16))
#define OFFSET(label) ((label) - smp_trampoline)

	.section .rodata
	.balign 16
	.globl smp_trampoline, smp_trampoline_end
	.globl smp_slot_gdt_base, smp_slot_far32, smp_slot_far64
	.globl smp_slot_cr3, smp_slot_cr4, smp_slot_efer, smp_32, smp_64, smp_gdt
	.code16
smp_trampoline:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx
	lgdtl OFFSET(gdt_pointer)
	movl %cr0, %eax
	orl $CR0_PE, %eax
	movl %eax, %cr0
	ljmpl *OFFSET(smp_slot_far32)

	.code32
smp_32:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl OFFSET(smp_slot_cr4)(%ebx), %eax
	movl %eax, %cr4
	movl OFFSET(smp_slot_cr3)(%ebx), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	rdmsr
	orl OFFSET(smp_slot_efer)(%ebx), %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG_WP, %eax
	movl %eax, %cr0
	ljmpl *OFFSET(smp_slot_far64)(%ebx)

	.code64
smp_64:
	movq entry(%rip), %rax
	jmp *%rax

	.balign 8
smp_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff /* 8: 32-bit code */
	.quad 0x00cf93000000ffff /* 16: data */
	.quad 0x00af9b000000ffff /* 24: 64-bit code */
gdt_pointer:
	.word . - smp_gdt - 1
smp_slot_gdt_base:
	.long 0
	.balign 8
smp_slot_far32:
	.long 0
	.word 8
	.balign 8
smp_slot_far64:
	.long 0
	.word 24
	.balign 8
smp_slot_cr3:
	.long 0
smp_slot_cr4:
	.long 0
smp_slot_efer:
	.long 0
	.balign 8
entry:	.quad smp_entry
smp_trampoline_end:

	.text
	.code64
/* r8d = this CPU's APIC id: leaf 11 has all of it, leaf 1 the low 8 bits. */
smp_entry:
	xorl %eax, %eax
	cpuid
	cmpl $11, %eax
	jb 1f
	movl $11, %eax
	xorl %ecx, %ecx
	cpuid
	movl %edx, %r8d
	testl %ebx, %ebx
	jnz 2f
1:	movl $1, %eax
	cpuid
	shrl $24, %ebx
	movl %ebx, %r8d
2:	movq $smp_records, %rdi
	movl smp_record_count, %ecx
3:	testl %ecx, %ecx
	jz 5f
	cmpl %r8d, SMP_RECORD_APIC_ID(%rdi)
	je 4f
	addq $SMP_RECORD_SIZE, %rdi
	decl %ecx
	jmp 3b
4:	movq SMP_RECORD_STACK(%rdi), %rsp
	testq %rsp, %rsp
	jz 5f
	movq SMP_RECORD_ROOT(%rdi), %rax
	movq %rax, %cr3
	xorl %ebp, %ebp
	call smp_secondary
	/* Nobody asked for this CPU. */
5:	cli
	hlt
	jmp 5b

	.section .note.GNU-stack, "", @progbits

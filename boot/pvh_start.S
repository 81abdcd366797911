/* SPDX-License-Identifier: MIT */
/*
 * Direct boot: where a hypervisor that follows the PVH layout (QEMU -kernel, Cloud Hypervisor,
 * Firecracker) enters the kernel, and the way from there to 64-bit mode. The note names the
 * physical entry point. State at entry (published PVH layout): 32-bit protected mode, flat
 * segments, no paging, interrupts off, ebx = physical address of the start info.
 *
 * The image lies where its program headers say, so physical addresses are link addresses minus
 * KERNEL_BASE. Five levels are chosen where the CPU has them; platform/x86_64 follows CR4.
 */
#include <platform/x86_64/layout.h>

#define PHYS(symbol) ((symbol) - KERNEL_BASE)

#define CR0_PG      (1 << 31)
#define CR4_PAE     (1 << 5)
#define CR4_LA57    (1 << 12)
#define MSR_EFER    0xc0000080
#define EFER_LME    (1 << 8)
#define LEAF_LA57   (1 << 16)
#define TABLE_ENTRY 0x3  /* present, writable */
#define LARGE_ENTRY 0x83 /* the same, 2 MiB */

	.section .note.pvh, "a", @note
	.balign 4
	.long 4           /* name, with its 0 */
	.long 8           /* value */
	.long 18          /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.balign 4
	.quad pvh_start_phys

	/* An identity map of the first GiB, left again by entry.S. */
	.section .pvh_tables, "aw", @nobits
	.balign 4096
pvh_level5:	.skip 4096
pvh_level4:	.skip 4096
pvh_level3:	.skip 4096
pvh_level2:	.skip 4096

	.section .rodata
	.balign 8
pvh_gdt:
	.quad 0
	.quad 0x00af9a000000ffff /* 8: 64-bit code */
	.quad 0x00cf92000000ffff /* 16: data */
pvh_gdt_pointer:
	.word . - pvh_gdt - 1
	.long PHYS(pvh_gdt)

	.section .text.entry, "ax"
	.code32
	.globl pvh_start
pvh_start:
	cli
	cld
	movl %ebx, %ebp

	movl $PHYS(pvh_level5), %edi
	xorl %eax, %eax
	movl $(4 * 4096 / 4), %ecx
	rep stosl

	movl $(PHYS(pvh_level4) + TABLE_ENTRY), PHYS(pvh_level5)
	movl $(PHYS(pvh_level3) + TABLE_ENTRY), PHYS(pvh_level4)
	movl $(PHYS(pvh_level2) + TABLE_ENTRY), PHYS(pvh_level3)
	movl $LARGE_ENTRY, %eax
	xorl %ecx, %ecx
1:	movl %eax, PHYS(pvh_level2)(, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $512, %ecx
	jne 1b

	movl %cr4, %esi
	orl $CR4_PAE, %esi
	movl $PHYS(pvh_level4), %edi
	xorl %eax, %eax
	cpuid
	cmpl $7, %eax
	jb 2f
	movl $7, %eax
	xorl %ecx, %ecx
	cpuid
	testl $LEAF_LA57, %ecx
	jz 2f
	orl $CR4_LA57, %esi
	movl $PHYS(pvh_level5), %edi
2:	movl %esi, %cr4
	movl %edi, %cr3

	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	wrmsr
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	lgdt PHYS(pvh_gdt_pointer)
	ljmp $8, $PHYS(3f)

	.code64
3:	movl %ebp, %edi
	movl $1, %edx
	jmp kernel_entry

	.section .note.GNU-stack, "", @progbits

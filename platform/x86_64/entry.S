/* SPDX-License-Identifier: MIT */
/*
 * The first 64-bit instructions, common to all loaders. Runs at any physical address that is a
 * multiple of 2 MiB below 4 GiB, on the loader's identity map, so every address here is taken
 * relative to rip until the jump to link addresses. Builds the early address space in .bss:
 * identity and direct map of the first 4 GiB (512 GiB where the CPU has 1 GiB pages), the
 * image, and the boot CPU's private pages that exceptions need. address_space.c replaces it.
 *
 * In: rdi = what the loader hands over (physical), edx = 0 struct boot_info, 1 PVH start info.
 */
#include <platform/x86_64/layout.h>

#define CR4_LA57       (1 << 12)
#define FEATURE_1GIB   (1 << 26) /* CPUID 0x80000001 edx */
#define TABLE_ENTRY    0x3       /* present, writable */
#define LARGE_ENTRY    0x83
#define LARGE_PAGE     0x200000
#define GIGANTIC_PAGE  0x40000000
#define LOW_GIBS       4
#define BOOT_STACK     0x8000

	.section .bss
	.balign 4096
early_level5:	.skip 4096
early_level4:	.skip 4096
early_level3_direct:	.skip 4096
early_level2_direct:	.skip 4096 * LOW_GIBS
early_level3_kernel:	.skip 4096
early_level2_kernel:	.skip 4096
early_level3_private:	.skip 4096
early_level2_private:	.skip 4096
early_level1_private:	.skip 4096
	.globl early_private_area, early_private_tables
early_private_area:	.skip 4096
early_private_tables:	.skip 4096
early_private_stack:	.skip 4096

	/* The linker script keeps a page below it that is never mapped. */
	.section .boot_stack, "aw", @nobits
	.balign 4096
	.skip 4096
	.globl boot_stack, boot_stack_end
boot_stack:
	.skip BOOT_STACK
boot_stack_end:

	/* table[index] = physical address of what | TABLE_ENTRY */
	.macro table_link table, index, what
	leaq \what(%rip), %rax
	orq $TABLE_ENTRY, %rax
	movq %rax, (\table + 8 * (\index))(%rip)
	.endm

	.section .text.entry, "ax"
	.code64
	.globl quire_efi_entry
quire_efi_entry:
	xorl %edx, %edx

	.globl kernel_entry
kernel_entry:
	cli
	cld
	movq %rdi, %r12
	movl %edx, %r13d
	rdtsc
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, %r14

	leaq kernel_bss_start(%rip), %rdi
	leaq kernel_bss_end(%rip), %rcx
	subq %rdi, %rcx
	shrq $3, %rcx
	xorl %eax, %eax
	rep stosq

	table_link early_level5, 0, early_level4
	table_link early_level5, 511, early_level4
	table_link early_level4, 0, early_level3_direct
	table_link early_level4, SLOT_DIRECT_MAP, early_level3_direct
	table_link early_level4, SLOT_PRIVATE, early_level3_private
	table_link early_level4, SLOT_KERNEL, early_level3_kernel
	table_link early_level3_kernel, 510, early_level2_kernel
	table_link early_level3_private, 0, early_level2_private
	table_link early_level2_private, 0, early_level1_private
	table_link early_level1_private, PRIVATE_PAGE_AREA, early_private_area
	table_link early_level1_private, PRIVATE_PAGE_TABLES, early_private_tables
	/* Of the double-fault stack the last page. */
	table_link early_level1_private, PRIVATE_PAGE_DF + 2, early_private_stack

	/* The image, in large pages. */
	leaq kernel_image_start(%rip), %rbx
	leaq kernel_image_end(%rip), %rdx
	leaq LARGE_ENTRY(%rbx), %rax
	leaq (early_level2_kernel + 8 * (IMAGE_OFFSET / LARGE_PAGE))(%rip), %rdi
1:	movq %rax, (%rdi)
	addq $8, %rdi
	addq $LARGE_PAGE, %rax
	cmpq %rdx, %rax
	jb 1b

	movq %rbx, %r15
	movl $0x80000001, %eax
	cpuid
	testl $FEATURE_1GIB, %edx
	jz 3f

	leaq early_level3_direct(%rip), %rdi
	movl $LARGE_ENTRY, %eax
	movl $512, %ecx
2:	movq %rax, (%rdi)
	addq $8, %rdi
	addq $GIGANTIC_PAGE, %rax
	decl %ecx
	jnz 2b
	jmp 6f

3:	leaq early_level3_direct(%rip), %rdi
	leaq (early_level2_direct + TABLE_ENTRY)(%rip), %rax
	movl $LOW_GIBS, %ecx
4:	movq %rax, (%rdi)
	addq $8, %rdi
	addq $4096, %rax
	decl %ecx
	jnz 4b
	leaq early_level2_direct(%rip), %rdi
	movl $LARGE_ENTRY, %eax
	movl $(LOW_GIBS * 512), %ecx
5:	movq %rax, (%rdi)
	addq $8, %rdi
	addq $LARGE_PAGE, %rax
	decl %ecx
	jnz 5b

6:	leaq early_level4(%rip), %rax
	movq %cr4, %rcx
	testl $CR4_LA57, %ecx
	jz 7f
	leaq early_level5(%rip), %rax
7:	movq %rax, %cr3
	movq $8f, %rax
	jmp *%rax

8:	movq $boot_stack_end, %rsp
	xorl %ebp, %ebp
	movq %r12, %rdi
	movl %r13d, %esi
	movq %r14, %rdx
	movq %r15, %rcx
	call kernel_start
	ud2

	.section .note.GNU-stack, "", @progbits

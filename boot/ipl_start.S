/* SPDX-License-Identifier: MIT */
/*
 * The first instructions on s390x, at the image's first byte: QEMU's -kernel starts here in
 * 64-bit mode or, as the program of an IPL, in 31-bit mode of either architecture. Ends below
 * the parameter area, which loaders fill in before.
 */
#include <platform/s390x/layout.h>

#define BOOT_STACK 0x10000
#define FRAME_SIZE 160

#define SIGP_SET_ARCHITECTURE 0x12

	/* The linker script keeps a page below it that is never mapped. */
	.section .boot_stack, "aw", @nobits
	.balign 4096
	.skip 4096
	.globl boot_stack, boot_stack_end
boot_stack:
	.skip BOOT_STACK
boot_stack_end:

	.section .text.entry, "ax"
	.globl ipl_start
ipl_start:
	/* z/Architecture, which a new machine may already be in: the answer does not matter. */
	lhi %r1, 2
	slr %r0, %r0
	sigp %r1, %r0, SIGP_SET_ARCHITECTURE
	sam64
	/* The stack protector's block is at address 0, in the lowcore. */
	sar %a0, %r0
	sar %a1, %r0
	stckf entry_time(%r0)

	larl %r2, kernel_bss_start
	larl %r3, kernel_bss_end
	slgr %r3, %r2
	lghi %r4, 0
	lghi %r5, 0
1:	mvcle %r2, %r4, 0
	jo 1b

	larl %r15, boot_stack_end
	aghi %r15, -FRAME_SIZE
	xc 0(FRAME_SIZE, %r15), 0(%r15)
	lg %r2, entry_time(%r0)
	lghi %r14, 0
	brasl %r14, ipl_main
	j .

	/* A word of the lowcore that nothing else uses yet, below 4096: no register is needed. */
	.set entry_time, 0x200

	.org PARAMETER_SIZE_ADDRESS - IMAGE_BASE
	.quad PARAMETER_SIZE
	.org PARAMETER_ADDRESS - IMAGE_BASE
	.globl ipl_parameters
ipl_parameters:
	.fill PARAMETER_SIZE, 1, 0

	.section .note.GNU-stack, "", @progbits

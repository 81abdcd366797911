/*
 * SPDX-License-Identifier: MIT
 * The kernel ELF inside the loader. QUIRE_KERNEL: path of the file, from the build.
 */
	.section .rodata.kernel, "a"
	.balign 4096
	.globl kernel_file
	.hidden kernel_file
kernel_file:
	.incbin QUIRE_KERNEL
	.globl kernel_file_end
	.hidden kernel_file_end
kernel_file_end:

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: MIT */
/*
 * Floating-point and vector registers to and from memory. The vector instructions are newer
 * than what the kernel is compiled for, and stand as bytes.
 */
	.text

	/* op 0xe7..3e VECTOR STORE MULTIPLE, 0xe7..36 VECTOR LOAD MULTIPLE: registers 0-15 at
	 * 0(%r2), 16-31 at 256(%r2). */
	.macro vector_multiple op
	.byte 0xe7, 0x0f, 0x20, 0x00, 0x00, \op
	.byte 0xe7, 0x0f, 0x21, 0x00, 0x0c, \op
	.endm

	.balign 8
	.globl fpu_save_vectors
	.type fpu_save_vectors, @function
fpu_save_vectors:
	vector_multiple 0x3e
	br %r14

	.balign 8
	.globl fpu_restore_vectors
	.type fpu_restore_vectors, @function
fpu_restore_vectors:
	vector_multiple 0x36
	br %r14

	.macro each_float op
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op %f\n, 16 * \n (%r2)
	.endr
	.endm

	.balign 8
	.globl fpu_save_floats
	.type fpu_save_floats, @function
fpu_save_floats:
	each_float std
	br %r14

	.balign 8
	.globl fpu_restore_floats
	.type fpu_restore_floats, @function
fpu_restore_floats:
	each_float ld
	br %r14

	.section .note.GNU-stack, "", @progbits

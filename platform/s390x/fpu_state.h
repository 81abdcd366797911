// SPDX-License-Identifier: MIT
/*
 * fpu_state.S: the only instructions of the kernel that touch these registers. Areas of 512
 * bytes, at multiples of 8.
 */
#ifndef PLATFORM_S390X_FPU_STATE_H
#define PLATFORM_S390X_FPU_STATE_H

/* Vector registers 0 to 31, with FACILITY_VECTOR. */
void fpu_save_vectors(void *area);
void fpu_restore_vectors(const void *area);
/* Floating-point registers 0 to 15, at every sixteenth byte. */
void fpu_save_floats(void *area);
void fpu_restore_floats(const void *area);

#endif

// SPDX-License-Identifier: MIT
/*
 * fpu_state.S: the only instructions of the kernel that touch these registers. Areas of 512
 * bytes, at multiples of 8.
 */
#ifndef PLATFORM_S390X_FPU_STATE_H
#define PLATFORM_S390X_FPU_STATE_H

/* Vector registers 0 to 31, with FACILITY_VECTOR. */
void vector_state_save(void *area);
void vector_state_load(const void *area);
/* Floating-point registers 0 to 15, at every sixteenth byte. */
void float_state_save(void *area);
void float_state_load(const void *area);

#endif

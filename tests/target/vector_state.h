// SPDX-License-Identifier: MIT
/*
 * Vector registers for fpu_test.c. The only functions of tests that touch them;
 * tools/fpu_allow.txt names them by their prefix.
 */
#ifndef TESTS_TARGET_VECTOR_STATE_H
#define TESTS_TARGET_VECTOR_STATE_H

#include <stdint.h>

/* Two registers, one of them among the last, to the same value. */
void vector_test_set(uint64_t value);
/* What both hold; UINT64_MAX when they differ. */
uint64_t vector_test_get(void);
/* The control register, and its value in a fresh state: no exception interrupts. */
uint32_t vector_test_control(void);
extern const uint32_t vector_test_control_fresh;

#endif

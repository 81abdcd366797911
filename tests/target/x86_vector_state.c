// SPDX-License-Identifier: MIT
/*
 * SSE registers for fpu_test.c.
 */
#include <tests/target/vector_state.h>

const uint32_t vector_test_control_fresh = 0x1f80; /* MXCSR: all exceptions masked */

void vector_test_set(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm3; movq %0, %%xmm15" : : "r"(value));
}

uint64_t vector_test_get(void)
{
	uint64_t a, b;

	__asm__ volatile("movq %%xmm3, %0; movq %%xmm15, %1" : "=r"(a), "=r"(b));
	return a == b ? a : UINT64_MAX;
}

uint32_t vector_test_control(void)
{
	uint32_t value;

	__asm__ volatile("stmxcsr %0" : "=m"(value));
	return value;
}

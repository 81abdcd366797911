// SPDX-License-Identifier: MIT
/*
 * Floating-point registers for fpu_test.c, and with the vector facility one that is no part of
 * them. The vector instructions are newer than what the kernel is compiled for: bytes.
 */
#include <tests/target/vector_state.h>

#include <platform/s390x/features.h>

const uint32_t vector_test_control_fresh = 0;

void vector_test_set(uint64_t value)
{
	__asm__ volatile("ldgr %%f3,%0\n\tldgr %%f15,%0" : : "d"(value));
	/* VECTOR LOAD v30,0(r1) */
	if (facility_present(FACILITY_VECTOR)) {
		uint64_t both[2] = {value, value};

		__asm__ volatile("la 1,%0\n\t"
				 ".byte 0xe7,0xe0,0x10,0x00,0x08,0x06"
				 :
				 : "Q"(both)
				 : "1");
	}
}

uint64_t vector_test_get(void)
{
	uint64_t a, b;
	uint64_t both[2];

	__asm__ volatile("lgdr %0,%%f3\n\tlgdr %1,%%f15" : "=d"(a), "=d"(b));
	both[0] = both[1] = a;
	/* VECTOR STORE v30,0(r1) */
	if (facility_present(FACILITY_VECTOR))
		__asm__ volatile("la 1,%0\n\t"
				 ".byte 0xe7,0xe0,0x10,0x00,0x08,0x0e"
				 : "+Q"(both)
				 :
				 : "1");
	return a == b && a == both[0] && a == both[1] ? a : UINT64_MAX;
}

uint32_t vector_test_control(void)
{
	uint32_t value;

	__asm__ volatile("stfpc %0" : "=Q"(value));
	return value;
}

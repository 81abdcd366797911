// SPDX-License-Identifier: MIT
/*
 * Floating-point and vector state of threads that own some. Kernel code is compiled without
 * these registers, so the state stays in the CPU until the scheduler switches. The area: 32
 * vector registers, whose left halves 0 to 15 are the floating-point registers, then the
 * floating-point control register.
 */
#include <platform/context.h>

#include <platform/s390x/features.h>
#include <platform/s390x/fpu_state.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

#define AREA_CONTROL 512
#define AREA_SIZE    520

size_t fpu_area_size(void)
{
	return AREA_SIZE;
}

/* All zero: no exception is enabled, rounding is to nearest. */
void fpu_area_init(void *area)
{
	ASSERT(is_aligned((uintptr_t)area, 8));
	memset(area, 0, AREA_SIZE);
}

void fpu_save(void *area)
{
	if (facility_present(FACILITY_VECTOR))
		fpu_save_vectors(area);
	else
		fpu_save_floats(area);
	__asm__ volatile("stfpc %0" : "=Q"(*(uint32_t *)((char *)area + AREA_CONTROL)));
}

void fpu_restore(const void *area)
{
	if (facility_present(FACILITY_VECTOR))
		fpu_restore_vectors(area);
	else
		fpu_restore_floats(area);
	__asm__ volatile("lfpc %0"
			 :
			 : "Q"(*(const uint32_t *)((const char *)area + AREA_CONTROL)));
}

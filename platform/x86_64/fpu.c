// SPDX-License-Identifier: MIT
/*
 * Vector state of threads that own some. Kernel code is compiled without vector registers, so
 * the state stays in the CPU until the scheduler switches. Source: Intel SDM volume 1, 13.
 */
#include <platform/context.h>

#include <platform/x86_64/features.h>
#include <kernel/assert.h>
#include <kernel/bits.h>

#define FXSAVE_CONTROL_WORD 0  /* x87 control word, 16 bits */
#define FXSAVE_MXCSR        24 /* 32 bits */
#define CONTROL_WORD_RESET  0x37fu
#define MXCSR_RESET         0x1f80u

size_t fpu_area_size(void)
{
	return cpu_features.vector_state_size;
}

void fpu_area_init(void *area)
{
	uint8_t *bytes = area;

	ASSERT(is_aligned((uintptr_t)area, 64));
	memset(bytes, 0, cpu_features.vector_state_size);
	le16_store(bytes + FXSAVE_CONTROL_WORD, CONTROL_WORD_RESET);
	le32_store(bytes + FXSAVE_MXCSR, MXCSR_RESET);
}

void fpu_save(void *area)
{
	uint32_t low = (uint32_t)cpu_features.vector_state;
	uint32_t high = (uint32_t)(cpu_features.vector_state >> 32);

	if (cpu_features.xsaveopt)
		__asm__ volatile("xsaveopt64 (%0)"
				 :
				 : "r"(area), "a"(low), "d"(high)
				 : "memory");
	else if (cpu_features.xsave)
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_restore(const void *area)
{
	uint32_t low = (uint32_t)cpu_features.vector_state;
	uint32_t high = (uint32_t)(cpu_features.vector_state >> 32);

	if (cpu_features.xsave)
		__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
	else
		__asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

// SPDX-License-Identifier: MIT
/*
 * Instructions that C has no word for, and the bits of control registers the port uses.
 * Source of the layouts: Intel SDM volume 3, chapters 2 and 4; volume 4 for the MSRs.
 */
#ifndef PLATFORM_X86_64_X86_H
#define PLATFORM_X86_64_X86_H

#include <kernel/bits.h>
#include <stdbool.h>
#include <stdint.h>

#define CR0_MONITOR_FPU     BIT64(1)
#define CR0_EMULATE_FPU     BIT64(2)
#define CR0_TASK_SWITCHED   BIT64(3)
#define CR0_NUMERIC_ERROR   BIT64(5)
#define CR0_WRITE_PROTECT   BIT64(16)
#define CR0_NO_WRITE_BACK   BIT64(29)
#define CR0_NO_CACHE        BIT64(30)
#define CR4_MACHINE_CHECK   BIT64(6)
#define CR4_GLOBAL_PAGES    BIT64(7)
#define CR4_FXSR            BIT64(9)
#define CR4_SIMD_EXCEPTIONS BIT64(10)
#define CR4_UMIP            BIT64(11)
#define CR4_LA57            BIT64(12)
#define CR4_XSAVE           BIT64(18)
#define CR4_SMEP            BIT64(20)
#define CR4_SMAP            BIT64(21)

#define MSR_APIC_BASE    0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_PAT          0x277u
#define MSR_EFER         0xc0000080u
#define EFER_NX          BIT64(11)

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid_read(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static inline uint64_t msr_read(uint32_t number)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t number, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

#define X86_CONTROL_REGISTER(name)                                              \
	static inline uint64_t name##_read(void)                                \
	{                                                                       \
		uint64_t value;                                                 \
                                                                                \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value));          \
		return value;                                                   \
	}                                                                       \
	static inline void name##_write(uint64_t value)                         \
	{                                                                       \
		__asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory"); \
	}

X86_CONTROL_REGISTER(cr0)
X86_CONTROL_REGISTER(cr2)
X86_CONTROL_REGISTER(cr3)
X86_CONTROL_REGISTER(cr4)
#undef X86_CONTROL_REGISTER

static inline uint64_t tsc_read(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void tlb_invalidate_page(uintptr_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Operand of LGDT and LIDT. */
struct descriptor_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

#endif

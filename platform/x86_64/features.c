// SPDX-License-Identifier: MIT
/*
 * CPUID, and the control bits that follow from it.
 */
#include "features.h"

#include <platform/cpu.h>
#include <platform/pci_config.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/x86.h>
#include <kernel/format.h>

#define LEAF_EXTENDED    0x80000000u
#define XSTATE_X87       BIT64(0)
#define XSTATE_SSE       BIT64(1)
#define XSTATE_AVX       BIT64(2)
#define XSTATE_AVX512    (BIT64(5) | BIT64(6) | BIT64(7))
#define FXSAVE_AREA_SIZE 512
#define PAT_AT_RESET     UINT64_C(0x0007040600070406)

struct cpu_features cpu_features RO_AFTER_INIT;

static void xcr0_write(uint64_t value)
{
	__asm__ volatile("xsetbv"
			 :
			 : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static void detect_name(struct cpu_features *f, uint32_t max_extended)
{
	if (max_extended < LEAF_EXTENDED + 4)
		return;
	for (uint32_t i = 0; i < 3; i++) {
		struct cpuid r = cpuid_read(LEAF_EXTENDED + 2 + i, 0);

		memcpy(f->name + 16 * i, &r, 16);
	}
}

static void detect_extended(struct cpu_features *f)
{
	uint32_t max = cpuid_read(LEAF_EXTENDED, 0).eax;
	struct cpuid r;

	detect_name(f, max);
	if (max < LEAF_EXTENDED + 1)
		return;
	r = cpuid_read(LEAF_EXTENDED + 1, 0);
	f->no_execute = r.edx & BIT(20);
	f->gib_pages = r.edx & BIT(26);
	if (max >= LEAF_EXTENDED + 7)
		f->tsc_invariant = cpuid_read(LEAF_EXTENDED + 7, 0).edx & BIT(8);
}

/* The area is sized for the state we enable, not for all the CPU knows. */
static void detect_vector_state(struct cpu_features *f)
{
	struct cpuid r;

	f->vector_state_size = FXSAVE_AREA_SIZE;
	if (!f->xsave || f->max_leaf < 0xd)
		return;
	r = cpuid_read(0xd, 0);
	f->vector_state = r.eax & (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX | XSTATE_AVX512);
	f->xsaveopt = cpuid_read(0xd, 1).eax & BIT(0);
	f->vector_state_size = FXSAVE_AREA_SIZE + 64;
	for (unsigned i = 2; i < 8; i++) {
		if (!(f->vector_state & BIT64(i)))
			continue;
		r = cpuid_read(0xd, i);
		f->vector_state_size = MAX(f->vector_state_size, r.eax + r.ebx);
	}
}

void cpu_features_detect(void)
{
	struct cpu_features *f = &cpu_features;
	struct cpuid r = cpuid_read(1, 0);

	f->max_leaf = cpuid_read(0, 0).eax;
	f->apic_id = r.ebx >> 24;
	f->machine_check = r.edx & BIT(7);
	f->global_pages = r.edx & BIT(13);
	f->page_attributes = r.edx & BIT(16);
	f->x2apic = r.ecx & BIT(21);
	f->tsc_deadline = r.ecx & BIT(24);
	f->xsave = r.ecx & BIT(26);
	f->rdrand = r.ecx & BIT(30);
	f->hypervisor = r.ecx & BIT(31);
	if (f->max_leaf >= 6)
		f->always_running_apic_timer = cpuid_read(6, 0).eax & BIT(2);
	if (f->max_leaf >= 7) {
		r = cpuid_read(7, 0);
		f->smep = r.ebx & BIT(7);
		f->rdseed = r.ebx & BIT(18);
		f->smap = r.ebx & BIT(20);
		f->umip = r.ecx & BIT(2);
	}
	f->five_levels = cr4_read() & CR4_LA57;
	detect_extended(f);
	detect_vector_state(f);
}

void cpu_features_enable(void)
{
	const struct cpu_features *f = &cpu_features;
	uint64_t cr4 = cr4_read() | CR4_FXSR | CR4_SIMD_EXCEPTIONS;

	if (f->no_execute)
		msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_NX);
	cr0_write((cr0_read() | CR0_WRITE_PROTECT | CR0_MONITOR_FPU | CR0_NUMERIC_ERROR) &
		  ~(CR0_EMULATE_FPU | CR0_TASK_SWITCHED | CR0_NO_CACHE | CR0_NO_WRITE_BACK));
	cr4 |= f->machine_check ? CR4_MACHINE_CHECK : 0;
	cr4 |= f->global_pages ? CR4_GLOBAL_PAGES : 0;
	cr4 |= f->smep ? CR4_SMEP : 0;
	cr4 |= f->smap ? CR4_SMAP : 0;
	cr4 |= f->umip ? CR4_UMIP : 0;
	cr4 |= f->xsave ? CR4_XSAVE : 0;
	cr4_write(cr4);
	/* Firmware may have changed it, and on this CPU only; page_table.h relies on it. */
	if (f->page_attributes)
		msr_write(MSR_PAT, PAT_AT_RESET);
	if (f->xsave)
		xcr0_write(f->vector_state);
}

bool platform_under_hypervisor(void)
{
	return cpu_features.hypervisor;
}

void cpu_describe(unsigned cpu, char *text, size_t size)
{
	const struct cpu_features *f = &cpu_features;
	const char *name = f->name;

	while (*name == ' ')
		name++;
	format(text, size, "%s, %u levels,%s%s%s%s%s%s%s%s%s", *name ? name : "x86-64",
	       f->five_levels ? 5 : 4, f->no_execute ? " nx" : "", f->smep ? " smep" : "",
	       f->smap ? " smap" : "", f->umip ? " umip" : "", f->gib_pages ? " pdpe1gb" : "",
	       f->x2apic ? " x2apic" : "", f->tsc_deadline ? " tsc-deadline" : "",
	       f->rdrand ? " rdrand" : "", cpu == 0 ? " (boot)" : "");
}

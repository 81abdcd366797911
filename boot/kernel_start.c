// SPDX-License-Identifier: MIT
/*
 * The first C function on x86-64: from what the loader handed over to one struct boot_info in
 * the kernel's own addresses. Runs on the early address space of platform/x86_64/entry.S.
 */
#include <boot/pvh_info.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <platform/console.h>
#include <platform/exit.h>
#include <platform/memory.h>
#include <platform/x86_64/console_devices.h>
#include <platform/x86_64/image.h>

/* entry.S maps so much of physical memory. */
#define EARLY_MAP_END GIB(4)

/* Called by entry.S. handover: physical address of a struct boot_info, or of the PVH start
 * info. base: where the image lies. */
void kernel_start(uint64_t handover, bool is_pvh, uint64_t entry_cycles, uint64_t base);
void kmain(struct boot_info *info) __attribute__((noreturn));

static struct boot_info pvh_info;

static const void *early_view(uint64_t address, uint64_t size)
{
	if (address >= EARLY_MAP_END || size > EARLY_MAP_END - address)
		return NULL;
	return phys_to_virt(phys(address));
}

/* CPUID leaf 0x80000008: how many bits a physical address has. */
static uint64_t physical_end(void)
{
	uint32_t eax = 0x80000008;
	uint32_t ebx, ecx, edx;

	__asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return BIT64(eax & 0x3f);
}

static struct boot_info *start_info_take(uint64_t handover, uint64_t base)
{
	const char *problem;

	pvh_info.kernel_base = phys(base);
	pvh_info.kernel_size = (uint64_t)(kernel_image_end - kernel_image_start);
	problem = pvh_boot_info(handover, early_view, physical_end(), &pvh_info);
	if (!problem)
		return &pvh_info;
	/* Nothing of the kernel runs yet: the bare line and the end. */
	console_init_serial();
	console_write(problem, strlen(problem));
	console_write("\n", 1);
	platform_exit(false);
}

void kernel_start(uint64_t handover, bool is_pvh, uint64_t entry_cycles, uint64_t base)
{
	struct boot_info *info;

	image_base = phys(base);
	if (is_pvh) {
		info = start_info_take(handover, base);
	} else {
		info = phys_to_virt(phys(handover));
		info->ranges = phys_to_virt(phys((uint64_t)info->ranges));
	}
	info->entry_cycles = entry_cycles;
	kmain(info);
}

// SPDX-License-Identifier: MIT
/*
 * The first C function on x86-64: from what the loader handed over to one struct boot_info in
 * the kernel's own addresses. Runs on the early address space of platform/x86_64/entry.S.
 */
#include <boot/pvh_info.h>
#include <kernel/boot_info.h>
#include <platform/memory.h>
#include <platform/x86_64/image.h>

/* Called by entry.S. handover: physical address of a struct boot_info, or of the PVH start
 * info. base: where the image lies. */
void kernel_start(uint64_t handover, bool is_pvh, uint64_t entry_cycles, uint64_t base);
void kmain(struct boot_info *info) __attribute__((noreturn));

void kernel_start(uint64_t handover, bool is_pvh, uint64_t entry_cycles, uint64_t base)
{
	struct boot_info *info;

	image_base = phys(base);
	if (is_pvh) {
		info = pvh_boot_info(phys_to_virt(phys(handover)));
	} else {
		info = phys_to_virt(phys(handover));
		info->ranges = phys_to_virt(phys((uint64_t)info->ranges));
	}
	info->entry_cycles = entry_cycles;
	kmain(info);
}

// SPDX-License-Identifier: MIT
/*
 * Builds the kernel's tables with translation still off, and turns it on. The image and the
 * lowcore are mapped page by page, text executable, constants read-only; the direct map fills
 * itself later (direct_map.c).
 */
#include <platform/s390x/address_space.h>

#include <platform/cpu.h>
#include <platform/init.h>
#include <platform/memory.h>
#include <platform/paging/page_table.h>
#include <platform/s390x/direct_map.h>
#include <platform/s390x/features.h>
#include <platform/image.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/lowcore.h>
#include <platform/s390x/private.h>
#include <platform/s390x/trap.h>
#include <kernel/boot_memory.h>

/* Address-space-control element: a whole region-second table, primary space not private, so
 * that low-address protection applies. */
#define ASCE_REGION_SECOND UINT64_C(0x0b)

uint64_t page_table_offset RO_AFTER_INIT;

static struct pte top_table[2048] ALIGNED(4096);

struct phys address_space_top(void)
{
	return phys((uint64_t)top_table);
}

uint64_t address_space_asce(void)
{
	return address_space_top().addr | ASCE_REGION_SECOND;
}

struct pte page_table_root(uintptr_t virt)
{
	if (virt >= level_size(LEVEL_ROOT))
		return pte_none(LEVEL_ROOT);
	return pte_table(LEVEL_ROOT, address_space_top(), true);
}

static void map_or_die(const char *from, const char *to, unsigned protection)
{
	uint64_t size = (uint64_t)(to - from);
	int error = mmu_map_kernel((uintptr_t)from, phys((uint64_t)from), size, protection);

	if (error)
		panic("address space: cannot map %#lx bytes of the kernel at %#lx (error %d); "
		      "give the machine more memory",
		      size, (uint64_t)from, error);
}

static void map_image(void)
{
	map_or_die(kernel_text_start, kernel_text_end, MMU_EXECUTE);
	map_or_die(kernel_text_end, kernel_ro_after_init_end, MMU_READ);
	map_or_die(kernel_ro_after_init_end, kernel_boot_stack_guard, MMU_WRITE);
	map_or_die(kernel_boot_stack_guard + PAGE_SIZE, kernel_image_end, MMU_WRITE);
}

uint64_t address_space_control(uint64_t cr0)
{
	if (paging_features.segment_pages)
		cr0 |= CR0_EDAT;
	if (paging_features.no_execute)
		cr0 |= CR0_INSTRUCTION_PROTECTION;
	return cr0;
}

void address_space_enter(void)
{
	uint8_t before;

	lowcore()->asce = address_space_asce();
	cr0_write(address_space_control(cr0_read()));
	cr1_write(lowcore()->asce);
	cr7_write(lowcore()->asce);
	cr13_write(lowcore()->asce);
	__asm__ volatile("stosm %0,%1" : "=Q"(before) : "i"(SYSTEM_MASK_DAT) : "memory");
}

void platform_memory_init(struct boot_info *info)
{
	const char *lowcore_start = (const char *)lowcore();

	paging_features = paging_features_choose(
		facility_present(FACILITY_EDAT1), facility_present(FACILITY_EDAT2),
		facility_present(FACILITY_INSTRUCTION_PROTECTION));
	smp_enumerate();
	private_pool_init(cpu_possible() - 1);
	for (unsigned i = 0; i < ARRAY_SIZE(top_table); i++)
		top_table[i] = pte_none(LEVEL_ROOT - 1);
	direct_map_init(info);
	map_or_die(lowcore_start, lowcore_start + LOWCORE_SIZE, MMU_WRITE);
	map_image();
	page_table_offset = DIRECT_MAP_BASE;
	trap_lowcore_init(lowcore(), true);
	address_space_enter();
	trap_protect_lowcore();
}

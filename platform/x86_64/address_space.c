// SPDX-License-Identifier: MIT
/*
 * Builds the final kernel half and moves onto it. The direct map covers RAM, the image, what
 * the loader left and the ACPI tables, nothing else, with the largest pages that fit; text and
 * read-only data are read-only in it too, and the private pool is left out.
 */
#include <platform/x86_64/address_space.h>

#include <platform/cpu.h>
#include <platform/init.h>
#include <platform/memory.h>
#include <platform/x86_64/console_devices.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/command_line.h>
#include <kernel/log.h>

/* Machines below this get private pages for as many CPUs as one granule of the pool holds. */
#define SMALL_MACHINE MIB(128)

/* The template; only its kernel half is used. */
static struct pte kernel_level4[PTES_PER_TABLE] ALIGNED(4096) RO_AFTER_INIT;
static bool slots_frozen RO_AFTER_INIT;

struct pte kernel_slot_read(unsigned slot)
{
	ASSERT(slot >= PTES_PER_TABLE / 2 && slot < PTES_PER_TABLE);
	return kernel_level4[slot];
}

void kernel_slot_write(unsigned slot, struct pte entry)
{
	if (slots_frozen || slot < PTES_PER_TABLE / 2 || slot == SLOT_PRIVATE)
		panic("address space: write to kernel slot %u after the kernel half was "
		      "complete; it must get its table in address_space_build()",
		      slot);
	kernel_level4[slot] = entry;
}

struct pte page_table_root(uintptr_t virt)
{
	unsigned slot = level_index(LEVEL_ROOT, virt);

	return slot >= PTES_PER_TABLE / 2 ? kernel_slot_read(slot) : pte_none(LEVEL_ROOT);
}

/* All of it is there from the start: with large pages it costs next to nothing. */
void direct_map_complete(uintptr_t virt UNUSED, uint64_t size UNUSED)
{
}

uint64_t page_table_defer(uintptr_t virt UNUSED, struct phys p UNUSED, uint64_t size UNUSED,
			  unsigned protection UNUSED)
{
	return 0;
}

void page_table_forget(uintptr_t virt UNUSED, uint64_t size UNUSED)
{
}

bool direct_map_is_fixed(struct phys start, uint64_t size)
{
	return start.addr < image_phys(kernel_ro_after_init_end).addr &&
	       image_base.addr < start.addr + size;
}

void kernel_slots_freeze(void)
{
	slots_frozen = true;
}

void address_space_load(struct phys root)
{
	cr3_write(root.addr);
	private_area()->root = root;
}

static void map_or_die(uintptr_t virt, struct phys p, uint64_t size, unsigned protection)
{
	int error = size ? mmu_map_kernel(virt, p, size, protection) : 0;

	if (error)
		panic("address space: cannot map %#lx bytes at physical %#lx (error %d); the "
		      "machine has too little memory or its memory map is inconsistent",
		      size, p.addr, error);
}

/* [from, to) of the image, at its link address. */
static void map_section(const char *from, const char *to, unsigned protection)
{
	map_or_die((uintptr_t)from, image_phys(from), (uint64_t)(to - from), protection);
}

static void map_image(void)
{
	const char *end = kernel_image_end;

	map_section(kernel_text_start, kernel_text_end, MMU_EXECUTE);
	map_section(kernel_text_end, kernel_ro_after_init_end, MMU_READ);
	map_section(kernel_ro_after_init_end, kernel_boot_stack_guard, MMU_WRITE);
	map_section(kernel_boot_stack_guard + PAGE_SIZE, end, MMU_WRITE);
}

/* Direct map of [start, end) without what the pool occupies. */
static void map_direct(uint64_t start, uint64_t end, unsigned protection)
{
	struct phys pool;
	uint64_t pool_size;

	private_pool_extent(&pool, &pool_size);
	if (start < pool.addr && pool.addr < end) {
		map_direct(start, pool.addr, protection);
		start = pool.addr;
	}
	if (start == pool.addr)
		start += pool_size;
	if (start < end)
		map_or_die(DIRECT_MAP_BASE + start, phys(start), end - start, protection);
}

static void map_direct_image(const struct boot_range *range)
{
	uint64_t start = range->start.addr;
	uint64_t end = start + range->size;
	uint64_t fixed = image_base.addr;
	uint64_t fixed_end = image_phys(kernel_ro_after_init_end).addr;

	if (fixed < start || fixed_end > end)
		panic("boot: the kernel's range %#lx-%#lx does not hold its image at %#lx",
		      start, end, fixed);
	map_direct(start, fixed, MMU_WRITE);
	map_direct(fixed, fixed_end, MMU_READ);
	map_direct(fixed_end, end, MMU_WRITE);
}

static uint64_t map_direct_ranges(const struct boot_info *info)
{
	uint64_t highest = 0;

	for (uint32_t i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->ranges[i];
		uint64_t end = range->start.addr + range->size;

		if (end > DIRECT_MAP_SIZE) {
			log_warn("memory: range %#lx-%#lx lies above the direct map and is "
				 "left alone",
				 range->start.addr, end);
			continue;
		}
		if (range->type == BOOT_RANGE_KERNEL) {
			map_direct_image(range);
		} else if (range->type == BOOT_RANGE_RAM || range->type == BOOT_RANGE_LOADER ||
			   range->type == BOOT_RANGE_ACPI) {
			map_direct(range->start.addr, end, MMU_WRITE);
			highest = MAX(highest, end);
		}
	}
	return highest;
}

/* A slot gets its table now, because it can get none later. */
static void slot_prepare(unsigned slot)
{
	struct phys table;

	if (pte_is_present(LEVEL_ROOT, kernel_slot_read(slot)))
		return;
	table = boot_memory_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!table.addr)
		panic("address space: no memory for the table of slot %u", slot);
	memset(phys_to_virt(table), 0, PAGE_SIZE);
	kernel_slot_write(slot, pte_table(LEVEL_ROOT, table, true));
}

static void slots_prepare(unsigned first, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += SLOT_SIZE)
		slot_prepare(first + (unsigned)(at / SLOT_SIZE));
}

void address_space_build(const struct boot_info *info)
{
	uint64_t highest = 0;

	for (uint32_t i = 0; i < info->range_count; i++) {
		const struct boot_range *range = &info->ranges[i];

		if (range->type != BOOT_RANGE_RESERVED && range->type != BOOT_RANGE_MMIO)
			highest = MAX(highest, range->start.addr + range->size);
	}
	highest = MIN(highest, DIRECT_MAP_SIZE);
	slots_prepare(SLOT_DIRECT_MAP, highest);
	slots_prepare(SLOT_PAGE_ARRAY, highest / PAGE_SIZE * 64);
	slot_prepare(SLOT_SPACE);
	slot_prepare(SLOT_MMIO);
	slot_prepare(SLOT_KERNEL);
	map_image();
	map_direct_ranges(info);
}

void platform_memory_init(struct boot_info *info)
{
	unsigned cpus = (unsigned)MIN(command_line_number("cpus", CPUS_MAX), CPUS_MAX);
	struct phys root;

	if (boot_memory_total() < SMALL_MACHINE)
		cpus = MIN(cpus, MIB(2) / PRIVATE_BLOCK_SIZE);
	boot_memory_set_limit(phys(EARLY_DIRECT_MAP));
	smp_reserve_memory();
	private_pool_init(MAX(cpus, 1u));
	address_space_build(info);
	root = private_build_boot();
	kernel_slots_freeze();
	console_hide_framebuffer(); /* its early mapping ends here */
	address_space_load(root);
	boot_memory_set_limit(phys(UINT64_MAX));
	if (info->framebuffer.base.addr)
		console_init_framebuffer(
			&info->framebuffer,
			mmio_map(info->framebuffer.base,
				 4ull * info->framebuffer.stride * info->framebuffer.height));
}

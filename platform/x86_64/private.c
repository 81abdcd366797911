// SPDX-License-Identifier: MIT
/*
 * Blocks of frames that only their CPU can reach: taken from granules of 2 MiB that the direct
 * map leaves out, wired up by the boot CPU through a window of its own private slot.
 */
#include <platform/x86_64/private.h>

#include <platform/cpu.h>
#include <platform/memory.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/x86.h>
#include <kernel/boot_memory.h>
#include <kernel/log.h>

#define GRANULE MIB(2)

/* Private page, frame of the block, pages. */
static const struct {
	uint8_t page, frame, count;
} private_pages[] = {
	{PRIVATE_PAGE_AREA, FRAME_AREA, 1},     {PRIVATE_PAGE_TABLES, FRAME_TABLES, 1},
	{PRIVATE_PAGE_NMI, FRAME_NMI, 2},       {PRIVATE_PAGE_DF, FRAME_DF, 3},
	{PRIVATE_PAGE_MC, FRAME_MC, 2},         {PRIVATE_PAGE_DB, FRAME_DB, 2},
	{PRIVATE_PAGE_LEVEL1, FRAME_LEVEL1, 1}, {PRIVATE_PAGE_LEVEL4, FRAME_LEVEL4, 1},
};

static struct phys pool_start RO_AFTER_INIT;
static uint64_t pool_size RO_AFTER_INIT;

extern char early_private_area[], early_private_tables[];

void private_pool_init(unsigned cpus)
{
	pool_size = align_up(cpus * PRIVATE_BLOCK_SIZE, GRANULE);
	pool_start = boot_memory_alloc(pool_size, GRANULE);
	if (!pool_start.addr)
		panic("memory: no %lu KiB below 4 GiB for the private pages of CPUs; give the "
		      "machine more memory",
		      pool_size >> 10);
}

void private_pool_extent(struct phys *start, uint64_t *size)
{
	*start = pool_start;
	*size = pool_size;
}

unsigned private_pool_cpus(void)
{
	return MIN(pool_size / PRIVATE_BLOCK_SIZE, CPUS_MAX);
}

bool private_pool_contains(struct phys p)
{
	return p.addr - pool_start.addr < pool_size;
}

static struct phys block_phys(unsigned cpu)
{
	ASSERT(cpu < private_pool_cpus());
	return phys(pool_start.addr + cpu * PRIVATE_BLOCK_SIZE);
}

static struct phys frame_phys(struct phys block, unsigned frame)
{
	return phys(block.addr + frame * PAGE_SIZE);
}

/* Tables of a block that is visible at `virt`. */
static struct phys build_tables(char *virt, struct phys block)
{
	struct pte *tables[6] = {NULL};

	for (unsigned frame = FRAME_LEVEL4; frame <= FRAME_TABLES; frame++)
		memset(virt + frame * PAGE_SIZE, 0, PAGE_SIZE);
	memset(virt + FRAME_LEVEL5 * PAGE_SIZE, 0, PAGE_SIZE);
	for (unsigned level = 1; level <= 4; level++)
		tables[level] = (struct pte *)(virt + (FRAME_LEVEL1 + 1 - level) * PAGE_SIZE);
	tables[5] = (struct pte *)(virt + FRAME_LEVEL5 * PAGE_SIZE);

	for (unsigned i = 0; i < ARRAY_SIZE(private_pages); i++)
		for (unsigned n = 0; n < private_pages[i].count; n++)
			tables[1][private_pages[i].page + n] = pte_private_leaf(
				1, frame_phys(block, private_pages[i].frame + n), MMU_WRITE);
	tables[2][0] = pte_table(2, frame_phys(block, FRAME_LEVEL1), true);
	tables[3][0] = pte_table(3, frame_phys(block, FRAME_LEVEL2), true);
	for (unsigned slot = PTES_PER_TABLE / 2; slot < PTES_PER_TABLE; slot++)
		tables[4][slot] = slot == SLOT_PRIVATE
					  ? pte_table(4, frame_phys(block, FRAME_LEVEL3), true)
					  : kernel_slot_read(slot);
	if (!cpu_features.five_levels)
		return frame_phys(block, FRAME_LEVEL4);
	tables[5][PTES_PER_TABLE - 1] = pte_table(5, frame_phys(block, FRAME_LEVEL4), true);
	return frame_phys(block, FRAME_LEVEL5);
}

struct phys private_build_boot(void)
{
	struct phys block = block_phys(0);
	char *virt = phys_to_virt(block);
	struct phys root = build_tables(virt, block);

	memcpy(virt + FRAME_AREA * PAGE_SIZE, early_private_area, PAGE_SIZE);
	memcpy(virt + FRAME_TABLES * PAGE_SIZE, early_private_tables, PAGE_SIZE);
	return root;
}

/* The window is this CPU's own: no other CPU needs to know of a change. */
static void window_set(struct phys block, bool open)
{
	struct pte *level1 = private_page(PRIVATE_PAGE_LEVEL1);

	for (unsigned i = 0; i < PRIVATE_FRAMES; i++) {
		struct pte entry = {0};

		if (open)
			entry = pte_private_leaf(1, frame_phys(block, i), MMU_WRITE);
		pte_write(1, &level1[PRIVATE_PAGE_WINDOW + i], entry);
		tlb_invalidate_page(PRIVATE_WINDOW + i * PAGE_SIZE);
	}
}

struct phys private_build_other(unsigned cpu, uint32_t apic_id, void *stack,
				uint64_t stack_size)
{
	struct phys block = block_phys(cpu);
	char *virt = (char *)PRIVATE_WINDOW;
	struct private_area *area = (struct private_area *)(virt + FRAME_AREA * PAGE_SIZE);
	struct phys root;

	window_set(block, true);
	root = build_tables(virt, block);
	area->cpu = cpu;
	area->apic_id = apic_id;
	area->stack = (uintptr_t)stack;
	area->stack_size = stack_size;
	area->root = root;
	window_set(block, false);
	return root;
}

bool private_lookup(uintptr_t virt, struct phys *p, unsigned *protection)
{
	const struct pte *level1 = private_page(PRIVATE_PAGE_LEVEL1);
	uint64_t page = (virt - PRIVATE_BASE) >> PAGE_SHIFT;
	struct pte entry;

	if (page >= PTES_PER_TABLE)
		return false;
	entry = pte_read(&level1[page]);
	if (!pte_is_present(1, entry))
		return false;
	*p = phys(pte_phys(1, entry).addr + virt % PAGE_SIZE);
	*protection = pte_protection(entry);
	return true;
}

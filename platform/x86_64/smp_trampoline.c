// SPDX-License-Identifier: MIT
/*
 * Copies smp_start.S below 1 MiB, fills its slots, and makes the transition tables. They are in
 * no CPU's CR3 but for the moments between real mode and smp_entry.
 */
#include <platform/x86_64/smp_trampoline.h>

#include <platform/memory.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/smp.h>
#include <platform/x86_64/x86.h>
#include <kernel/boot_memory.h>

#define CR4_PAE  BIT64(5)
#define EFER_LME BIT64(8)

enum low_page { LOW_CODE, LOW_LEVEL2, LOW_LEVEL3, LOW_LEVEL4, LOW_LEVEL5, LOW_PAGES };

static struct phys low;

void smp_reserve_memory(void)
{
	low = boot_memory_alloc_below(LOW_PAGES * PAGE_SIZE, PAGE_SIZE, phys(MIB(1)));
}

static struct phys low_phys(enum low_page page)
{
	return phys(low.addr + page * PAGE_SIZE);
}

static void slot_set(const char *slot, uint64_t value)
{
	le32_store((uint8_t *)phys_to_virt(low) + (slot - smp_trampoline), (uint32_t)value);
}

/* Virtual is physical for the first 2 MiB; the kernel half as everywhere, but for the private
 * slot. */
static struct phys tables_fill(void)
{
	struct pte *level2 = phys_to_virt(low_phys(LOW_LEVEL2));
	struct pte *level3 = phys_to_virt(low_phys(LOW_LEVEL3));
	struct pte *level4 = phys_to_virt(low_phys(LOW_LEVEL4));
	struct pte *level5 = phys_to_virt(low_phys(LOW_LEVEL5));

	level2[0] = pte_private_leaf(2, phys(0), MMU_EXECUTE);
	level3[0] = pte_table(3, low_phys(LOW_LEVEL2), true);
	level4[0] = pte_table(4, low_phys(LOW_LEVEL3), true);
	for (unsigned slot = PTES_PER_TABLE / 2; slot < PTES_PER_TABLE; slot++)
		level4[slot] = kernel_slot_read(slot);
	level5[0] = pte_table(5, low_phys(LOW_LEVEL4), true);
	level5[PTES_PER_TABLE - 1] = level5[0];
	return low_phys(cpu_features.five_levels ? LOW_LEVEL5 : LOW_LEVEL4);
}

bool smp_trampoline_open(void)
{
	uint64_t size = (uint64_t)(smp_trampoline_end - smp_trampoline);
	struct phys root;

	if (!low.addr)
		return false;
	ASSERT(size <= PAGE_SIZE);
	memset(phys_to_virt(low), 0, LOW_PAGES * PAGE_SIZE);
	memcpy(phys_to_virt(low), smp_trampoline, size);
	root = tables_fill();
	slot_set(smp_slot_gdt_base, low.addr + (uint64_t)(smp_gdt - smp_trampoline));
	slot_set(smp_slot_far32, low.addr + (uint64_t)(smp_32 - smp_trampoline));
	slot_set(smp_slot_far64, low.addr + (uint64_t)(smp_64 - smp_trampoline));
	slot_set(smp_slot_cr3, root.addr);
	slot_set(smp_slot_cr4, CR4_PAE | (cr4_read() & CR4_LA57));
	slot_set(smp_slot_efer, EFER_LME | (cpu_features.no_execute ? EFER_NX : 0));
	return true;
}

unsigned smp_trampoline_page(void)
{
	return (unsigned)(low.addr >> PAGE_SHIFT);
}

void smp_trampoline_close(void)
{
	memset(phys_to_virt(low), 0, LOW_PAGES * PAGE_SIZE);
}

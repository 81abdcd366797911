// SPDX-License-Identifier: MIT
/*
 * The tables the machine really runs on, walked entry by entry: nothing is both writable and
 * executable, text and constants can be written through no address, private frames are in
 * nobody else's reach.
 */
#include <platform/cpu.h>
#include <platform/memory.h>
#include <platform/x86_64/address_space.h>
#include <platform/x86_64/image.h>
#include <platform/paging/mmu_walk.h>
#include <platform/x86_64/private.h>
#include <platform/x86_64/x86.h>
#include <kernel/ipi.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/target/survey.h>
#include <tests/test.h>

TEST(x86_address_space, live_tables_keep_writing_and_executing_apart)
{
	struct survey survey = {0};

	for (unsigned slot = PTES_PER_TABLE / 2; slot < PTES_PER_TABLE; slot++) {
		struct pte entry = kernel_slot_read(slot);

		if (pte_is_present(LEVEL_ROOT, entry))
			survey_table(&survey, 3, page_table_below(LEVEL_ROOT, entry));
	}
	survey_check(&survey);
	CHECK_EQ(survey.bits & BIT64(2), 0); /* none for programs */
}

TEST(x86_address_space, private_pages_are_data_with_guards_between)
{
	const struct pte *level1 = private_page(PRIVATE_PAGE_LEVEL1);
	unsigned mapped = 0;

	for (unsigned page = 0; page < PTES_PER_TABLE; page++) {
		struct pte entry = pte_read(&level1[page]);

		if (!pte_is_present(1, entry))
			continue;
		mapped++;
		CHECK(private_pool_contains(pte_phys(1, entry)));
		CHECK(!(pte_protection(entry) & MMU_EXECUTE) || !cpu_features.no_execute);
	}
	CHECK_EQ(mapped, 13);
	CHECK(!pte_is_present(1, level1[PRIVATE_PAGE_NMI - 1]));
	CHECK(!pte_is_present(1, level1[PRIVATE_PAGE_DF - 1]));
	CHECK(!pte_is_present(1, level1[PRIVATE_PAGE_MC - 1]));
	CHECK(!pte_is_present(1, level1[PRIVATE_PAGE_DB - 1]));
}

/* What one CPU says about itself, in shared memory. */
struct self_portrait {
	struct phys area;
	uint64_t cr3;
	unsigned cpu;
	unsigned strange_slots;
};

static void portrait_take(void *arg)
{
	struct self_portrait *portrait = (struct self_portrait *)arg + cpu_current();
	const struct pte *level4 = private_page(PRIVATE_PAGE_LEVEL4);
	unsigned protection;

	portrait->cpu = cpu_current();
	portrait->cr3 = cr3_read();
	mmu_lookup(private_area(), &portrait->area, &protection);
	for (unsigned slot = 0; slot < PTES_PER_TABLE; slot++) {
		struct pte expected = {0};

		if (slot == SLOT_PRIVATE)
			continue;
		if (slot >= PTES_PER_TABLE / 2)
			expected = kernel_slot_read(slot);
		portrait->strange_slots += level4[slot].bits != expected.bits;
	}
}

TEST(x86_address_space, each_cpu_runs_on_its_own_table_with_its_own_slot)
{
	static struct self_portrait portraits[CPUS_MAX];

	memset(portraits, 0, sizeof(portraits));
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, portrait_take, portraits, true);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		CHECK_EQ(portraits[cpu].cpu, cpu);
		CHECK_EQ(portraits[cpu].strange_slots, 0);
		CHECK(private_pool_contains(portraits[cpu].area));
		CHECK(private_pool_contains(phys(portraits[cpu].cr3)));
		for (unsigned other = 0; other < cpu; other++) {
			CHECK(portraits[cpu].area.addr != portraits[other].area.addr);
			CHECK(portraits[cpu].cr3 != portraits[other].cr3);
		}
	}
}

TEST(x86_address_space, the_owner_of_cr3_is_known)
{
	CHECK_EQ(private_area()->root.addr, cr3_read());
}

TEST_PANICS(x86_address_space, a_kernel_slot_is_frozen, "write to kernel slot 300")
{
	kernel_slot_write(300, (struct pte){0});
}

TEST(x86_address_space, the_direct_map_uses_large_pages)
{
	struct pte slot = kernel_slot_read(SLOT_DIRECT_MAP);
	struct survey survey = {0};

	survey_table(&survey, 3, page_table_below(LEVEL_ROOT, slot));
	/* Small pages at the borders of ranges and of the image, large ones everywhere else. */
	CHECK(survey.leaves < 20000);
}

/* A driver that is bound a thousand times must not use up the room for devices. */
TEST(x86_address_space, registers_mapped_again_have_the_same_address)
{
	const struct phys apic = phys(0xfee00000);
	volatile uint8_t *first = mmio_map(apic, PAGE_SIZE);

	REQUIRE(first != NULL);
	CHECK(mmio_map(apic, PAGE_SIZE) == first);
	CHECK(mmio_map(phys(apic.addr + 0x20), 4) == first + 0x20);
	/* Known by place and size. One that no space is left for takes no page table, wherever
	 * other tests have left the next address. */
	text_sink_open();
	CHECK(mmio_map(apic, SLOT_SIZE) == NULL);
	CHECK(strstr(text_sink_close(), "mmu: no address space or tables") != NULL);
}

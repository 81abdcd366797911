// SPDX-License-Identifier: MIT
/*
 * The tables the machine really runs on, the prefix areas, the direct map that fills itself,
 * and the storage keys.
 */
#include <platform/cpu.h>
#include <platform/memory.h>
#include <platform/paging/mmu_walk.h>
#include <platform/s390x/address_space.h>
#include <platform/s390x/direct_map.h>
#include <platform/image.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/private.h>
#include <platform/s390x/storage_key.h>
#include <platform/s390x/trap.h>
#include <kernel/ipi.h>
#include <mm/folio.h>
#include <tests/target/survey.h>
#include <tests/test.h>

TEST(s390x_address_space, live_tables_keep_writing_and_executing_apart)
{
	struct survey survey = {0};
	uint64_t value;

	/* The segment with the image's alias is among them. */
	CHECK(probe_read64(phys_to_virt(virt_to_phys(kernel_text_start)), &value));
	survey_table(&survey, LEVEL_ROOT - 1, page_table_pointer(address_space_top()));
	survey_check(&survey);
}

/* What one CPU says about itself, in shared memory. */
struct self_portrait {
	uint64_t prefix;
	uint64_t asce;
	struct phys seen;
	unsigned cpu;
	unsigned cpu_address;
};

static void portrait_take(void *arg)
{
	struct self_portrait *portrait = (struct self_portrait *)arg + cpu_current();
	uint32_t prefix;
	unsigned protection;

	__asm__("stpx %0" : "=Q"(prefix));
	portrait->cpu = cpu_current();
	portrait->cpu_address = lowcore()->cpu_address;
	portrait->prefix = prefix;
	portrait->asce = cr1_read();
	mmu_lookup(lowcore(), &portrait->seen, &protection);
}

TEST(s390x_address_space, each_cpu_has_its_own_prefix_area_and_all_share_one_table)
{
	static struct self_portrait portraits[CPUS_MAX];

	memset(portraits, 0, sizeof(portraits));
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, portrait_take, portraits, true);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		CHECK_EQ(portraits[cpu].cpu, cpu);
		CHECK_EQ(portraits[cpu].cpu_address, smp_cpu_address(cpu));
		CHECK_EQ(portraits[cpu].asce, address_space_asce());
		CHECK_EQ(portraits[cpu].seen.addr, portraits[cpu].prefix);
		CHECK(private_pool_contains(phys(portraits[cpu].prefix)));
		for (unsigned other = 0; other < cpu; other++)
			CHECK(portraits[cpu].prefix != portraits[other].prefix);
	}
}

TEST(s390x_address_space, prefix_areas_are_in_no_other_mapping)
{
	unsigned protection;
	uint64_t size, value;
	struct phys pool, p;

	private_pool_extent(&pool, &size);
	CHECK(!mmu_lookup(phys_to_virt(phys(0)), &p, &protection));
	CHECK(!probe_read64(phys_to_virt(phys(LOWCORE_SIZE - 8)), &value));
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		CHECK(!probe_read64(phys_to_virt(phys(pool.addr + at)), &value));
}

/* The machine reads and writes there, and a null pointer points there. */
TEST(s390x_address_space, null_cannot_be_written_and_holes_not_be_read)
{
	uint64_t value;

	CHECK(!probe_write8((void *)lowcore(), 0));
	CHECK(!probe_write8((char *)lowcore() + 0x1ff, 0));
	CHECK(!probe_write8((char *)lowcore() + 0x1000, 0));
	CHECK(!probe_read64((void *)LOWCORE_SIZE, &value));
	CHECK(!probe_read64((void *)(IMAGE_BASE - 8), &value));
	CHECK(!probe_read64(kernel_boot_stack_guard, &value));
	CHECK(!probe_read64(phys_to_virt(phys(DIRECT_MAP_SIZE - 8)), &value));
	CHECK(!probe_read64((void *)MMIO_BASE, &value));
	CHECK(!probe_read64((void *)level_size(LEVEL_ROOT), &value));
	CHECK(!probe_read64((void *)-UINT64_C(4096), &value));
	CHECK(!probe_write8(kernel_text_start, 0));
	CHECK(!probe_write8(phys_to_virt(virt_to_phys(kernel_text_start)), 0));
}

/* br %r14, in data. */
static uint16_t code_in_data[] = {0x07fe};

TEST(s390x_address_space, data_cannot_be_executed)
{
	bool refused = true;

	__asm__ volatile("basr %%r14,%1\n\t"
			 "lhi %0,0\n"
			 "1:\n\t"
			 ".pushsection quire_fixups, \"a\"\n\t"
			 ".quad %2, 1b\n\t"
			 ".popsection"
			 : "+d"(refused)
			 : "a"(code_in_data), "i"(code_in_data)
			 : "r2", "r14", "memory");
	CHECK_EQ(refused, paging_features.no_execute);
}

/* Segments that nobody used before have no page table until then. */
TEST(s390x_address_space, a_segment_is_filled_when_it_is_first_touched)
{
	struct folio *folios[64];
	unsigned count = 0, fresh = 0;

	while (count < ARRAY_SIZE(folios) && !fresh) {
		struct folio *folio = folio_alloc(NODE_ANY, 8, FOLIO_NOWARN, NULL);
		unsigned level = LEVEL_ROOT;
		struct pte *entry;
		char *bytes;

		if (!folio)
			break;
		folios[count++] = folio;
		bytes = folio_address(folio);
		entry = page_table_find((uintptr_t)bytes, &level);
		if (!entry || !pte_is_present(level, pte_read(entry))) {
			uint64_t before = direct_map_segments_filled();

			bytes[5 * PAGE_SIZE] = 'x';
			CHECK_EQ(direct_map_segments_filled(), before + 1);
			bytes[0] = 'y';
			CHECK_EQ(direct_map_segments_filled(), before + 1);
			CHECK_EQ(bytes[5 * PAGE_SIZE], 'x');
			fresh = 1;
		}
	}
	/* Another test may have used all memory before. */
	CHECK(fresh || direct_map_segments_filled() >= count);
	while (count > 0)
		folio_put(folios[--count]);
}

TEST(s390x_storage_key, referenced_and_changed_live_in_the_key)
{
	const uint8_t both = STORAGE_KEY_REFERENCED | STORAGE_KEY_CHANGED;
	struct folio *folio = folio_alloc(NODE_ANY, 0, 0, NULL);
	volatile char *page;
	struct phys p;

	REQUIRE(folio);
	page = folio_address(folio);
	p = folio_phys(folio);
	/* QEMU keeps no keys before the first instruction that asks for one. */
	storage_key_write(p, 0);
	page[0] = 'x';
	CHECK_EQ(storage_key_read(p) & both, both);
	storage_key_write(p, 0);
	CHECK_EQ(storage_key_read(p), 0);
	CHECK_EQ(page[0], 'x');
	CHECK_EQ(storage_key_read(p) & both, STORAGE_KEY_REFERENCED);
	page[1] = 'y';
	CHECK_EQ(storage_key_read(p) & both, both);
	CHECK_EQ(storage_key_reset_referenced(p), both);
	CHECK_EQ(storage_key_read(p) & both, STORAGE_KEY_CHANGED);
	CHECK_EQ(storage_key_reset_referenced(p), STORAGE_KEY_CHANGED);
	folio_put(folio);
}

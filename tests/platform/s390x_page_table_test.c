// SPDX-License-Identifier: MIT
/*
 * Translation-table entries of s390x, bit by bit against the Principles of Operation, with
 * every combination of the facilities that change them.
 */
#include <platform/s390x/page_table_entry.h>
#include <tests/test.h>

/* What a test sets is put back: hosted, nothing uses it. */
static struct paging_features before;

static void features_set(bool edat1, bool edat2, bool instruction_protection)
{
	before = paging_features;
	paging_features = paging_features_choose(edat1, edat2, instruction_protection);
}

static void features_restore(void)
{
	paging_features = before;
}

TEST(s390x_page_table, levels_span_what_the_machine_says)
{
	CHECK_EQ(level_size(1), KIB(4));
	CHECK_EQ(level_size(2), MIB(1));
	CHECK_EQ(level_size(3), GIB(2));
	CHECK_EQ(level_size(4), GIB(4096));
	CHECK_EQ(level_table_size(1), 2048);
	CHECK_EQ(level_table_size(2), 16384);
	CHECK_EQ(level_table_size(4), 16384);
	for (unsigned level = 1; level < LEVEL_ROOT; level++)
		CHECK_EQ(level_size(level) * level_entries(level), level_size(level + 1));
	CHECK_EQ(level_index(1, UINT64_C(0x400012345678)), 0x45);
	CHECK_EQ(level_index(2, UINT64_C(0x400012345678)), 0x123);
	CHECK_EQ(level_index(3, UINT64_C(0x4000f2345678)), 1);
	CHECK_EQ(level_index(4, UINT64_C(0x400012345678)), 16);
}

TEST(s390x_page_table, an_empty_entry_is_invalid_and_of_its_table)
{
	CHECK_EQ(pte_none(1).bits, 0x400);
	CHECK_EQ(pte_none(2).bits, 0x20);
	CHECK_EQ(pte_none(3).bits, 0x24);
	CHECK_EQ(pte_none(4).bits, 0x28);
	for (unsigned level = 1; level <= LEVEL_ROOT; level++)
		CHECK(!pte_is_present(level, pte_none(level)));
}

TEST(s390x_page_table, entries_that_lead_on)
{
	struct phys table = phys(UINT64_C(0x123456800));
	struct phys large = phys(UINT64_C(0x123457000));

	CHECK_EQ(pte_table(2, table, false).bits, 0x123456800);
	CHECK_EQ(pte_table(2, table, true).bits, 0x123456801);
	CHECK_EQ(pte_table(3, large, true).bits, 0x123457007);
	CHECK_EQ(pte_table(4, large, true).bits, 0x12345700b);
	CHECK_EQ(pte_phys(2, pte_table(2, table, true)).addr, table.addr);
	CHECK_EQ(pte_phys(3, pte_table(3, large, true)).addr, large.addr);
	CHECK(pte_is_boot_table(2, pte_table(2, table, true)));
	CHECK(!pte_is_boot_table(2, pte_table(2, table, false)));
	for (unsigned level = 2; level <= LEVEL_ROOT; level++) {
		CHECK(pte_is_present(level, pte_table(level, large, true)));
		CHECK(!pte_is_leaf(level, pte_table(level, large, true)));
	}
}

TEST(s390x_page_table, pages_of_each_protection)
{
	struct phys p = phys(UINT64_C(0x7000));

	features_set(false, false, true);
	CHECK_EQ(pte_leaf(1, p, MMU_WRITE).bits, 0x7100);
	CHECK_EQ(pte_leaf(1, p, MMU_READ).bits, 0x7300);
	CHECK_EQ(pte_leaf(1, p, MMU_EXECUTE).bits, 0x7200);
	features_restore();
	features_set(false, false, false);
	CHECK_EQ(pte_leaf(1, p, MMU_WRITE).bits, 0x7000);
	CHECK_EQ(pte_leaf(1, p, MMU_READ).bits, 0x7200);
	features_restore();
}

TEST(s390x_page_table, large_pages_by_facility)
{
	for (unsigned bits = 0; bits < 4; bits++) {
		bool edat1 = bits & 1, edat2 = bits & 2;

		features_set(edat1, edat2, true);
		CHECK(level_has_leaves(1));
		CHECK_EQ(level_has_leaves(2), edat1);
		CHECK_EQ(level_has_leaves(3), edat1 && edat2);
		CHECK(!level_has_leaves(4));
		features_restore();
	}
	features_set(true, true, true);
	CHECK_EQ(pte_leaf(2, phys(MIB(5)), MMU_WRITE).bits, 0x500500);
	CHECK_EQ(pte_leaf(3, phys(GIB(4)), MMU_READ).bits, 0x100000704);
	CHECK(pte_is_leaf(2, pte_leaf(2, phys(MIB(5)), MMU_WRITE)));
	CHECK(pte_is_present(2, pte_leaf(2, phys(MIB(5)), MMU_WRITE)));
	CHECK_EQ(pte_phys(2, pte_leaf(2, phys(MIB(5)), MMU_EXECUTE)).addr, MIB(5));
	CHECK_EQ(pte_phys(3, pte_leaf(3, phys(GIB(4)), MMU_READ)).addr, GIB(4));
	features_restore();
}

/* Splitting and folding make entries anew from what they read. */
TEST(s390x_page_table, protection_survives_being_read_back)
{
	static const unsigned kinds[] = {MMU_READ, MMU_WRITE, MMU_EXECUTE};

	for (unsigned iep = 0; iep < 2; iep++) {
		features_set(true, true, iep);
		for (unsigned level = 1; level <= 3; level++)
			for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
				struct pte entry = pte_leaf(level, phys(GIB(2)), kinds[i]);
				unsigned again = pte_protection(entry);

				CHECK_EQ(pte_leaf(level, phys(GIB(2)), again).bits, entry.bits);
				CHECK(again == kinds[i] || !iep);
			}
		features_restore();
	}
}

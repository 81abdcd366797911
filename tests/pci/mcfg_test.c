// SPDX-License-Identifier: MIT
/*
 * Row 53: MCFG tables as firmware should not write them.
 */
#include <kernel/bits.h>
#include <pci/mcfg.h>
#include <tests/test.h>

#define ENTRY(n) (44 + 16 * (n))

static uint8_t table[ENTRY(20)];

static void put_entry(unsigned index, uint64_t base, unsigned segment, unsigned first,
		      unsigned last)
{
	uint8_t *entry = table + ENTRY(index);

	memset(entry, 0, 16);
	le64_store(entry, base);
	le16_store(entry + 8, (uint16_t)segment);
	entry[10] = (uint8_t)first;
	entry[11] = (uint8_t)last;
}

static bool is_ram(struct phys start, uint64_t size)
{
	return start.addr < GIB(1) && start.addr + size > 0;
}

TEST(pci_mcfg, A_T53_address_counts_from_bus_0_whatever_the_first_bus)
{
	struct pci_mcfg mcfg;
	struct phys where;
	unsigned entry;

	put_entry(0, 0xe0000000, 0, 0x40, 0x7f);
	pci_mcfg_parse(table, ENTRY(1), is_ram, &mcfg);
	CHECK_EQ(mcfg.count, 1);
	CHECK_EQ(mcfg.problem_count, 0);
	REQUIRE(pci_mcfg_address(&mcfg, pci_address(0, 0x40, 2, 1), &entry, &where));
	CHECK_EQ(where.addr, 0xe0000000u + (0x40u << 20 | 2u << 15 | 1u << 12));
	CHECK(!pci_mcfg_address(&mcfg, pci_address(0, 0x3f, 0, 0), &entry, &where));
	CHECK(!pci_mcfg_address(&mcfg, pci_address(0, 0x80, 0, 0), &entry, &where));
	CHECK(!pci_mcfg_address(&mcfg, pci_address(1, 0x40, 0, 0), &entry, &where));
}

TEST(pci_mcfg, A_T53_truncated_entry_is_reported)
{
	struct pci_mcfg mcfg;

	put_entry(0, 0xe0000000, 0, 0, 0xff);
	pci_mcfg_parse(table, ENTRY(1) + 15, is_ram, &mcfg);
	CHECK_EQ(mcfg.count, 1);
	REQUIRE(mcfg.problem_count == 1);
	CHECK_EQ(mcfg.problems[0], PCI_MCFG_TRUNCATED);
	pci_mcfg_parse(table, 20, is_ram, &mcfg);
	CHECK_EQ(mcfg.count, 0);
	CHECK_EQ(mcfg.problem_count, 1);
}

TEST(pci_mcfg, A_T53_entries_not_to_be_believed_are_left_out_with_a_reason)
{
	static const enum pci_mcfg_problem expected[] = {PCI_MCFG_BASE_ZERO, PCI_MCFG_BUSES,
							 PCI_MCFG_IN_RAM, PCI_MCFG_OVERLAP};
	struct pci_mcfg mcfg;

	put_entry(0, 0xe0000000, 0, 0, 0x3f);
	put_entry(1, 0, 1, 0, 0xff);
	put_entry(2, 0xd0000000, 2, 8, 7);
	put_entry(3, 0x10000000, 3, 0, 0xff);
	put_entry(4, 0xf0000000, 0, 0x30, 0x50);
	put_entry(5, 0xe0000000, 0, 0x40, 0xff);
	pci_mcfg_parse(table, ENTRY(6), is_ram, &mcfg);
	CHECK_EQ(mcfg.count, 2);
	CHECK_EQ(mcfg.entries[1].buses.first, 0x40);
	REQUIRE(mcfg.problem_count == ARRAY_SIZE(expected));
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		CHECK_EQ(mcfg.problems[i], expected[i]);
		CHECK(pci_mcfg_problem_text(expected[i])[0] != '\0');
	}
}

TEST(pci_mcfg, more_entries_than_kept_are_reported)
{
	struct pci_mcfg mcfg;

	for (unsigned i = 0; i < 20; i++)
		put_entry(i, 0xe0000000, i, 0, 0xff);
	pci_mcfg_parse(table, ENTRY(20), NULL, &mcfg);
	CHECK_EQ(mcfg.count, PCI_MCFG_ENTRIES_MAX);
	CHECK_EQ(mcfg.problem_count, 4);
	CHECK_EQ(mcfg.problems[0], PCI_MCFG_TOO_MANY);
}

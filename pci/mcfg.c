// SPDX-License-Identifier: MIT
/*
 * MCFG: 36 bytes of standard header, 8 reserved, entries of 16 bytes (PCI Firmware 3.2, 4.1.2).
 */
#include <pci/mcfg.h>
#include <kernel/bits.h>

#define HEADER_SIZE 44
#define ENTRY_SIZE  16
#define BUS_SIZE    MIB(1)

static const char *const problem_texts[] = {
	[PCI_MCFG_TRUNCATED] = "the table ends inside an entry",
	[PCI_MCFG_BASE_ZERO] = "an entry has address 0",
	[PCI_MCFG_BUSES] = "an entry ends before its first bus",
	[PCI_MCFG_IN_RAM] = "an entry lies in RAM",
	[PCI_MCFG_OVERLAP] = "two entries have the same buses",
	[PCI_MCFG_TOO_MANY] = "there are more entries than are kept",
};

const char *pci_mcfg_problem_text(enum pci_mcfg_problem problem)
{
	return problem_texts[problem];
}

static void leave_out(struct pci_mcfg *mcfg, enum pci_mcfg_problem problem)
{
	if (mcfg->problem_count < PCI_MCFG_ENTRIES_MAX)
		mcfg->problems[mcfg->problem_count++] = problem;
}

static bool overlaps(const struct pci_mcfg *mcfg, const struct pci_bus_range *buses)
{
	for (unsigned i = 0; i < mcfg->count; i++) {
		const struct pci_bus_range *other = &mcfg->entries[i].buses;

		if (other->segment == buses->segment && other->first <= buses->last &&
		    buses->first <= other->last)
			return true;
	}
	return false;
}

static void add_entry(struct pci_mcfg *mcfg, const uint8_t *bytes,
		      bool (*is_ram)(struct phys start, uint64_t size))
{
	struct pci_ecam ecam = {
		.base = phys(le64_load(bytes)),
		.buses = {le16_load(bytes + 8), bytes[10], bytes[11]},
	};
	struct phys start = phys(ecam.base.addr + ecam.buses.first * BUS_SIZE);

	if (ecam.base.addr == 0)
		leave_out(mcfg, PCI_MCFG_BASE_ZERO);
	else if (ecam.buses.last < ecam.buses.first)
		leave_out(mcfg, PCI_MCFG_BUSES);
	else if (is_ram && is_ram(start, (ecam.buses.last - ecam.buses.first + 1u) * BUS_SIZE))
		leave_out(mcfg, PCI_MCFG_IN_RAM);
	else if (overlaps(mcfg, &ecam.buses))
		leave_out(mcfg, PCI_MCFG_OVERLAP);
	else if (mcfg->count == PCI_MCFG_ENTRIES_MAX)
		leave_out(mcfg, PCI_MCFG_TOO_MANY);
	else
		mcfg->entries[mcfg->count++] = ecam;
}

void pci_mcfg_parse(const void *table, size_t length,
		    bool (*is_ram)(struct phys start, uint64_t size), struct pci_mcfg *mcfg)
{
	const uint8_t *bytes = table;
	size_t at;

	mcfg->count = mcfg->problem_count = 0;
	for (at = HEADER_SIZE; at + ENTRY_SIZE <= length; at += ENTRY_SIZE)
		add_entry(mcfg, bytes + at, is_ram);
	if (length != at)
		leave_out(mcfg, PCI_MCFG_TRUNCATED);
}

bool pci_mcfg_address(const struct pci_mcfg *mcfg, struct pci_address address, unsigned *entry,
		      struct phys *where)
{
	for (unsigned i = 0; i < mcfg->count; i++) {
		const struct pci_ecam *ecam = &mcfg->entries[i];

		if (ecam->buses.segment != address.segment || address.bus < ecam->buses.first ||
		    address.bus > ecam->buses.last)
			continue;
		*entry = i;
		*where = phys(ecam->base.addr +
			      ((uint64_t)pci_address_routing_id(address) << 12));
		return true;
	}
	return false;
}

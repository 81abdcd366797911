// SPDX-License-Identifier: MIT
/*
 * The ACPI table MCFG: where configuration space is mapped into memory (ECAM). Parsing is pure;
 * what is not believed is kept with its reason, for the log.
 */
#ifndef PCI_MCFG_H
#define PCI_MCFG_H

#include <pci/config.h>
#include <platform/types.h>
#include <stddef.h>

struct pci_ecam {
	struct phys base; /* of bus 0 of the segment, even if the first bus is another */
	struct pci_bus_range buses;
};

enum pci_mcfg_problem {
	PCI_MCFG_TRUNCATED, /* the table ends inside an entry */
	PCI_MCFG_BASE_ZERO,
	PCI_MCFG_BUSES,   /* last bus below the first */
	PCI_MCFG_IN_RAM,  /* firmware calls the range RAM */
	PCI_MCFG_OVERLAP, /* buses of an entry before */
	PCI_MCFG_TOO_MANY,
};

#define PCI_MCFG_ENTRIES_MAX 16

struct pci_mcfg {
	unsigned count;
	struct pci_ecam entries[PCI_MCFG_ENTRIES_MAX];
	unsigned problem_count; /* entries left out */
	enum pci_mcfg_problem problems[PCI_MCFG_ENTRIES_MAX];
};

/*
 * Read a whole table, whose signature and checksum the caller has checked. is_ram tells whether
 * any byte of [start, start + size) is RAM; NULL: nothing is.
 */
void pci_mcfg_parse(const void *table, size_t length,
		    bool (*is_ram)(struct phys start, uint64_t size), struct pci_mcfg *mcfg);

/* Physical address of a function's 4096 bytes; false when no entry has its bus. */
bool pci_mcfg_address(const struct pci_mcfg *mcfg, struct pci_address address, unsigned *entry,
		      struct phys *where);

const char *pci_mcfg_problem_text(enum pci_mcfg_problem problem);

#endif

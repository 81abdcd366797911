// SPDX-License-Identifier: MIT
/*
 * BARs and bridge windows for a machine whose firmware set none. On a machine that firmware
 * configured nothing here is called, and nothing moves: the console may be behind a BAR.
 */
#ifndef PCI_ASSIGN_H
#define PCI_ASSIGN_H

#include <pci/device.h>

/* Bus addresses that belong to nobody, [start, end). */
struct pci_aperture {
	uint64_t start;
	uint64_t end;
};

enum pci_resource {
	PCI_RESOURCE_IO,
	PCI_RESOURCE_MEMORY,   /* below 4 GiB */
	PCI_RESOURCE_PREFETCH, /* above, behind 64-bit prefetchable windows */
	PCI_RESOURCES,
};

/* True when no function has a BAR with an address. Reads only, and mostly only a few. */
bool pci_is_unconfigured(const struct pci_fabric *fabric);

/*
 * Switch every function off and clear its BARs, windows and bus numbers, but for functions with
 * Enhanced Allocation. Afterwards only pci_fabric_clear() and pci_enumerate() make sense.
 */
void pci_wipe(struct pci_fabric *fabric);

/*
 * Size and place all BARs, ROMs and windows of a wiped and newly enumerated fabric. Decoding
 * stays off: that is for drivers. What finds no room, or does not take its address, is a
 * defect PCI_DEFECT_NO_ROOM and has none. Number of BARs placed, or -ENOMEM with nothing
 * placed. Thread context.
 */
int pci_assign(struct pci_fabric *fabric,
	       const struct pci_aperture apertures[PCI_RESOURCES]) MUST_CHECK;

/* What this machine has free: I/O above 4 KiB, and the largest holes below and above 4 GiB. */
void pci_apertures_find(struct pci_aperture apertures[PCI_RESOURCES]);

#endif

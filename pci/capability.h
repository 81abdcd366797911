// SPDX-License-Identifier: MIT
/*
 * Bounded walks of the two capability lists. Lists come from hardware or from a pasted dump, so
 * every step is checked: alignment, range, number of entries, and a seen set against loops.
 * What comes before a defect is still found.
 */
#ifndef PCI_CAPABILITY_H
#define PCI_CAPABILITY_H

#include <pci/device.h>

/* A walk in progress; no memory is held. Opaque but for offset, id and version. */
struct pci_capability_walk {
	struct pci_device *device;
	unsigned offset;  /* of the entry the walk stands on */
	unsigned id;      /* of that entry */
	unsigned version; /* of that entry; 0 in the standard list */
	uint32_t header;  /* the entry's first dword */
	unsigned next;
	unsigned count;
	bool extended;
	bool unreadable;   /* the list exists but cannot be read */
	uint8_t seen[128]; /* a bit per dword of the space */
};

/*
 * for (pci_capability_walk_start(&w, device); pci_capability_walk_next(&w);) ... w.id, w.offset
 * Defects are added to the device's fabric. After the end `unreadable` tells an unreadable list
 * from an empty one.
 */
void pci_capability_walk_start(struct pci_capability_walk *walk, struct pci_device *device);
void pci_capability_walk_start_extended(struct pci_capability_walk *walk,
					struct pci_device *device);
bool pci_capability_walk_next(struct pci_capability_walk *walk);

/* Fill express, msi, msix, enhanced, ari, sriov and readability of a device. */
void pci_capabilities_collect(struct pci_device *device);

#endif

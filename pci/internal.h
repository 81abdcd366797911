// SPDX-License-Identifier: MIT
/*
 * What the files that build a fabric share with each other and with nobody else.
 */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include <pci/device.h>

#define PCI_BUSES 256

/* A zeroed function in its place of the list, or the one that is there already; NULL, with a
 * defect, when memory is short. */
struct pci_device *pci_device_add(struct pci_fabric *fabric, struct pci_address address);
/* Unlink and free; nothing may point to it. */
void pci_device_remove(struct pci_device *device);

/* The innermost bridge that leads to each bus of one segment; NULL: none known. */
struct pci_bridge_map {
	struct pci_device *to[PCI_BUSES];
};

/* One range of buses while it is scanned; 2.4 KiB of stack. */
struct pci_scan {
	struct pci_fabric *fabric;
	struct pci_bus_range range;
	struct pci_bridge_map bridges;
	bool is_root[PCI_BUSES];
	unsigned configured;   /* bridges with numbers that hold */
	unsigned unconfigured; /* bridges with secondary 0 */
	unsigned wrong;        /* bridges with numbers that do not hold */
};

/* enumerate.c: every function of one bus, as children of `parent` (NULL: a root bus). The
 * first; NULL when nothing answers. */
struct pci_device *pci_scan_bus(struct pci_scan *scan, unsigned bus, struct pci_device *parent);
/* enumerate.c: ids, header, class, bridge numbers and capabilities of a function. */
void pci_device_read_header(struct pci_device *device, uint32_t id);

/* numbering.c: check a bridge's numbers and enter its buses into the map if they hold. */
void pci_bridge_verify(struct pci_scan *scan, struct pci_device *bridge);
/* numbering.c: the buses of a bridge, whoever had them before. */
void pci_bridge_claim(struct pci_bridge_map *map, struct pci_device *bridge);
/* numbering.c: forget all functions of the range and number its roots afresh. */
void pci_renumber(struct pci_scan *scan);

/* listing.c: functions from a back end that lists them, and their tree from bridge numbers. */
void pci_list_functions(struct pci_fabric *fabric);
/* virtual_functions.c: add, or recognise, the virtual functions of every physical function. */
void pci_virtual_functions_add(struct pci_fabric *fabric);

#endif

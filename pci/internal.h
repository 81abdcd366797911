// SPDX-License-Identifier: MIT
/*
 * What the files that build a fabric share with each other and with nobody else.
 */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include <pci/device.h>

/* A zeroed function in its place of the list, or the one that is there already; NULL, with a
 * defect, when memory is short. */
struct pci_device *pci_device_add(struct pci_fabric *fabric, struct pci_address address);
/* Unlink and free; tree links to it must be gone. */
void pci_device_remove(struct pci_device *device);

/* Sets of bus numbers. */
struct pci_bus_set {
	uint64_t bits[4];
};

static inline bool pci_bus_set_has(const struct pci_bus_set *set, unsigned bus)
{
	return set->bits[bus / 64] >> bus % 64 & 1;
}

static inline void pci_bus_set_add(struct pci_bus_set *set, unsigned bus)
{
	set->bits[bus / 64] |= BIT64(bus % 64);
}

/* One range of buses while it is scanned. */
struct pci_scan {
	struct pci_fabric *fabric;
	struct pci_bus_range range;
	struct pci_bus_set scanned;
	struct pci_bus_set roots;
	unsigned configured;   /* bridges with numbers that hold */
	unsigned unconfigured; /* bridges with secondary 0 */
	unsigned wrong;        /* bridges with numbers that do not hold */
};

/* enumerate.c: every function of one bus as children of `parent` (NULL: a root bus). The first.
 */
struct pci_device *pci_scan_bus(struct pci_scan *scan, unsigned bus, struct pci_device *parent);
/* enumerate.c: header, class, bridge numbers and capabilities of a function that answers. */
void pci_device_read_header(struct pci_device *device);

/* numbering.c: may the scan descend through this bridge? Claims its range among siblings. */
bool pci_bridge_verify(struct pci_scan *scan, struct pci_device *bridge,
		       struct pci_bus_set *claimed);
/* numbering.c: forget all functions of the range and number its roots afresh. */
void pci_renumber(struct pci_scan *scan);

/* listing.c: functions from a back end that lists them, and their tree from bridge numbers. */
void pci_list_functions(struct pci_fabric *fabric);

/* virtual_functions.c: add, or recognise, the virtual functions of every physical function. */
void pci_virtual_functions_add(struct pci_fabric *fabric);

/* Make device the last child of parent. `last` is the sibling before it, or NULL. */
static inline void pci_device_link(struct pci_device *device, struct pci_device *parent,
				   struct pci_device *last)
{
	device->parent = parent;
	if (last)
		last->next_sibling = device;
	else if (parent)
		parent->first_child = device;
}

#endif

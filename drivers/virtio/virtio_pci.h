// SPDX-License-Identifier: MIT
/*
 * What virtio_pci.c shows to its tests: the check of one capability that says where a device
 * has its registers. Virtio 1.2, 4.1.4.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_PCI_H
#define DRIVERS_VIRTIO_VIRTIO_PCI_H

#include <kernel/attributes.h>
#include <pci/bar.h>

enum virtio_pci_region_type {
	VIRTIO_PCI_COMMON = 1,
	VIRTIO_PCI_NOTIFY = 2,
	VIRTIO_PCI_ISR = 3,
	VIRTIO_PCI_CONFIG = 4,
};

#define VIRTIO_PCI_COMMON_SIZE 56u /* bytes of the common structure */

/* A capability as read from configuration space, in host order. */
struct virtio_pci_region {
	uint8_t length_of_capability;
	uint8_t type;
	uint8_t bar;
	uint32_t offset;
	uint32_t length;
	uint32_t multiplier; /* only of VIRTIO_PCI_NOTIFY */
};

/* NULL when the region lies inside the memory BAR and is large enough for its type; else what
 * is wrong with it. */
const char *virtio_pci_region_problem(const struct virtio_pci_region *region,
				      const struct pci_bar *bar);

/* Device type behind a PCI id and the subsystem id; 0 when it is none of virtio's. */
uint32_t virtio_pci_type(uint16_t vendor, uint16_t device, uint16_t subsystem);

/* True if a queue's doorbell lies inside the notify region. */
bool virtio_pci_doorbell_fits(const struct virtio_pci_region *notify, uint16_t queue_offset);

#endif

// SPDX-License-Identifier: MIT
/*
 * Base address registers: decoded without a write, sized, mapped. Sizing writes to the register
 * with decoding switched off for a moment, so it is only for a driver on its own device, and
 * for pci/assign.c on functions nobody uses yet.
 */
#ifndef PCI_BAR_H
#define PCI_BAR_H

#include <pci/device.h>

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY32, PCI_BAR_MEMORY64 };

struct pci_bar {
	enum pci_bar_kind kind;
	bool prefetchable;
	uint64_t base; /* bus address, which is the physical address here; 0: not assigned */
	uint64_t size; /* bytes, 0 when not asked for */
};

/* Number of BARs of the header type: 6, 2 for bridges, 0 for others. */
static inline unsigned pci_bar_count(const struct pci_device *device)
{
	return device->header_type == 0 ? 6 : device->header_type == 1 ? 2 : 0;
}

/*
 * Decode BAR `index` without writing. kind is PCI_BAR_NONE for an empty register. 0; -EINVAL
 * for an index the header does not have, the upper half of a 64-bit pair (the caller skips it)
 * or a reserved type; an error of pci/config.h.
 */
int pci_bar_read(const struct pci_device *device, unsigned index,
		 struct pci_bar *bar) MUST_CHECK;

/* As pci_bar_read(), and find the size. kind is PCI_BAR_NONE when no bit can be written. */
int pci_bar_size(const struct pci_device *device, unsigned index,
		 struct pci_bar *bar) MUST_CHECK;

/*
 * Kind, size and prefetchability of the BAR register at `offset`, also of those that a physical
 * function keeps for its virtual ones; base is 0. pair: the next register may be its upper
 * half. Decoding must be off. 0 or an error of pci/config.h.
 */
int pci_bar_measure(const struct pci_device *device, unsigned offset, bool pair,
		    struct pci_bar *bar) MUST_CHECK;

/* Which of the bits `ones` of a 32-bit register can be set; its value is put back. Decoding
 * must be off. 0 or an error of pci/config.h. */
int pci_bar_probe(const struct pci_device *device, unsigned offset, uint32_t ones,
		  uint32_t *bits) MUST_CHECK;

/*
 * Kernel address, uncached, of `length` bytes at `offset` of a memory BAR, with the device's
 * memory decoding switched on. length 0: all from offset on. NULL, after a message, when the
 * BAR is no memory BAR, is not assigned, is too small, or cannot be mapped. Thread context.
 */
volatile void *pci_bar_map(const struct pci_device *device, unsigned index, uint64_t offset,
			   uint64_t length) MUST_CHECK;

#endif

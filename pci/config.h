// SPDX-License-Identifier: MIT
/*
 * Checked access to configuration space over one of several back ends. Every access goes
 * through pci_config_read() and pci_config_write(), which refuse what no hardware should see:
 * widths other than 1, 2, 4, an offset that is no multiple of the width, an offset beyond the
 * space the back end reaches. Values are in host order; a back end converts once. All ones read
 * from a function that does not answer are data (status 0): only the context tells what they
 * mean.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <kernel/attributes.h>
#include <pci/address.h>
#include <stdatomic.h>

#define PCI_SPACE_CONVENTIONAL 256u
#define PCI_SPACE_EXPRESS      4096u

struct pci_access;

/* Buses a back end reaches in one segment, both ends included. */
struct pci_bus_range {
	uint32_t segment;
	uint8_t first;
	uint8_t last;
};

/* One way to reach configuration space. Offsets and widths arrive checked. */
struct pci_access_operations {
	/* Bytes reachable of this function: 0 (bus out of reach), 256 or 4096. */
	unsigned (*space)(struct pci_access *access, struct pci_address address);
	/* 0 or -EIO; *value need not be set on error. */
	int (*read)(struct pci_access *access, struct pci_address address, unsigned offset,
		    unsigned width, uint32_t *value);
	int (*write)(struct pci_access *access, struct pci_address address, unsigned offset,
		     unsigned width, uint32_t value);
	/* The index-th range to scan; false beyond the last. Not with `next`. */
	bool (*range)(struct pci_access *access, unsigned index, struct pci_bus_range *range);
	/*
	 * Only of back ends that know their functions from a list: the first function at or
	 * above *address in the order of pci_address_key(); false when there is none. A listed
	 * function that reads all ones is unreadable, not absent. NULL: the fabric is scanned.
	 */
	bool (*next)(struct pci_access *access, struct pci_address *address);
	/* May this bus, to which no bridge leads, be a root? NULL: any may. Saves looking. */
	bool (*may_be_root)(struct pci_access *access, uint32_t segment, unsigned bus);
	/* Bus addresses of DMA are translated by tables, which nobody here makes. */
	bool translates;
	/* An address for BAR accesses of a back end whose BARs lie in no address space; as
	 * platform_pci_functions.map. NULL: BARs are mapped. */
	volatile void *(*map)(struct pci_access *access, struct pci_address address,
			      unsigned bar, uint64_t offset, uint64_t length);
	/* Let time pass for a device that is not ready. */
	void (*delay)(struct pci_access *access, uint64_t ns);
};

/* A back end's first member. The counters are what reached the back end. */
struct pci_access {
	const struct pci_access_operations *operations;
	_Atomic uint64_t reads;
	_Atomic uint64_t writes;
};

/*
 * 0; -EINVAL for a width or offset no access may have; -ERANGE beyond the space of this
 * function or back end; -EIO when the back end failed. On every error *value is all ones of the
 * width, and after -EINVAL and -ERANGE nothing has been touched. Any context.
 */
int pci_config_read(struct pci_access *access, struct pci_address address, unsigned offset,
		    unsigned width, uint32_t *value);
int pci_config_write(struct pci_access *access, struct pci_address address, unsigned offset,
		     unsigned width, uint32_t value) MUST_CHECK;

/* All ones of a width in bytes, 4 for a width that does not exist. */
static inline uint32_t pci_config_all_ones(unsigned width)
{
	return width == 1 ? 0xffu : width == 2 ? 0xffffu : 0xffffffffu;
}

#endif

// SPDX-License-Identifier: MIT
/*
 * The address of a function: segment, bus, device, function, and its text form
 * ("0000:03:00.1"). With ARI the eight bits of device and function are one function number; the
 * text keeps the split form, as every other tool does.
 */
#ifndef PCI_ADDRESS_H
#define PCI_ADDRESS_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stdint.h>

struct pci_address {
	uint32_t segment; /* 16 bits in ACPI; dumps of other systems have larger ones */
	uint8_t bus;
	uint8_t devfn; /* device << 3 | function */
};

/* "ssss:bb:dd.f", up to eight digits of segment, and the end of the string. */
#define PCI_ADDRESS_TEXT 17

static inline struct pci_address pci_address(unsigned segment, unsigned bus, unsigned device,
					     unsigned function)
{
	return (struct pci_address){segment, (uint8_t)bus,
				    (uint8_t)(device << 3 | (function & 7))};
}

static inline unsigned pci_address_device(struct pci_address a)
{
	return a.devfn >> 3;
}

static inline unsigned pci_address_function(struct pci_address a)
{
	return a.devfn & 7u;
}

/* Routing id: bus << 8 | devfn. */
static inline unsigned pci_address_routing_id(struct pci_address a)
{
	return (unsigned)a.bus << 8 | a.devfn;
}

/* All of it, ascending in the order of listings. */
static inline uint64_t pci_address_key(struct pci_address a)
{
	return (uint64_t)a.segment << 16 | pci_address_routing_id(a);
}

static inline bool pci_address_equal(struct pci_address a, struct pci_address b)
{
	return pci_address_key(a) == pci_address_key(b);
}

/* Writes at most PCI_ADDRESS_TEXT bytes and returns text. */
char *pci_address_format(struct pci_address address, char text[PCI_ADDRESS_TEXT]);

#endif

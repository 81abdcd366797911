// SPDX-License-Identifier: MIT
/*
 * Addresses as text.
 */
#include <pci/address.h>
#include <kernel/format.h>

char *pci_address_format(struct pci_address address, char text[PCI_ADDRESS_TEXT])
{
	format(text, PCI_ADDRESS_TEXT, "%04x:%02x:%02x.%x", (unsigned)address.segment,
	       address.bus, pci_address_device(address), pci_address_function(address));
	return text;
}

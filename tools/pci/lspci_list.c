// SPDX-License-Identifier: MIT
/*
 * A function's line and its bytes, for the command and for the loader's dump.
 */
#include <tools/pci/lspci.h>
#include <kernel/log.h>
#include <tools/pci/names.h>

/* The segment is shown only when the fabric has another than 0. */
void lspci_print_function(const struct pci_device *device, bool details)
{
	const struct pci_device *last =
		list_entry(device->fabric->devices.prev, struct pci_device, link);
	char text[PCI_ADDRESS_TEXT], class[PCI_NAME_TEXT];

	pci_address_format(device->address, text);
	print("%s ", last->address.segment == 0 ? text + 5 : text);
	if (device->readability == PCI_UNREADABLE) {
		print("!!! Does not answer\n");
		return;
	}
	print("%s: Device %04x:%04x", pci_class_name(device->class_code, class), device->vendor,
	      device->device);
	if (device->revision)
		print(" (rev %02x)", device->revision);
	if (details && device->class_code & 0xff)
		print(" (prog-if %02x)", (unsigned)device->class_code & 0xff);
	print("\n");
}

void lspci_print_bytes(const struct pci_device *device, unsigned size)
{
	struct pci_access *access = device->fabric->access;
	unsigned space = access->operations->space(access, device->address);

	for (unsigned offset = 0; offset < size && offset < space; offset += 4) {
		uint32_t value = pci_get(device, offset, 4);

		if (offset % 16 == 0)
			print("%02x:", offset);
		print(" %02x %02x %02x %02x%s", (unsigned)value & 0xff,
		      (unsigned)value >> 8 & 0xff, (unsigned)value >> 16 & 0xff,
		      (unsigned)value >> 24, offset % 16 == 12 ? "\n" : "");
	}
}

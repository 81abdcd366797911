// SPDX-License-Identifier: MIT
/*
 * Text form of addresses, both ways. The reader takes what people and tools write: with or
 * without a segment, and segments longer than four digits.
 */
#include <pci/address.h>
#include <ctype.h>
#include <errno.h>
#include <kernel/format.h>

char *pci_address_format(struct pci_address address, char text[PCI_ADDRESS_TEXT])
{
	format(text, PCI_ADDRESS_TEXT, "%04x:%02x:%02x.%x", (unsigned)address.segment,
	       address.bus, pci_address_device(address), pci_address_function(address));
	return text;
}

/* Step over up to eight digits; false when there is none. */
static bool read_hex(const char **at, uint32_t *value)
{
	const char *start = *at;

	for (*value = 0; *at < start + 8 && isxdigit((unsigned char)**at); ++*at)
		*value = *value << 4 |
			 (uint32_t)(isdigit((unsigned char)**at) ? **at - '0'
								 : (**at | 0x20) - 'a' + 10);
	return *at > start;
}

int pci_address_parse(const char *text, struct pci_address *address)
{
	uint32_t segment = 0, bus, device, function;
	const char *at = text;

	if (!read_hex(&at, &bus) || *at++ != ':' || !read_hex(&at, &device))
		return -EINVAL;
	if (*at == ':') {
		at++;
		segment = bus;
		bus = device;
		if (!read_hex(&at, &device))
			return -EINVAL;
	}
	if (*at++ != '.' || !read_hex(&at, &function) || at[-2] != '.' || bus > 0xff ||
	    device > 31 || function > 7)
		return -EINVAL;
	*address = pci_address(segment, bus, device, function);
	return (int)(at - text);
}

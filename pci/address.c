// SPDX-License-Identifier: MIT
/*
 * Text form of addresses, both ways. The reader takes what people and tools write: with or
 * without a segment, and segments longer than four digits.
 */
#include <pci/address.h>
#include <errno.h>
#include <kernel/format.h>

char *pci_address_format(struct pci_address address, char text[PCI_ADDRESS_TEXT])
{
	format(text, PCI_ADDRESS_TEXT, "%04x:%02x:%02x.%x", (unsigned)address.segment,
	       address.bus, pci_address_device(address), pci_address_function(address));
	return text;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Up to eight digits; their number. */
static int hex_number(const char *text, uint32_t *value)
{
	int length = 0;

	for (*value = 0; length < 8 && hex_digit(text[length]) >= 0; length++)
		*value = *value << 4 | (uint32_t)hex_digit(text[length]);
	return length;
}

int pci_address_parse(const char *text, struct pci_address *address)
{
	uint32_t part[4] = {0}; /* segment, bus, device, function */
	const char *at = text;
	int length = hex_number(at, &part[1]);

	if (length == 0 || at[length] != ':')
		return -EINVAL;
	at += length + 1;
	length = hex_number(at, &part[2]);
	if (length > 0 && at[length] == ':') {
		part[0] = part[1];
		part[1] = part[2];
		at += length + 1;
		length = hex_number(at, &part[2]);
	}
	if (length == 0 || at[length] != '.')
		return -EINVAL;
	at += length + 1;
	length = hex_number(at, &part[3]);
	if (length != 1 || part[1] > 0xff || part[2] > 31 || part[3] > 7)
		return -EINVAL;
	*address = pci_address(part[0], part[1], part[2], part[3]);
	return (int)(at - text) + length;
}

// SPDX-License-Identifier: MIT
/*
 * Names for numbers: classes of functions, capabilities, port types. Our own short list; what
 * is not in it is shown as a number. Each writes into `text` and returns it. And addresses, as
 * people write them.
 */
#ifndef TOOLS_PCI_NAMES_H
#define TOOLS_PCI_NAMES_H

#include <pci/device.h>

#define PCI_NAME_TEXT 64

/* Of a 24-bit class code, by base and sub class: "Host bridge". */
char *pci_class_name(uint32_t class_code, char text[PCI_NAME_TEXT]);

/* The other way: base and sub class behind such a name, -1 when it is in no list. */
int pci_class_of_name(const char *name, size_t length);

/* Of the standard or the extended list. */
char *pci_capability_name(unsigned id, bool is_extended, char text[PCI_NAME_TEXT]);

/* "root port", "legacy endpoint"; "conventional" without a PCI Express capability. */
char *pci_port_type_name(const struct pci_device *device, char text[PCI_NAME_TEXT]);

/*
 * Read "[segment:]bus:device.function", hexadecimal, at the start of text. Number of characters
 * taken, or -EINVAL when there is no address; what follows is the caller's business.
 */
int pci_address_parse(const char *text, struct pci_address *address) MUST_CHECK;

#endif

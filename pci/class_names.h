// SPDX-License-Identifier: MIT
/*
 * Names for numbers: classes of functions, capabilities, port types. Our own short list; what
 * is not in it is shown as a number.
 */
#ifndef PCI_CLASS_NAMES_H
#define PCI_CLASS_NAMES_H

#include <pci/device.h>

/* Text for a 24-bit class code, by base and sub class: "Host bridge". NULL: not in the list. */
const char *pci_class_name(uint32_t class_code);

/* Standard and extended capability ids; NULL: not in the list. */
const char *pci_capability_name(unsigned id);
const char *pci_extended_capability_name(unsigned id);

/* "root port", "legacy endpoint"; "conventional" without a PCI Express capability. */
const char *pci_port_type_name(const struct pci_device *device);

#endif

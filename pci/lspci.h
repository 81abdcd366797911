// SPDX-License-Identifier: MIT
/*
 * The fabric as text, in the format that people know from pciutils (with numeric ids).
 */
#ifndef PCI_LSPCI_H
#define PCI_LSPCI_H

#include <pci/device.h>

/* One function: "00:02.0 PCI bridge: Device 8086:2f04 (rev 02)". The segment is shown only when
 * the fabric has another than 0, the programming interface only with the details. */
void lspci_print_function(const struct pci_device *device, bool details);
/* The indented lines of -v. Reads registers; writes none. */
void lspci_print_details(struct pci_device *device);
/* Hexadecimal dump of the first `size` bytes, or fewer if there are no more. */
void lspci_print_bytes(const struct pci_device *device, unsigned size);
/* All roots as trees. */
void lspci_print_tree(const struct pci_fabric *fabric);

/* The command on any fabric; argv as typed. 0, -EINVAL for arguments (with a message), -ENODEV
 * for an address where nothing is. */
int lspci_run(struct pci_fabric *fabric, int argc, char **argv) MUST_CHECK;

#endif

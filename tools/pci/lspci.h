// SPDX-License-Identifier: MIT
/*
 * The fabric as text, in the format that people know from pciutils (with numeric ids).
 */
#ifndef TOOLS_PCI_LSPCI_H
#define TOOLS_PCI_LSPCI_H

#include <pci/device.h>

/* The function's line; -v shows more on it. */
void lspci_print_function(const struct pci_device *device, bool details);
/* Its first `size` bytes, or as many as can be reached, in rows of 16. */
void lspci_print_bytes(const struct pci_device *device, unsigned size);
/* The indented lines of -v. Reads registers; writes none. */
void lspci_print_details(struct pci_device *device);
/* All roots as trees. */
void lspci_print_tree(const struct pci_fabric *fabric);

/* The command on any fabric; argv as typed. 0, -EINVAL for arguments (with a message), -ENODEV
 * for an address where nothing is. */
int lspci_run(struct pci_fabric *fabric, int argc, char **argv) MUST_CHECK;

#endif

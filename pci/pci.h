// SPDX-License-Identifier: MIT
/*
 * Start of PCI on this machine: choose the back end, enumerate, report what was wrong.
 */
#ifndef PCI_PCI_H
#define PCI_PCI_H

/* Fill pci_fabric. A machine without PCI is told so and goes on. Once, in thread context, after
 * memory and ACPI are up. */
void pci_init(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * Finds every function of a fabric. Numbers that firmware gave to bridges are trusted after
 * verification, otherwise given afresh, depth first. No console output while it runs: what was
 * wrong is in the fabric's defects.
 */
#ifndef PCI_ENUMERATE_H
#define PCI_ENUMERATE_H

#include <pci/device.h>

/*
 * Fill an empty fabric. 0 with at least one function; -ENODEV when nothing answers; -ENOMEM,
 * with what fitted kept. Thread context.
 */
int pci_enumerate(struct pci_fabric *fabric) MUST_CHECK;

/* Fill pci_fabric: choose the back end, enumerate, place what firmware left without a place,
 * and report what was wrong. A machine without PCI is told so and goes on. Once, in thread
 * context, after memory and ACPI are up. */
void pci_init(void);

#endif

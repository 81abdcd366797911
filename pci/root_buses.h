// SPDX-License-Identifier: MIT
/*
 * Numbers of root buses as firmware names them. Looking for a second root by asking all 256
 * buses costs 8,192 accesses, each an exit to a hypervisor; the AML code mostly says it in so
 * many bytes: Name (_BBN, number) in each host bridge.
 */
#ifndef PCI_ROOT_BUSES_H
#define PCI_ROOT_BUSES_H

#include <pci/internal.h>
#include <stddef.h>

/*
 * Add the constant _BBN of one table of AML. False when a _BBN is computed (a method, a field):
 * then nobody knows without running the code, and every bus must be asked.
 */
bool pci_root_buses_collect(const uint8_t *code, size_t length, struct pci_bus_set *roots);

/* All tables of this machine. False as above, or when there is no AML at all. */
bool pci_root_buses_find(struct pci_bus_set *roots);

#endif

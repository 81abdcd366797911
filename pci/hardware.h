// SPDX-License-Identifier: MIT
/*
 * The back end of a real machine: ECAM where the MCFG says so and the hardware agrees, ports
 * CF8/CFC for what is left of segment 0; or the functions that the machine lists.
 */
#ifndef PCI_HARDWARE_H
#define PCI_HARDWARE_H

#include <pci/config.h>

/*
 * The machine's access; NULL when it has none. Maps ECAM, compares it with the ports where
 * both exist, and says on the log what it ignores. Once.
 */
struct pci_access *pci_hardware_access(void);

/* The access of a machine that lists its functions, and its name; NULL where it does not. */
struct pci_access *pci_functions_access(const char **description);

/* One line for reports: "ECAM segment 0 bus 00-ff (checked against CF8/CFC)". */
const char *pci_hardware_description(void);

#endif

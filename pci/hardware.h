// SPDX-License-Identifier: MIT
/*
 * The back end of a real machine: ECAM where the MCFG says so and the hardware agrees, ports
 * CF8/CFC for what is left of segment 0.
 */
#ifndef PCI_HARDWARE_H
#define PCI_HARDWARE_H

#include <pci/config.h>

/*
 * The machine's access; NULL when it has neither. Maps ECAM, compares it with the ports where
 * both exist, and says on the log what it ignores. Once.
 */
struct pci_access *pci_hardware_access(void);

/* One line for reports: "ECAM segment 0 bus 00-ff (checked against CF8/CFC)". */
const char *pci_hardware_description(void);

#endif

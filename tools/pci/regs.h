// SPDX-License-Identifier: MIT
/*
 * Registers that people read and pci/ has no use for; as pci/regs.h, which goes with it.
 */
#ifndef TOOLS_PCI_REGS_H
#define TOOLS_PCI_REGS_H

#include <pci/regs.h>

#define PCI_REG_LATENCY        0x0d
#define PCI_REG_IO_WINDOW_HIGH 0x30 /* header type 1 */
#define PCI_STATUS_66MHZ       0x0020
#define PCI_EXP_FLAGS_SLOT     0x0100
#define PCI_EXP_LINK_CAP       0x0c

#endif

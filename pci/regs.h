// SPDX-License-Identifier: MIT
/*
 * Offsets and bits of configuration space that Quire uses. Facts from the PCI 3.0, PCI-to-PCI
 * Bridge 1.2 and PCI Express Base 5.0 specifications; names are ours.
 */
#ifndef PCI_REGS_H
#define PCI_REGS_H

/* Header, common part. */
#define PCI_REG_VENDOR        0x00
#define PCI_REG_COMMAND       0x04
#define PCI_REG_STATUS        0x06
#define PCI_REG_CLASS         0x08 /* revision in the low byte */
#define PCI_REG_HEADER        0x0e
#define PCI_REG_BAR0          0x10
#define PCI_REG_SUBSYSTEM     0x2c /* header type 0 */
#define PCI_REG_ROM           0x30 /* header type 0 */
#define PCI_REG_CAPABILITIES  0x34
#define PCI_REG_INTERRUPT     0x3c /* line, then pin */
#define PCI_HEADER_MULTI      0x80
#define PCI_COMMAND_IO        0x0001
#define PCI_COMMAND_MEMORY    0x0002
#define PCI_COMMAND_MASTER    0x0004
#define PCI_COMMAND_NO_INTX   0x0400
#define PCI_STATUS_CAPABILITY 0x0010

/* Header type 1. */
#define PCI_REG_BUS_NUMBERS         0x18 /* primary, secondary, subordinate, latency timer */
#define PCI_REG_IO_WINDOW           0x1c
#define PCI_REG_MEMORY_WINDOW       0x20
#define PCI_REG_PREFETCH_WINDOW     0x24
#define PCI_REG_PREFETCH_BASE_HIGH  0x28
#define PCI_REG_PREFETCH_LIMIT_HIGH 0x2c
#define PCI_REG_BRIDGE_ROM          0x38

/* Header type 2. */
#define PCI_REG_CARDBUS_CAPABILITIES 0x14

/* BAR bits. */
#define PCI_BAR_IS_IO       0x1
#define PCI_BAR_TYPE_MASK   0x6
#define PCI_BAR_TYPE_64     0x4
#define PCI_BAR_PREFETCH    0x8
#define PCI_ROM_FLAGS       0x7ffu
#define PCI_BAR_IO_MASK     0xfffffffcu
#define PCI_BAR_MEMORY_MASK 0xfffffff0u

/* Standard capabilities. */
#define PCI_CAP_MSI      0x05
#define PCI_CAP_VENDOR   0x09
#define PCI_CAP_EXPRESS  0x10
#define PCI_CAP_MSIX     0x11
#define PCI_CAP_ENHANCED 0x14
#define PCI_CAP_FIRST    0x40
#define PCI_CAP_MAX      48

/* Extended capabilities. */
#define PCI_EXT_ARI   0x000e
#define PCI_EXT_SRIOV 0x0010
#define PCI_EXT_FIRST 0x100
#define PCI_EXT_MAX   480

/* MSI and MSI-X. */
#define PCI_MSI_CONTROL     2 /* MSI-X has its own at the same place */
#define PCI_MSI_ADDRESS     4
#define PCI_MSI_ENABLE      0x0001
#define PCI_MSI_CAPABLE     0x000e /* log2, as the count given, three bits up */
#define PCI_MSI_COUNT_MASK  0x0070
#define PCI_MSI_64BIT       0x0080
#define PCI_MSI_MASKABLE    0x0100
#define PCI_MSIX_TABLE      4
#define PCI_MSIX_SIZE_MASK  0x07ff
#define PCI_MSIX_MASK_ALL   0x4000
#define PCI_MSIX_ENABLE     0x8000
#define PCI_MSIX_ENTRY_SIZE 16
#define PCI_MSIX_ENTRY_MASK 0x1

/* PCI Express capability. */
#define PCI_EXP_FLAGS         0x02
#define PCI_EXP_FLAGS_VERSION 0x000f
#define PCI_EXP_FLAGS_TYPE    0x00f0
#define PCI_EXP_DEVCAP2       0x24        /* version 2 and later only */
#define PCI_EXP_DEVCTL2       0x28        /* version 2 and later only */
#define PCI_EXP_ROUTING       0x00000040u /* Device Capabilities 2 */
#define PCI_EXP_COMPLETE_32   0x00000080u
#define PCI_EXP_COMPLETE_64   0x00000100u
#define PCI_EXP_COMPLETE_128  0x00000200u
#define PCI_EXP_ARI_FORWARD   0x0020u /* Device Control 2 */
#define PCI_EXP_REQUESTER     0x0040u
#define PCI_EXP_EGRESS_BLOCK  0x0080u

/* ARI and SR-IOV. */
#define PCI_ARI_NEXT      0x05
#define PCI_SRIOV_CONTROL 0x08
#define PCI_SRIOV_ENABLE  0x0001
#define PCI_SRIOV_MEMORY  0x0008 /* virtual functions decode */
#define PCI_SRIOV_TOTAL   0x0e
#define PCI_SRIOV_COUNT   0x10
#define PCI_SRIOV_OFFSET  0x14
#define PCI_SRIOV_STRIDE  0x16
#define PCI_SRIOV_DEVICE  0x1a
#define PCI_SRIOV_BAR0    0x24

#endif

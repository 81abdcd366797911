# SPDX-License-Identifier: MIT
# PCI Express: access, enumeration, the AtomicOps path check, and the commands about them.

sources += \
	pci/address.c \
	pci/atomic_enable.c \
	pci/atomic_ops.c \
	pci/atomic_reasons.c \
	pci/atomic_report.c \
	pci/atomic_report_json.c \
	pci/atomics.c \
	pci/bar.c \
	pci/capability.c \
	pci/class_names.c \
	pci/config.c \
	pci/device.c \
	pci/enumerate.c \
	pci/functions.c \
	pci/hardware.c \
	pci/image.c \
	pci/intx.c \
	pci/listing.c \
	pci/lspci.c \
	pci/lspci_details.c \
	pci/lspci_tree.c \
	pci/mcfg.c \
	pci/msix.c \
	pci/numbering.c \
	pci/pci.c \
	pci/root_buses.c \
	pci/virtual_functions.c

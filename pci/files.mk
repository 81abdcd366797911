# SPDX-License-Identifier: MIT
# PCI Express: access, enumeration, resources, interrupts, and the AtomicOps path check.

sources += \
	pci/address.c \
	pci/assign.c \
	pci/atomic_enable.c \
	pci/atomic_ops.c \
	pci/bar.c \
	pci/capability.c \
	pci/config.c \
	pci/device.c \
	pci/enumerate.c \
	pci/functions.c \
	pci/hardware.c \
	pci/intx.c \
	pci/listing.c \
	pci/msix.c \
	pci/numbering.c \
	pci/pci.c \
	pci/virtual_functions.c

# SPDX-License-Identifier: MIT
# A fabric as text: the report and lspci, which the kernel's shell, a loader and host programs
# share; and the dumps people paste, read into images.

sources += \
	tools/pci/atomic_report.c \
	tools/pci/atomic_words.c \
	tools/pci/atomics.c \
	tools/pci/lspci.c \
	tools/pci/lspci_details.c \
	tools/pci/lspci_list.c \
	tools/pci/lspci_tree.c \
	tools/pci/names.c

tests += \
	tools/pci/dump.c \
	tools/pci/image.c \
	tools/pci/lspci_text.c

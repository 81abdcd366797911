# SPDX-License-Identifier: MIT

tests += \
	tests/pci/atomic_enable_test.c \
	tests/pci/atomic_ops_test.c \
	tests/pci/topology.c

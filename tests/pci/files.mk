# SPDX-License-Identifier: MIT

tests += \
	tests/pci/atomic_enable_test.c \
	tests/pci/atomic_ops_test.c \
	tests/pci/atomic_oracle.c \
	tests/pci/atomic_oracle_test.c \
	tests/pci/capability_test.c \
	tests/pci/config_test.c \
	tests/pci/enumerate_test.c \
	tests/pci/topology.c

# SPDX-License-Identifier: MIT

tests += \
	tests/pci/assign_test.c \
	tests/pci/atomic_enable_test.c \
	tests/pci/atomic_ops_test.c \
	tests/pci/atomic_oracle.c \
	tests/pci/atomic_oracle_test.c \
	tests/pci/capability_test.c \
	tests/pci/config_test.c \
	tests/pci/dump_test.c \
	tests/pci/enumerate_test.c \
	tests/pci/lspci_text_test.c \
	tests/pci/report_test.c \
	tests/pci/topology.c

tests-hosted += tests/pci/functions_test.c tests/pci/driver_test.c tests/pci/fixtures_test.c tests/pci/hardware_test.c

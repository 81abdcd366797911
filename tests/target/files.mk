# SPDX-License-Identifier: MIT
# What needs a machine.

tests-target += tests/target/pci_machine_test.c

# SPDX-License-Identifier: MIT

tests-target += tests/bench/pci_bench.c

# SPDX-License-Identifier: MIT

tests-target += tests/bench/pci_bench.c
tests-target += tests/bench/mm_bench.c

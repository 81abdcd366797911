# SPDX-License-Identifier: MIT

tests-target += tests/bench/pci_bench.c
tests-target += tests/bench/mm_bench.c
tests-target += tests/bench/churn.c

# A program of its own: tests/bench/frames_workloads.c (tools/build-hosted.mk).
# One that runs in a Linux guest: tests/bench/large_folios_linux.c (large_folios_linux.py builds it).

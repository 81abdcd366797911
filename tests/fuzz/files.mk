# SPDX-License-Identifier: MIT
# Each NAME is tests/fuzz/NAME_fuzz.c with its corpus in tests/fuzz/corpus/NAME.
fuzzers += virtqueue
fuzz-support += tests/drivers/fake_ring.c

# SPDX-License-Identifier: MIT
# Each NAME is tests/fuzz/NAME_fuzz.c with its corpus in tests/fuzz/corpus/NAME.
fuzzers += acpi command_line efi_memory_map pvh_info sclp virtqueue
# Linked into every fuzzer, in the place of platform/hosted/main.c.
fuzz-support += tests/fuzz/fuzz_platform.c
fuzz-support += tests/drivers/fake_ring.c
fuzzers += pci_capability pci_dump
fuzz-support += tools/pci/dump.c tools/pci/image.c tools/pci/lspci_text.c
# The memory core under programs of operations.
fuzzers += frames mm_objects
fuzz-support += tests/model/frames_play.c tests/model/objects_play.c

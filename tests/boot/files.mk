# SPDX-License-Identifier: MIT

tests += tests/boot/memory_map_test.c tests/boot/pvh_info_test.c
tests-hosted += tests/boot/memory_map_efi_test.c

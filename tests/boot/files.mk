# SPDX-License-Identifier: MIT

tests += tests/boot/memory_map_test.c tests/boot/pvh_info_test.c

# Parts of the EFI loader.
sources-hosted += boot/elf_load.c boot/fw_cfg.c boot/memory_map_efi.c boot/text.c
tests-hosted += \
	tests/boot/elf_load_test.c \
	tests/boot/fw_cfg_test.c \
	tests/boot/memory_map_efi_test.c \
	tests/boot/text_test.c

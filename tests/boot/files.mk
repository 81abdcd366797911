# SPDX-License-Identifier: MIT

tests += tests/boot/memory_map_test.c tests/boot/pvh_info_test.c

# The start of s390x.
tests-hosted += tests/boot/ipl_info_test.c
tests-s390x += tests/boot/ipl_info_test.c
sources-hosted += boot/ipl_info.c

# Parts of the EFI loader.
sources-hosted += \
	boot/elf_load.c \
	boot/fw_cfg.c \
	boot/memory_map_efi.c \
	boot/report_access.c \
	boot/text.c \
	boot/text_format.c
tests-hosted += \
	boot/efi_files.c \
	boot/efi_memory.c \
	tests/boot/efi_files_test.c \
	tests/boot/efi_memory_test.c \
	tests/boot/elf_load_test.c \
	tests/boot/fw_cfg_test.c \
	tests/boot/memory_map_efi_test.c \
	tests/boot/report_access_test.c \
	tests/boot/text_format_test.c \
	tests/boot/text_test.c

# These see GNU-EFI's headers, the way the loader does.
%/boot/efi_files.o %/boot/efi_files_test.o %/boot/efi_memory.o %/boot/efi_memory_test.o: flags += -isystem /usr/include/efi \
	-isystem /usr/include/efi/x86_64 -fshort-wchar -DGNU_EFI_USE_MS_ABI

# SPDX-License-Identifier: MIT

# Portable: the kernel (direct boot) and the tests; the EFI loader compiles its own copies
# (boot/efi.mk).
sources += boot/memory_map.c boot/pvh_info.c

sources-x86_64 += \
	boot/kernel_start.c \
	boot/pvh_start.S

# s390x: -kernel and IPL; the parser also hosted.
sources-s390x += \
	boot/ipl_info.c \
	boot/ipl_main.c \
	boot/ipl_start.S

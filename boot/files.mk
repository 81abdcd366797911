# SPDX-License-Identifier: MIT

sources-x86_64 += \
	boot/kernel_start.c \
	boot/pvh_start.S

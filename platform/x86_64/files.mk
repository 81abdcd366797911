# SPDX-License-Identifier: MIT

sources-x86_64 += \
	platform/x86_64/console.c \
	platform/x86_64/framebuffer_console.c \
	platform/x86_64/framebuffer_font.c \
	platform/x86_64/i8042.c \
	platform/x86_64/keyboard.c \
	platform/x86_64/serial_console.c

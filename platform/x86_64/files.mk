# SPDX-License-Identifier: MIT

# Start and address space.
sources-x86_64 += \
	platform/x86_64/entry.S \
	platform/x86_64/memory.c

# Consoles.
sources-x86_64 += \
	platform/x86_64/console.c \
	platform/x86_64/framebuffer_console.c \
	platform/x86_64/framebuffer_font.c \
	platform/x86_64/i8042.c \
	platform/x86_64/keyboard.c \
	platform/x86_64/serial_console.c

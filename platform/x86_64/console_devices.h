// SPDX-License-Identifier: MIT
/*
 * When the port brings up which console device; platform/console.h is what the kernel uses.
 */
#ifndef PLATFORM_X86_64_CONSOLE_DEVICES_H
#define PLATFORM_X86_64_CONSOLE_DEVICES_H

#include <stdint.h>

struct boot_framebuffer;

/* First of all: the serial line. Text written before the framebuffer comes is kept for it. */
void console_init_serial(void);

/* Once device memory can be mapped: `pixels` maps framebuffer->base. Nothing happens when there
 * is none. */
void console_init_framebuffer(const struct boot_framebuffer *framebuffer,
			      volatile uint32_t *pixels);

/* Once time may be spent: the keyboard. */
void console_init_keyboard(void);

#endif

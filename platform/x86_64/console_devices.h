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

/* `pixels` maps framebuffer->base. The first call clears the screen and shows what was written
 * before; a later one only follows the framebuffer to where it is mapped now. Nothing happens
 * without pixels or with a description that makes no sense. */
void console_init_framebuffer(const struct boot_framebuffer *framebuffer,
			      volatile uint32_t *pixels);

/* The framebuffer's mapping goes away: keep what is written until it is mapped again. */
void console_hide_framebuffer(void);

/* Once time may be spent: the keyboard. */
void console_init_keyboard(void);

#endif

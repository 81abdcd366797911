// SPDX-License-Identifier: MIT
/*
 * Characters out and in, on every console the machine has (serial, framebuffer, keyboard).
 */
#ifndef PLATFORM_CONSOLE_H
#define PLATFORM_CONSOLE_H

#include <platform/types.h>

/* Write text to all consoles. Any context, also before everything else and in a panic; the
 * caller serialises. Never blocks for ever: a dead serial line is given up. */
void console_write(const char *text, size_t length);

/* Next input character, or -1 when there is none. Never waits. */
int console_read(void);

/* True when some device could ever give input. */
bool console_has_input(void);

/* From now on `notify` is called, in interrupt context, whenever input may be waiting. */
void console_set_input_notifier(void (*notify)(void));

/* Columns and rows; 80x24 when unknown. */
void console_size(unsigned *columns, unsigned *rows);

#endif

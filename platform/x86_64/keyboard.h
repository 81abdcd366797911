// SPDX-License-Identifier: MIT
/*
 * Scan codes of a PC keyboard (set 1 or 2) to the characters a terminal would send, US layout.
 * Pure: bytes in, text out.
 */
#ifndef PLATFORM_X86_64_KEYBOARD_H
#define PLATFORM_X86_64_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyboard {
	bool set2;     /* scan code set 2 instead of 1 */
	bool extended; /* 0xe0 seen */
	bool release;  /* set 2: 0xf0 seen */
	unsigned skip; /* bytes of the pause key still to come */
	bool shift;
	bool control;
	bool caps;
};

#define KEYBOARD_TEXT_MAX 4

/* Take one byte; what it types goes to text (not terminated). The number of characters. */
size_t keyboard_take(struct keyboard *keyboard, uint8_t code, char text[KEYBOARD_TEXT_MAX]);

#endif

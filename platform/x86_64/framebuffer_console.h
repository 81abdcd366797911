// SPDX-License-Identifier: MIT
/*
 * Text on a linear framebuffer of 32-bit pixels. What is shown is kept as characters: the
 * framebuffer is only ever written, because reading it back is slow on real machines. Knows the
 * few escape sequences the line editor uses: CSI n C, n D, K, J and H.
 */
#ifndef PLATFORM_X86_64_FRAMEBUFFER_CONSOLE_H
#define PLATFORM_X86_64_FRAMEBUFFER_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_framebuffer;

#define FONT_GLYPHS 95
#define FONT_ROWS   8
#define CELL_WIDTH  8
#define CELL_HEIGHT 16

extern const uint8_t framebuffer_font[FONT_GLYPHS][FONT_ROWS];

#define FRAMEBUFFER_COLUMNS_MAX 256
#define FRAMEBUFFER_ROWS_MAX    96

struct framebuffer_console {
	volatile uint32_t *pixels;
	uint32_t stride; /* pixels per line */
	uint32_t ink;    /* pixel values */
	uint32_t paper;
	unsigned columns;
	unsigned rows;
	unsigned column; /* of the next character; == columns: wraps first */
	unsigned row;
	enum { ESCAPE_NONE, ESCAPE_SEEN, ESCAPE_CSI } escape;
	unsigned parameter;
	char cells[FRAMEBUFFER_ROWS_MAX][FRAMEBUFFER_COLUMNS_MAX];
};

/* Clear the screen. False, and nothing drawn, when the description makes no sense: no base, a
 * line shorter than the width, too small for a line of text. `pixels` maps the framebuffer. */
bool framebuffer_console_init(struct framebuffer_console *console,
			      const struct boot_framebuffer *framebuffer,
			      volatile uint32_t *pixels);

void framebuffer_console_write(struct framebuffer_console *console, const char *text,
			       size_t length);

#endif

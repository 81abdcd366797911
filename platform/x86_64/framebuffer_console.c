// SPDX-License-Identifier: MIT
/*
 * Text console on a framebuffer: cells, scrolling, cursor, escape sequences.
 */
#include "framebuffer_console.h"

#include <kernel/bits.h>
#include <kernel/boot_info.h>

#define SHADE_INK   0xd0u
#define SHADE_PAPER 0x10u

static uint32_t grey(const struct boot_framebuffer *framebuffer, uint32_t shade)
{
	return shade << framebuffer->red_shift | shade << framebuffer->green_shift |
	       shade << framebuffer->blue_shift;
}

/* Eight pixels of one font row, leftmost in bit 7: dots two wide, overlapping. */
static uint8_t cell_line(char c, unsigned line)
{
	unsigned glyph = (unsigned char)c - ' ';
	unsigned dots = framebuffer_font[glyph < FONT_GLYPHS ? glyph : '?' - ' '][line / 2];

	return (uint8_t)(dots << 2 | dots << 1);
}

static void cell_draw(struct framebuffer_console *console, unsigned row, unsigned column,
		      bool cursor)
{
	volatile uint32_t *at = console->pixels + (size_t)row * CELL_HEIGHT * console->stride +
				(size_t)column * CELL_WIDTH;

	for (unsigned line = 0; line < CELL_HEIGHT; line++, at += console->stride) {
		uint8_t dots = cell_line(console->cells[row][column], line);

		if (cursor && line >= CELL_HEIGHT - 2)
			dots = 0xff;
		for (unsigned x = 0; x < CELL_WIDTH; x++)
			at[x] = dots & 0x80u >> x ? console->ink : console->paper;
	}
}

static void cell_set(struct framebuffer_console *console, unsigned row, unsigned column, char c)
{
	if (console->cells[row][column] == c)
		return;
	console->cells[row][column] = c;
	cell_draw(console, row, column, false);
}

static void cursor_draw(struct framebuffer_console *console, bool shown)
{
	if (console->column < console->columns)
		cell_draw(console, console->row, console->column, shown);
}

bool framebuffer_console_init(struct framebuffer_console *console,
			      const struct boot_framebuffer *framebuffer,
			      volatile uint32_t *pixels)
{
	if (!pixels || framebuffer->stride < framebuffer->width ||
	    framebuffer->width < CELL_WIDTH || framebuffer->height < CELL_HEIGHT ||
	    framebuffer->red_shift > 24 || framebuffer->green_shift > 24 ||
	    framebuffer->blue_shift > 24)
		return false;
	console->pixels = pixels;
	console->stride = framebuffer->stride;
	console->ink = grey(framebuffer, SHADE_INK);
	console->paper = grey(framebuffer, SHADE_PAPER);
	console->columns = MIN(framebuffer->width / CELL_WIDTH, FRAMEBUFFER_COLUMNS_MAX);
	console->rows = MIN(framebuffer->height / CELL_HEIGHT, FRAMEBUFFER_ROWS_MAX);
	console->column = 0;
	console->row = 0;
	console->escape = ESCAPE_NONE;
	memset(console->cells, ' ', sizeof(console->cells));
	for (size_t y = 0; y < framebuffer->height; y++)
		for (size_t x = 0; x < framebuffer->width; x++)
			pixels[y * framebuffer->stride + x] = console->paper;
	return true;
}

static void scroll(struct framebuffer_console *console)
{
	for (unsigned row = 0; row + 1 < console->rows; row++)
		for (unsigned column = 0; column < console->columns; column++)
			cell_set(console, row, column, console->cells[row + 1][column]);
	for (unsigned column = 0; column < console->columns; column++)
		cell_set(console, console->rows - 1, column, ' ');
}

static void line_feed(struct framebuffer_console *console)
{
	console->column = 0;
	if (console->row + 1 < console->rows)
		console->row++;
	else
		scroll(console);
}

static void erase_from_cursor(struct framebuffer_console *console, bool below)
{
	for (unsigned column = console->column; column < console->columns; column++)
		cell_set(console, console->row, column, ' ');
	for (unsigned row = console->row + 1; below && row < console->rows; row++)
		for (unsigned column = 0; column < console->columns; column++)
			cell_set(console, row, column, ' ');
}

/* The final character of ESC [ parameter. */
static void escape_run(struct framebuffer_console *console, char c)
{
	unsigned count = MAX(console->parameter, 1u);

	switch (c) {
	case 'C':
		console->column = MIN(console->column + MIN(count, console->columns),
				      console->columns - 1);
		break;
	case 'D':
		console->column -= MIN(count, console->column);
		break;
	case 'H':
		console->row = 0;
		console->column = 0;
		break;
	case 'J':
		erase_from_cursor(console, true);
		break;
	case 'K':
		erase_from_cursor(console, false);
		break;
	default:
		break;
	}
}

static void escape_character(struct framebuffer_console *console, char c)
{
	if (console->escape == ESCAPE_SEEN) {
		console->escape = c == '[' ? ESCAPE_CSI : ESCAPE_NONE;
		console->parameter = 0;
	} else if (c >= '0' && c <= '9') {
		console->parameter = MIN(console->parameter * 10 + (unsigned)(c - '0'), 9999u);
	} else if (c >= '@' && c <= '~') {
		console->escape = ESCAPE_NONE;
		escape_run(console, c);
	}
}

static void plain_character(struct framebuffer_console *console, char c)
{
	switch (c) {
	case '\n':
		line_feed(console);
		break;
	case '\r':
		console->column = 0;
		break;
	case '\b':
		console->column -= console->column > 0;
		break;
	case '\t':
		console->column = MIN((console->column | 7) + 1, console->columns - 1);
		break;
	case 0x1b:
		console->escape = ESCAPE_SEEN;
		break;
	default:
		if ((unsigned char)c < ' ')
			break;
		if (console->column >= console->columns)
			line_feed(console);
		cell_set(console, console->row, console->column++, c);
	}
}

void framebuffer_console_write(struct framebuffer_console *console, const char *text,
			       size_t length)
{
	cursor_draw(console, false);
	for (size_t i = 0; i < length; i++) {
		if (console->escape != ESCAPE_NONE)
			escape_character(console, text[i]);
		else
			plain_character(console, text[i]);
	}
	cursor_draw(console, true);
}

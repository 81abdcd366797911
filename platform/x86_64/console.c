// SPDX-License-Identifier: MIT
/*
 * All consoles of a PC behind platform/console.h. Writers are serialised by the log's lock;
 * input belongs to the one thread that reads it.
 */
#include "console_devices.h"

#include "framebuffer_console.h"
#include "i8042.h"
#include "port_io.h"
#include "serial_console.h"

#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <platform/console.h>
#include <platform/irq.h>

#define SERIAL_BASE    0x3f8
#define SERIAL_LINE    4
#define KEYBOARD_LINE  1
/* Scan codes looked at in one console_read() before giving the caller a turn. */
#define SCAN_CODES_MAX 32u

static uint8_t serial_register_read(unsigned reg)
{
	return port_read8((uint16_t)(SERIAL_BASE + reg));
}

static void serial_register_write(unsigned reg, uint8_t value)
{
	port_write8((uint16_t)(SERIAL_BASE + reg), value);
}

static struct serial_line serial = {.read = serial_register_read,
				    .write = serial_register_write};
static struct i8042 keyboard = {.read = port_read8, .write = port_write8};
static struct framebuffer_console screen;
static bool screen_ready;

/* What was said while there was no framebuffer to show it. */
static char early_text[8192];
static size_t early_used;

static char typed[KEYBOARD_TEXT_MAX];
static size_t typed_count;
static size_t typed_next;

static void (*input_notify)(void);

void console_init_serial(void)
{
	serial_probe(&serial);
}

void console_init_framebuffer(const struct boot_framebuffer *framebuffer,
			      volatile uint32_t *pixels)
{
	bool first = screen.columns == 0;

	if (!pixels || (first && !framebuffer_console_init(&screen, framebuffer, pixels)))
		return;
	screen.pixels = pixels;
	screen_ready = true;
	framebuffer_console_write(&screen, early_text, early_used);
	early_used = 0;
}

void console_hide_framebuffer(void)
{
	screen_ready = false;
}

void console_init_keyboard(void)
{
	i8042_probe(&keyboard);
}

void console_write(const char *text, size_t length)
{
	serial_write(&serial, text, length);
	if (screen_ready) {
		framebuffer_console_write(&screen, text, length);
		return;
	}
	length = MIN(length, sizeof(early_text) - early_used);
	memcpy(early_text + early_used, text, length);
	early_used += length;
}

static int keyboard_read(void)
{
	bool more = typed_next == typed_count;

	for (unsigned i = 0; more && i < SCAN_CODES_MAX; i++) {
		typed_next = 0;
		typed_count = i8042_read(&keyboard, typed, &more);
		more = more && typed_count == 0;
	}
	return typed_next < typed_count ? (unsigned char)typed[typed_next++] : -1;
}

int console_read(void)
{
	int c = serial_read(&serial);

	return c >= 0 ? c : keyboard_read();
}

bool console_has_input(void)
{
	return serial.alive || keyboard.present;
}

static void input_interrupt(void *arg)
{
	(void)arg;
	input_notify();
}

/* One ISA line (edge, active high unless the firmware tables override that). Without an
 * interrupt the reader's own polling still finds the input, only later. */
static void route_line(unsigned line)
{
	struct irq_vector vector;

	if (irq_vector_alloc(0, input_interrupt, NULL, &vector) != 0)
		return;
	if (irq_line_route(line, false, false, &vector) != 0)
		irq_vector_free(&vector);
}

void console_set_input_notifier(void (*notify)(void))
{
	bool first = input_notify == NULL;

	input_notify = notify;
	if (!first)
		return;
	if (serial.alive) {
		route_line(SERIAL_LINE);
		serial_enable_interrupt(&serial);
	}
	if (keyboard.present)
		route_line(KEYBOARD_LINE);
}

void console_size(unsigned *columns, unsigned *rows)
{
	*columns = 80;
	*rows = 24;
	if (screen_ready && !serial.alive) {
		*columns = screen.columns;
		*rows = screen.rows;
	}
}

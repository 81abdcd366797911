// SPDX-License-Identifier: MIT
/*
 * A 16550 serial line over register access functions, so that tests can give it a register
 * model. Register layout: the chip's data sheet. Callers serialise writes; reads belong to one
 * thread.
 */
#ifndef PLATFORM_X86_64_SERIAL_CONSOLE_H
#define PLATFORM_X86_64_SERIAL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct serial_line {
	/* reg: 0 to 7, offset from the line's base port. */
	uint8_t (*read)(unsigned reg);
	void (*write)(unsigned reg, uint8_t value);
	bool alive;         /* probed, and not given up since */
	unsigned fifo_size; /* 16, or 1 for a chip without */
	unsigned fifo_room; /* bytes that may be written before looking at the status again */
};

/* Looks for a chip by its scratch register, sets 115200 8N1 and the FIFOs. False: none there.
 */
bool serial_probe(struct serial_line *line);

/* Text with \n sent as \r\n. A line that takes nothing for about a second is given up. */
void serial_write(struct serial_line *line, const char *text, size_t length);

/* Next received byte, or -1. Never waits. */
int serial_read(struct serial_line *line);

/* Let the chip raise its interrupt line for received bytes. */
void serial_enable_interrupt(struct serial_line *line);

#endif

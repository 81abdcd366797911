// SPDX-License-Identifier: MIT
/*
 * 16550: probing, sending with the FIFO, receiving.
 */
#include "serial_console.h"

#include <kernel/bits.h>

#define REG_DATA             0 /* divisor low while LCR_DIVISOR */
#define REG_INTERRUPT_ENABLE 1 /* divisor high while LCR_DIVISOR */
#define REG_FIFO_CONTROL     2 /* read: interrupt identification */
#define REG_LINE_CONTROL     3
#define REG_MODEM_CONTROL    4
#define REG_LINE_STATUS      5
#define REG_SCRATCH          7

#define IER_RECEIVED       BIT(0)
#define FCR_ENABLE_RESET   0x07u /* enable, clear both FIFOs, trigger at one byte */
#define IIR_FIFO           0xc0u /* both set: the FIFOs work */
#define LCR_8N1            0x03u
#define LCR_DIVISOR        BIT(7)
#define MCR_DTR_RTS_OUT2   0x0bu /* OUT2 lets the interrupt through on a PC */
#define LSR_RECEIVED       BIT(0)
#define LSR_TRANSMIT_EMPTY BIT(5)

#define DIVISOR_115200 1
#define FIFO_SIZE      16
/* A status read takes about a microsecond on a PC's bus. */
#define POLLS_MAX      1000000u

static bool scratch_holds(struct serial_line *line, uint8_t value)
{
	line->write(REG_SCRATCH, value);
	return line->read(REG_SCRATCH) == value;
}

bool serial_probe(struct serial_line *line)
{
	line->alive = false;
	line->fifo_room = 0;
	if (!scratch_holds(line, 0x5a) || !scratch_holds(line, 0xa5))
		return false;
	line->write(REG_INTERRUPT_ENABLE, 0);
	line->write(REG_LINE_CONTROL, LCR_DIVISOR);
	line->write(REG_DATA, DIVISOR_115200);
	line->write(REG_INTERRUPT_ENABLE, 0);
	line->write(REG_LINE_CONTROL, LCR_8N1);
	line->write(REG_FIFO_CONTROL, FCR_ENABLE_RESET);
	line->write(REG_MODEM_CONTROL, MCR_DTR_RTS_OUT2);
	line->fifo_size = (line->read(REG_FIFO_CONTROL) & IIR_FIFO) == IIR_FIFO ? FIFO_SIZE : 1;
	line->alive = true;
	return true;
}

static bool wait_for_room(struct serial_line *line)
{
	for (unsigned i = 0; i < POLLS_MAX; i++) {
		if (line->read(REG_LINE_STATUS) & LSR_TRANSMIT_EMPTY) {
			line->fifo_room = line->fifo_size;
			return true;
		}
	}
	line->alive = false;
	return false;
}

static void write_byte(struct serial_line *line, char c)
{
	if (line->fifo_room == 0 && !wait_for_room(line))
		return;
	line->write(REG_DATA, (uint8_t)c);
	line->fifo_room--;
}

void serial_write(struct serial_line *line, const char *text, size_t length)
{
	for (size_t i = 0; i < length && line->alive; i++) {
		if (text[i] == '\n')
			write_byte(line, '\r');
		if (line->alive)
			write_byte(line, text[i]);
	}
}

int serial_read(struct serial_line *line)
{
	if (!line->alive)
		return -1;
	uint8_t status = line->read(REG_LINE_STATUS);
	/* All ones: nothing answers on the bus any more. */
	if (status == 0xff || !(status & LSR_RECEIVED))
		return -1;
	return line->read(REG_DATA);
}

void serial_enable_interrupt(struct serial_line *line)
{
	if (line->alive)
		line->write(REG_INTERRUPT_ENABLE, IER_RECEIVED);
}

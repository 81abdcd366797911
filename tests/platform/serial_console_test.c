// SPDX-License-Identifier: MIT
/*
 * The 16550 driver against a register model.
 */
#include <platform/x86_64/serial_console.h>
#include <tests/test.h>

#include <string.h>

static struct {
	uint8_t scratch;
	uint8_t line_control;
	uint8_t divisor;
	uint8_t interrupt_enable;
	bool absent;
	bool fifo;
	bool stuck; /* transmitter never empties */
	unsigned fifo_used;
	unsigned overruns;
	char sent[128];
	size_t nr_sent;
	const char *received;
} chip;

static uint8_t chip_read(unsigned reg)
{
	if (chip.absent)
		return 0xff;
	switch (reg) {
	case 0:
		return *chip.received ? (uint8_t)*chip.received++ : 0;
	case 2:
		return chip.fifo ? 0xc1 : 0x01;
	case 5:
		if (!chip.stuck)
			chip.fifo_used = 0;
		return (uint8_t)((chip.stuck ? 0 : 0x60) | (*chip.received ? 1 : 0));
	case 7:
		return chip.scratch;
	default:
		return 0;
	}
}

static void chip_write(unsigned reg, uint8_t value)
{
	if (reg == 7)
		chip.scratch = value;
	if (reg == 3)
		chip.line_control = value;
	if (reg == 0 && (chip.line_control & 0x80)) {
		chip.divisor = value;
	} else if (reg == 0) {
		chip.overruns += chip.fifo_used >= (chip.fifo ? 16 : 1);
		chip.fifo_used++;
		if (chip.nr_sent < sizeof(chip.sent) - 1)
			chip.sent[chip.nr_sent++] = (char)value;
	}
	if (reg == 1 && !(chip.line_control & 0x80))
		chip.interrupt_enable = value;
}

static struct serial_line make_line(bool fifo)
{
	memset(&chip, 0, sizeof(chip));
	chip.received = "";
	chip.fifo = fifo;
	return (struct serial_line){.read = chip_read, .write = chip_write};
}

TEST(serial_console, probes_and_sets_the_line)
{
	struct serial_line line = make_line(true);

	CHECK(serial_probe(&line));
	CHECK_EQ(chip.divisor, 1);
	CHECK_EQ(chip.line_control, 3);
	CHECK_EQ(chip.interrupt_enable, 0);
	serial_enable_interrupt(&line);
	CHECK_EQ(chip.interrupt_enable, 1);
}

TEST(serial_console, absent_chip_is_silent)
{
	struct serial_line line = make_line(true);

	chip.absent = true;
	CHECK(!serial_probe(&line));
	serial_write(&line, "text", 4);
	CHECK_EQ(chip.nr_sent, 0);
	CHECK_EQ(serial_read(&line), -1);
}

static void check_long_text(bool fifo)
{
	struct serial_line line = make_line(fifo);
	const char *text = "0123456789abcdefghij\nklmnopqrstuvwxyz\n";

	CHECK(serial_probe(&line));
	serial_write(&line, text, strlen(text));
	CHECK_EQ(chip.overruns, 0);
	CHECK_STR(chip.sent, "0123456789abcdefghij\r\nklmnopqrstuvwxyz\r\n");
}

TEST(serial_console, never_overruns_the_fifo)
{
	check_long_text(true);
	check_long_text(false);
}

TEST(serial_console, stuck_line_is_given_up)
{
	struct serial_line line = make_line(true);

	CHECK(serial_probe(&line));
	chip.stuck = true;
	serial_write(&line, "0123456789abcdefX", 17);
	CHECK(!line.alive);
	chip.stuck = false;
	serial_write(&line, "more", 4);
	CHECK_EQ(chip.nr_sent, 0);
}

TEST(serial_console, receives_until_empty)
{
	struct serial_line line = make_line(true);

	CHECK(serial_probe(&line));
	chip.received = "ab";
	CHECK_EQ(serial_read(&line), 'a');
	CHECK_EQ(serial_read(&line), 'b');
	CHECK_EQ(serial_read(&line), -1);
	chip.absent = true; /* unplugged: the bus reads ones for ever */
	CHECK_EQ(serial_read(&line), -1);
}

// SPDX-License-Identifier: MIT
/*
 * The consoles behind the service processor: an ASCII terminal, and the line-mode console of
 * operators, which wants whole lines in EBCDIC. Every one that is there gets all output, and
 * gives input. All state below belongs to whoever holds the service processor.
 */
#include <platform/console.h>

#include <platform/irq.h>
#include <platform/s390x/line_text.h>
#include <platform/s390x/sclp.h>
#include <kernel/bits.h>

#define ASCII_CONSOLE SCLP_EVENT_MASK(SCLP_EVENT_ASCII)
#define LINE_CONSOLE  SCLP_EVENT_MASK(SCLP_EVENT_MESSAGE)
#define INPUT                                                  \
	(ASCII_CONSOLE | SCLP_EVENT_MASK(SCLP_EVENT_COMMAND) | \
	 SCLP_EVENT_MASK(SCLP_EVENT_PRIORITY))

static uint8_t block[SCLP_BLOCK_SIZE] ALIGNED(4096);

static uint32_t can_receive; /* by the other side: our output */
static uint32_t can_send;
static struct line_text line;

/* All that one answer can hold. */
static char typed[SCLP_BLOCK_SIZE];
static size_t typed_count;
static size_t typed_next;

static void (*input_notify)(void);

void console_init(void)
{
	bool held = sclp_hold();

	sclp_mask_build(block, INPUT, ASCII_CONSOLE | LINE_CONSOLE);
	if (sclp_request(SCLP_WRITE_MASK, block) != 0 ||
	    !sclp_mask_parse(block, &can_send, &can_receive))
		can_send = can_receive = 0;
	sclp_release(held);
}

/* A console that does not answer is none. */
static void block_send(uint32_t console)
{
	if (sclp_request(SCLP_WRITE_EVENT, block) != 0)
		can_receive &= ~console;
}

static void line_send(void)
{
	sclp_line_build(block, line.text, line.length);
	line.length = 0;
	block_send(LINE_CONSOLE);
}

void console_write(const char *text, size_t length)
{
	struct irq_state state = irq_save();
	bool held = sclp_hold();

	for (size_t at = 0; at < length && (can_receive & ASCII_CONSOLE);) {
		at += sclp_ascii_build(block, text + at, length - at);
		block_send(ASCII_CONSOLE);
	}
	for (size_t at = 0; at < length && (can_receive & LINE_CONSOLE); at++)
		if (line_text_put(&line, text[at]))
			line_send();
	sclp_release(held);
	irq_restore(state);
}

/* What the service processor has for us, as far as there is room. */
static void events_read(void)
{
	struct sclp_event event;
	size_t cursor = 0;

	typed_next = typed_count = 0;
	sclp_read_build(block);
	if (sclp_request(SCLP_READ_EVENT, block) != 0 ||
	    sclp_block_response(block) != SCLP_RESPONSE_OK)
		return;
	while (sclp_event_next(block, &cursor, &event))
		typed_count += sclp_event_text(&event, typed + typed_count,
					       sizeof(typed) - typed_count);
}

int console_read(void)
{
	struct irq_state state;
	bool held;

	if (typed_next < typed_count)
		return (unsigned char)typed[typed_next++];
	state = irq_save();
	held = sclp_hold();
	/* A prompt shows before somebody answers it. */
	if (line.length && (can_receive & LINE_CONSOLE))
		line_send();
	if (sclp_events_pending())
		events_read();
	sclp_release(held);
	irq_restore(state);
	return typed_next < typed_count ? (unsigned char)typed[typed_next++] : -1;
}

bool console_has_input(void)
{
	return (can_send & INPUT) != 0;
}

void console_events_arrived(void)
{
	if (input_notify && !sclp_waits_here())
		input_notify();
}

void console_set_input_notifier(void (*notify)(void))
{
	input_notify = notify;
}

void console_size(unsigned *columns, unsigned *rows)
{
	*columns = 80;
	*rows = 24;
}

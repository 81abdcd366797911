// SPDX-License-Identifier: MIT
/*
 * The log: a ring of bytes, and the only writer of the console.
 *
 * Own lock instead of kernel/lock.h, because the lock checker, NMI handlers and a fault inside
 * the logger itself must still be able to log: a CPU that holds the lock already goes on
 * without taking it again, and a panic breaks it. Interrupts are off while it is held.
 *
 * The ring holds lines as one level digit, text, newline. `ring_end` counts bytes ever written,
 * `console_position` how far the console has seen them.
 */
#include <kernel/log.h>

#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/format.h>
#include <platform/clock.h>
#include <platform/console.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#define RING_SIZE 65536u /* power of two */

static char ring[RING_SIZE];
static uint64_t ring_end;
static uint64_t console_position;

static _Atomic uint32_t lock_owner; /* CPU + 1 */
static _Atomic bool lock_broken;
static _Atomic int console_level = LOG_INFO;
static _Atomic unsigned interruptions;

static bool print_unfinished; /* the console stands inside a line of print() */
static bool interactive_at_start = true;
static void (*output_sink)(const char *text, size_t length);
static void (*_Atomic print_pager)(const char *text, size_t length);

static const char *const level_names[] = {"error", "warn", "info", "debug"};

struct log_hold {
	struct irq_state irq;
	bool nested;
};

static struct log_hold log_hold(void)
{
	struct log_hold hold = {.irq = irq_save()};
	uint32_t self = cpu_current() + 1;

	if (atomic_load_explicit(&lock_owner, memory_order_relaxed) == self) {
		hold.nested = true;
		return hold;
	}
	uint32_t expected = 0;
	while (!atomic_compare_exchange_weak_explicit(
		&lock_owner, &expected, self, memory_order_acquire, memory_order_relaxed)) {
		if (atomic_load_explicit(&lock_broken, memory_order_relaxed)) {
			hold.nested = true;
			return hold;
		}
		expected = 0;
		cpu_relax();
	}
	return hold;
}

static void log_release(struct log_hold hold)
{
	if (!hold.nested)
		atomic_store_explicit(&lock_owner, 0, memory_order_release);
	irq_restore(hold.irq);
}

static void output(const char *text, size_t length)
{
	if (output_sink)
		output_sink(text, length);
	else
		console_write(text, length);
}

static uint64_t ring_oldest(void)
{
	if (ring_end <= RING_SIZE)
		return 0;
	/* The first whole line after the overwritten part. */
	uint64_t position = ring_end - RING_SIZE + 1;
	while (position < ring_end && ring[(position - 1) % RING_SIZE] != '\n')
		position++;
	return position;
}

static void ring_put(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		ring[ring_end++ % RING_SIZE] = text[i];
}

/* Copy the line at *position, without its level, to line[size]; its level, or -1 at the end. */
static int ring_next(uint64_t *position, char *line, size_t size, size_t *length)
{
	*position = MAX(*position, ring_oldest());
	if (*position >= ring_end)
		return -1;
	int level = ring[(*position)++ % RING_SIZE] - '0';
	*length = 0;
	while (*position < ring_end) {
		char c = ring[(*position)++ % RING_SIZE];
		if (*length < size)
			line[(*length)++] = c;
		if (c == '\n')
			break;
	}
	return level;
}

static void console_catch_up(void)
{
	char line[LOG_LINE_MAX + 64];
	size_t length;
	int level;

	if (print_unfinished && !atomic_load_explicit(&lock_broken, memory_order_relaxed))
		return;
	while ((level = ring_next(&console_position, line, sizeof(line), &length)) >= 0) {
		if (level > atomic_load_explicit(&console_level, memory_order_relaxed))
			continue;
		if (!interactive_at_start || print_unfinished) {
			output("\n", 1);
			interactive_at_start = true;
			print_unfinished = false;
			atomic_fetch_add_explicit(&interruptions, 1, memory_order_relaxed);
		}
		output(line, length);
	}
}

static size_t line_compose(char *line, size_t size, enum log_level level, const char *pattern,
			   va_list args)
{
	uint64_t us = clock_ns() / NSEC_PER_USEC;
	int used = format(line, size, "%c[%5u.%06u] %s", '0' + (int)level,
			  (unsigned)(us / 1000000), (unsigned)(us % 1000000),
			  level == LOG_ERROR  ? "error: "
			  : level == LOG_WARN ? "warning: "
					      : "");
	int length = format_va(line + used, size - (size_t)used, pattern, args);
	size_t total = MIN((size_t)used + (size_t)length, size - 1);

	while (total > (size_t)used && line[total - 1] == '\n')
		total--;
	/* A line is one line: what stands inside must not look like several. */
	for (size_t i = (size_t)used; i < total; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			line[i] = ' ';
	line[total++] = '\n';
	return total;
}

void log_line(enum log_level level, const char *pattern, ...)
{
	char line[LOG_LINE_MAX + 40];
	va_list args;

	va_start(args, pattern);
	size_t length = line_compose(line, sizeof(line), level, pattern, args);
	va_end(args);
	struct log_hold hold = log_hold();
	ring_put(line, length);
	/* A line that interrupted the logger itself waits for the one that holds the lock. */
	if (!hold.nested || atomic_load_explicit(&lock_broken, memory_order_relaxed))
		console_catch_up();
	log_release(hold);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&console_level, (int)level, memory_order_relaxed);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load_explicit(&console_level, memory_order_relaxed);
}

bool log_level_parse(const char *text, enum log_level *level)
{
	for (unsigned i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0 ||
		    (text[0] == (char)('0' + i) && text[1] == '\0')) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_init(void)
{
	const char *text = command_line_get("loglevel");
	enum log_level level;

	if (!text)
		return;
	if (log_level_parse(text, &level))
		log_set_level(level);
	else
		log_warn("log: loglevel=%s is no level: use error, warn, info, debug or 0 to 3",
			 text);
}

static void print_piece(const char *text, size_t length)
{
	void (*pager)(const char *, size_t) = atomic_load(&print_pager);

	if (pager)
		pager(text, length);
	struct log_hold hold = log_hold();
	if (!interactive_at_start) {
		output("\n", 1);
		interactive_at_start = true;
	}
	output(text, length);
	print_unfinished = text[length - 1] != '\n';
	if (!print_unfinished && !hold.nested)
		console_catch_up();
	log_release(hold);
}

void print_text(const char *text, size_t length)
{
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t piece = newline ? (size_t)(newline - text) + 1 : length;
		print_piece(text, piece);
		text += piece;
		length -= piece;
	}
}

void print(const char *pattern, ...)
{
	static const char cut[] = "[cut]\n";
	char text[PRINT_MAX + 1];
	va_list args;

	va_start(args, pattern);
	int length = format_va(text, sizeof(text), pattern, args);
	va_end(args);
	if ((size_t)length < sizeof(text)) {
		print_text(text, (size_t)length);
		return;
	}
	print_text(text, PRINT_MAX);
	print_text(cut, sizeof(cut) - 1);
}

void print_finish_line(void)
{
	struct log_hold hold = log_hold();
	bool unfinished = print_unfinished;

	log_release(hold);
	if (unfinished)
		print_text("\n", 1);
}

void log_write_interactive(const char *text, size_t length)
{
	if (length == 0)
		return;
	struct log_hold hold = log_hold();
	output(text, length);
	interactive_at_start = text[length - 1] == '\n';
	log_release(hold);
}

unsigned log_interruptions(void)
{
	return atomic_load_explicit(&interruptions, memory_order_relaxed);
}

void print_set_pager(void (*pager)(const char *text, size_t length))
{
	atomic_store(&print_pager, pager);
}

bool log_ring_next(uint64_t *position, char *line, size_t size)
{
	size_t length = 0;
	struct log_hold hold = log_hold();
	bool found = ring_next(position, line, size - 1, &length) >= 0;

	log_release(hold);
	line[length - (length > 0 && line[length - 1] == '\n')] = '\0';
	return found;
}

uint64_t log_ring_end(void)
{
	struct log_hold hold = log_hold();
	uint64_t end = ring_end;

	log_release(hold);
	return end;
}

void log_print_ring(void)
{
	char line[LOG_LINE_MAX + 64];
	uint64_t position = 0;

	for (uint64_t end = log_ring_end(); position < end;) {
		if (!log_ring_next(&position, line, sizeof(line)))
			break;
		print("%s\n", line);
	}
}

void log_set_sink(void (*sink)(const char *text, size_t length))
{
	struct log_hold hold = log_hold();

	output_sink = sink;
	log_release(hold);
}

void log_break_for_panic(void)
{
	atomic_store_explicit(&lock_broken, true, memory_order_relaxed);
	atomic_store(&print_pager, NULL);
}

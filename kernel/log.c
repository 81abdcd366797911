// SPDX-License-Identifier: MIT
/*
 * Log lines and report text to the console.
 */
#include <kernel/log.h>
#include <kernel/format.h>
#include <platform/console.h>
#include <string.h>

#define LINE_MAX_BYTES 512

static enum log_level console_level = LOG_INFO;
static void (*sink)(const char *text, size_t length) = console_write;

static void emit_va(const char *pattern, va_list args, bool end_line)
{
	char text[LINE_MAX_BYTES];

	format_va(text, sizeof(text) - 1, pattern, args);
	size_t length = strlen(text);
	if (end_line && (length == 0 || text[length - 1] != '\n')) {
		text[length++] = '\n';
		text[length] = 0;
	}
	sink(text, length);
}

void log_line(enum log_level level, const char *pattern, ...)
{
	va_list args;

	if (level > console_level)
		return;
	va_start(args, pattern);
	emit_va(pattern, args, true);
	va_end(args);
}

void print(const char *pattern, ...)
{
	va_list args;

	va_start(args, pattern);
	emit_va(pattern, args, false);
	va_end(args);
}

void log_set_level(enum log_level level)
{
	console_level = level;
}

enum log_level log_level(void)
{
	return console_level;
}

void log_set_sink(void (*new_sink)(const char *text, size_t length))
{
	sink = new_sink ? new_sink : console_write;
}

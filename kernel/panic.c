// SPDX-License-Identifier: MIT
/*
 * The end of the world: say where and why, and end with a failing verdict.
 */
#include <kernel/panic.h>
#include <kernel/assert.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <platform/exit.h>
#include <stdarg.h>

static void (*hook)(const char *message);

void panic_set_hook(void (*new_hook)(const char *message))
{
	hook = new_hook;
}

void panic_at(const char *file, int line, const char *pattern, ...)
{
	char message[256];
	va_list args;

	va_start(args, pattern);
	format_va(message, sizeof(message), pattern, args);
	va_end(args);
	if (hook)
		hook(message);
	log_error("panic: %s:%d: %s", file, line, message);
	platform_exit(false);
}

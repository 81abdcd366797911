// SPDX-License-Identifier: MIT
/*
 * Formatted text through the C library. newlib has an integer-only printf, which keeps
 * floating-point code out of the kernel; other C libraries do not and use the full one.
 */
#include <kernel/format.h>
#include <stdio.h>
#include <string.h>

#ifdef _NEWLIB_VERSION
#define format_integers vsniprintf
#else
#define format_integers vsnprintf
#endif

int format_va(char *text, size_t size, const char *pattern, va_list args)
{
	return format_integers(text, size, pattern, args);
}

int format(char *text, size_t size, const char *pattern, ...)
{
	va_list args;

	va_start(args, pattern);
	int length = format_va(text, size, pattern, args);
	va_end(args);
	return length;
}

size_t format_append(char *text, size_t size, const char *pattern, ...)
{
	size_t used = strnlen(text, size);
	va_list args;

	va_start(args, pattern);
	format_va(text + used, size - used, pattern, args);
	va_end(args);
	return used + strnlen(text + used, size - used);
}

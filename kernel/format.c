// SPDX-License-Identifier: MIT
/*
 * Integer-only formatted text over the C library of the port: platform/<port>/format_impl.h
 * names the library's function that pulls in no floating point.
 */
#include <kernel/format.h>

#include <format_impl.h>
#include <stdio.h>
#include <string.h>

int format_va(char *text, size_t size, const char *pattern, va_list args)
{
	int length = format_library_vsnprintf(text, size, pattern, args);

	/* The library refuses what it cannot count; an empty text is the honest answer. */
	if (length < 0) {
		if (size > 0)
			text[0] = '\0';
		return 0;
	}
	return length;
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

	if (used >= size)
		return used;
	va_start(args, pattern);
	int length = format_va(text + used, size - used, pattern, args);
	va_end(args);
	used += (size_t)length;
	return used < size ? used : size - 1;
}

// SPDX-License-Identifier: MIT
/*
 * Integer-only formatted text. The only caller of newlib's integer printf in the kernel, so
 * that no floating-point code is pulled in and the hosted port can use its own C library.
 */
#ifndef KERNEL_FORMAT_H
#define KERNEL_FORMAT_H

#include <kernel/attributes.h>
#include <stdarg.h>
#include <stddef.h>

/* As snprintf without floating point: always terminated when size > 0; returns the length the
 * whole text would have. Any context. */
int format(char *text, size_t size, const char *pattern, ...) PRINTF_LIKE(3, 4);
int format_va(char *text, size_t size, const char *pattern, va_list args) PRINTF_LIKE(3, 0);

/* Append to text that already holds a string; truncates at size. Returns the new length. */
size_t format_append(char *text, size_t size, const char *pattern, ...) PRINTF_LIKE(3, 4);

#endif

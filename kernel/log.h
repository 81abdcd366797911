// SPDX-License-Identifier: MIT
/*
 * Levelled lines to the consoles and a ring that `log` shows. A line starts with its subsystem:
 * log_warn("pci: 0000:03:00.0: ..."). Any context, interrupt and panic included; a line is
 * never torn by another CPU's. And print(): report text of shell commands, without level or
 * time.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <kernel/attributes.h>
#include <stddef.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One line; a newline is added when missing. Lines above the `loglevel=` key stay in the ring.
 */
void log_line(enum log_level level, const char *pattern, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Console level: lines at or below it are printed at once. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* Formatted text to the console; the text may hold several lines. Thread context. */
void print(const char *pattern, ...) PRINTF_LIKE(1, 2);

/* Send each stored line, oldest first, to print(). */
void log_print_ring(void);

/* Divert what log and print write, for tests that look at text; NULL restores the console. */
void log_set_sink(void (*sink)(const char *text, size_t length));

#endif

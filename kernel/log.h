// SPDX-License-Identifier: MIT
/*
 * Levelled lines to the consoles and a ring that `log` shows. A line starts with its subsystem:
 * log_warn("pci: 0000:03:00.0: ..."). Any context, interrupt and panic included; a line is
 * never torn by another CPU's. And print(): report text of shell commands, without level or
 * time.
 *
 * While print() has an unfinished line on the console, logged lines stay in the ring and follow
 * when the line ends, so that a report (one line of JSON, say) is never cut in two.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* One line; a newline is added when missing. Lines above the `loglevel=` key stay in the ring.
 * Text beyond LOG_LINE_MAX bytes is cut. */
#define LOG_LINE_MAX 480
void log_line(enum log_level level, const char *pattern, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* Console level: lines at or below it are printed at once. */
void log_set_level(enum log_level level);
/* error, warn, info, debug or 0 to 3; false for anything else. */
bool log_level_parse(const char *text, enum log_level *level) MUST_CHECK;
enum log_level log_level(void);
/* Take the level from the `loglevel=` key: error, warn, info, debug or 0 to 3. After
 * command_line_init(). */
void log_init(void);

/* Formatted text to the console; the text may hold several lines, at most PRINT_MAX bytes in
 * one call (more is cut, with a mark). Thread context. */
#define PRINT_MAX 1024
void print(const char *pattern, ...) PRINTF_LIKE(1, 2);
/* The same for text of any length that needs no formatting. */
void print_text(const char *text, size_t length);

/* End an unfinished line of print(), if there is one; the shell does so after each command. */
void print_finish_line(void);

/*
 * Characters of an interactive editor: written at once and never held back, and a logged line
 * may come in between. log_interruptions() then grows, so that the editor can draw itself
 * again.
 */
void log_write_interactive(const char *text, size_t length);
unsigned log_interruptions(void);

/* Called before print() writes each character run up to and including a newline; may sleep. The
 * shell's pager; NULL takes it away. Thread context. */
void print_set_pager(void (*pager)(const char *text, size_t length));

/* Send each stored line, oldest first, to print(). */
void log_print_ring(void);

/* Copy the line at *position (0: the oldest) without its newline, terminated, and step over it;
 * false at the end. Lines that were overwritten meanwhile are left out. */
bool log_ring_next(uint64_t *position, char *line, size_t size);
/* Position behind the newest line: where a walk stops that must not follow new ones. */
uint64_t log_ring_end(void);

/* Divert what log and print write, for tests that look at text; NULL restores the console. The
 * sink runs with the log's lock held and must not log. */
void log_set_sink(void (*sink)(const char *text, size_t length));

/* From now on the log's lock is not waited for, and nothing is held back: a panic. */
void log_break_for_panic(void);

#endif

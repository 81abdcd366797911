// SPDX-License-Identifier: MIT
/*
 * The kernel command line: key=value words, values with blanks in double quotes. Keys are
 * known: run tests seed cpus loglevel console, and those that COMMAND_LINE_KEY registers.
 */
#ifndef KERNEL_COMMAND_LINE_H
#define KERNEL_COMMAND_LINE_H

#include <kernel/attributes.h>
#include <kernel/table.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command_line_key {
	const char *name;
	const char *help; /* one line: values and meaning */
};

TABLE_DECLARE(quire_keys, struct command_line_key);

#define COMMAND_LINE_KEY(id, key_name, key_help)                                           \
	static const struct command_line_key command_line_key_##id = {key_name, key_help}; \
	TABLE_ENTRY(quire_keys, struct command_line_key, command_line_key_##id)

/* Keep a copy and report every unknown key or malformed word on the console, by name. */
void command_line_init(const char *text);

/* Value of the last `key=`; NULL when absent. The string lives for ever. */
const char *command_line_get(const char *key);
/* Unsigned number, 0x and K/M/G suffixes allowed; `fallback` (with a message) when malformed.
 */
uint64_t command_line_number(const char *key, uint64_t fallback);
bool command_line_flag(const char *key); /* present and not 0/off/no */

/*
 * Parser used by all of these, and by the loaders: find `key` in text, copy its value to
 * value[size]. Length of the value, or -ENOENT, or -EINVAL for an unterminated quote.
 */
int command_line_find(const char *text, const char *key, char *value, size_t size) MUST_CHECK;

/* True if text is printable and holds at least one known key: only then do EFI load options
 * count. length in bytes, not terminated. */
bool command_line_plausible(const char *text, size_t length);

#endif

// SPDX-License-Identifier: MIT
/*
 * The kernel command line: key=value words, values with blanks in double quotes. A word without
 * `=` is a flag. Keys are known: those of command_line_core_keys (which loaders know too), and
 * those that COMMAND_LINE_KEY registers. Where a key stands twice the last one counts.
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

/* Keep a copy and report every unknown key or malformed word on the console, by name. May be
 * called again; strings handed out before are then no longer valid. */
void command_line_init(const char *text);

/* Value of the last `key=`, "" for a bare `key`; NULL when absent. The string lives for ever.
 */
const char *command_line_get(const char *key);
/* Unsigned number, 0x and K/M/G suffixes allowed; `fallback` (with a message) when malformed.
 */
uint64_t command_line_number(const char *key, uint64_t fallback);
bool command_line_flag(const char *key); /* present and not 0/off/no */

/*
 * The parser used by all of these, and by the loaders, in kernel/command_line_parse.c, which
 * needs nothing of the kernel.
 */

/* One word. Pointers lead into the text that was parsed; nothing is terminated. */
struct command_line_word {
	const char *key;
	size_t key_length; /* 1 or more */
	const char *value; /* behind `=` and inside the quotes */
	size_t value_length;
	bool has_value; /* false for a bare key */
};

/*
 * Take the next word of [*text, end) and move *text behind it. 1: a word; 0: no more; -EINVAL:
 * malformed (unterminated quote, text right behind one, no key), `word->key` then names it.
 */
int command_line_next(const char **text, const char *end,
		      struct command_line_word *word) MUST_CHECK;

/* Find the last `key` in text, copy its value to value[size], terminated. Length of the value,
 * -ENOENT, -ENOSPC when it does not fit, -EINVAL when a malformed word stands in the text. */
int command_line_find(const char *text, const char *key, char *value, size_t size) MUST_CHECK;

/* Unsigned number with 0x and K, M, G suffixes; false when malformed or above 64 bits. */
bool command_line_parse_number(const char *text, uint64_t *value) MUST_CHECK;

/* True if text is printable and holds at least one known core key: only then do EFI load
 * options count. length in bytes, not terminated. */
bool command_line_plausible(const char *text, size_t length);

/* Keys that every build of the kernel knows, terminated by a NULL name. */
extern const struct command_line_key command_line_core_keys[];

#endif

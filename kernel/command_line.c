// SPDX-License-Identifier: MIT
/*
 * The kernel's own copy of the command line: words split once, values terminated in place.
 * Written on the boot CPU before others start, read-only afterwards.
 */
#include <kernel/command_line.h>

#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <kernel/log.h>
#include <string.h>

#define WORDS_MAX 64

static char copy[BOOT_COMMAND_LINE_MAX];
static struct {
	const char *key;
	const char *value;
} words[WORDS_MAX];
static unsigned nr_words;

static bool key_is_known(const char *name)
{
	for (const struct command_line_key *key = command_line_core_keys; key->name; key++)
		if (strcmp(key->name, name) == 0)
			return true;
	table_for_each (quire_keys, entry)
		if (strcmp((*entry)->name, name) == 0)
			return true;
	return false;
}

/* Terminate key and value where a blank, `=` or a quote stood: the parser is past them. */
static void word_keep(const struct command_line_word *word)
{
	char *key = copy + (word->key - copy);
	char *value = key + word->key_length;

	if (word->has_value) {
		value = copy + (word->value - copy);
		value[word->value_length] = '\0';
	}
	key[word->key_length] = '\0';
	words[nr_words].key = key;
	words[nr_words].value = value;
	nr_words++;
	if (!key_is_known(key))
		log_warn("command line: unknown key \"%s\" ignored: `help keys` lists the "
			 "known ones",
			 key);
}

void command_line_init(const char *text)
{
	size_t length = strnlen(text, sizeof(copy));
	const char *at = copy;
	struct command_line_word word;
	int status;

	nr_words = 0;
	if (length == sizeof(copy)) {
		length = sizeof(copy) - 1;
		log_warn("command line: longer than %zu characters, the rest is ignored",
			 length);
	}
	memcpy(copy, text, length);
	copy[length] = '\0';
	const char *end = copy + length;
	while ((status = command_line_next(&at, end, &word)) != 0) {
		if (status < 0) {
			log_warn("command line: malformed word \"%.*s\" ignored: use key=value "
				 "or "
				 "key=\"value with blanks\"",
				 (int)MIN(word.key_length, 40u), word.key);
		} else if (nr_words == WORDS_MAX) {
			log_warn("command line: more than %u words, the rest is ignored",
				 WORDS_MAX);
			return;
		} else {
			/* The separator may be overwritten now: step over it first. */
			at += at < end;
			word_keep(&word);
		}
	}
}

const char *command_line_get(const char *key)
{
	for (unsigned i = nr_words; i-- > 0;)
		if (strcmp(words[i].key, key) == 0)
			return words[i].value;
	return NULL;
}

uint64_t command_line_number(const char *key, uint64_t fallback)
{
	const char *text = command_line_get(key);
	uint64_t value;

	if (!text)
		return fallback;
	if (command_line_parse_number(text, &value))
		return value;
	log_warn("command line: %s=%s is no number (digits or 0x, then K, M or G): using %llu",
		 key, text, (unsigned long long)fallback);
	return fallback;
}

bool command_line_flag(const char *key)
{
	const char *value = command_line_get(key);

	return value && strcmp(value, "0") != 0 && strcmp(value, "off") != 0 &&
	       strcmp(value, "no") != 0;
}

// SPDX-License-Identifier: MIT
/*
 * The input is a command line, as text and as EFI load options. Whatever it is, parsing ends,
 * stays inside the text, and the one-shot look-up agrees with the kernel's table.
 */
#include <boot/text.h>
#include <kernel/command_line.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/log.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX    2048
#define TABLE_WORDS 64 /* the kernel keeps no more */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void ignore_text(const char *text, size_t length)
{
	(void)text;
	(void)length;
}

/* A copy of exact size on the heap, so that reading past its end is seen. */
static char *exact_copy(const uint8_t *bytes, size_t length)
{
	char *text = malloc(length + 1);

	ASSERT(text);
	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

/* Number of words. */
static unsigned check_words(const char *text)
{
	unsigned words = 0;
	const char *end = text + strlen(text);
	const char *at = text;
	struct command_line_word word;
	int status;

	for (; (status = command_line_next(&at, end, &word)) != 0; words++) {
		ASSERT(at <= end && word.key >= text && word.key + word.key_length <= end);
		ASSERT(word.key_length > 0);
		if (status > 0 && word.has_value)
			ASSERT(word.value > word.key && word.value + word.value_length <= end);
	}
	ASSERT(at == end);
	return words;
}

/* The table keeps going behind a malformed word, the one-shot look-up gives up. */
static void check_lookup(const char *text, const char *key)
{
	char value[TEXT_MAX];
	int length = command_line_find(text, key, value, sizeof(value));
	const char *kept = command_line_get(key);

	if (length >= 0)
		ASSERT(strlen(value) == (size_t)length && kept && strcmp(kept, value) == 0);
	if (length == -ENOENT)
		ASSERT(!kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char *const keys[] = {"run", "tests", "seed", "cpus", "a"};
	char small[64];
	char *text;

	if (length >= 500)
		return 0;
	log_set_sink(ignore_text);
	text = exact_copy(bytes, length);
	unsigned words = check_words(text);
	command_line_init(text);
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		if (words < TABLE_WORDS)
			check_lookup(text, keys[i]);
		(void)command_line_number(keys[i], i);
		(void)command_line_flag(keys[i]);
	}
	free(text);
	text = exact_copy(bytes, length);
	(void)command_line_plausible(text, length);
	int options = text_from_load_options(small, sizeof(small), text, length);
	ASSERT(options < (int)sizeof(small) &&
	       (options < 0 || strlen(small) == (size_t)options));
	text_flatten(text);
	free(text);
	return 0;
}

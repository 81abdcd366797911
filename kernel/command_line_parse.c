// SPDX-License-Identifier: MIT
/*
 * The words of a command line, without state: shared by the kernel, the EFI loader and the
 * tests. Everything here reads text that an outsider wrote.
 */
#include <kernel/command_line.h>

#include <errno.h>
#include <string.h>

const struct command_line_key command_line_core_keys[] = {
	{"run", "\"cmd; cmd\": run shell commands, then power off"},
	{"tests", "suite,suite.test or all: run tests, then end with their verdict"},
	{"seed", "number: order and random choices of tests"},
	{"cpus", "number: use at most so many CPUs"},
	{"loglevel", "error, warn, info, debug: what the console shows of the log"},
	{"report", "stick: UEFI: write the atomics report and a dump to the boot volume"},
	{NULL, NULL},
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_key_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.';
}

static const char *skip_blanks(const char *text, const char *end)
{
	while (text < end && is_blank(*text))
		text++;
	return text;
}

static const char *skip_word(const char *text, const char *end)
{
	while (text < end && !is_blank(*text))
		text++;
	return text;
}

/* `at` stands on the opening quote. */
static int quoted_value(const char **text, const char *at, const char *end,
			struct command_line_word *word)
{
	const char *close = memchr(at + 1, '"', (size_t)(end - at - 1));

	if (!close) {
		*text = end;
		return -EINVAL;
	}
	word->value = at + 1;
	word->value_length = (size_t)(close - word->value);
	*text = close + 1;
	if (*text < end && !is_blank(**text)) {
		*text = skip_word(*text, end);
		return -EINVAL;
	}
	return 1;
}

int command_line_next(const char **text, const char *end, struct command_line_word *word)
{
	const char *at = skip_blanks(*text, end);

	*word = (struct command_line_word){.key = at};
	if (at == end) {
		*text = end;
		return 0;
	}
	while (at < end && is_key_character(*at))
		at++;
	word->key_length = (size_t)(at - word->key);
	if (word->key_length == 0 || (at < end && !is_blank(*at) && *at != '=')) {
		*text = skip_word(at, end);
		word->key_length = (size_t)(*text - word->key);
		return -EINVAL;
	}
	*text = at;
	if (at == end || *at != '=')
		return 1;
	word->has_value = true;
	word->value = at + 1;
	if (word->value < end && *word->value == '"')
		return quoted_value(text, word->value, end, word);
	*text = skip_word(word->value, end);
	word->value_length = (size_t)(*text - word->value);
	return 1;
}

static bool word_is(const struct command_line_word *word, const char *key)
{
	size_t length = strlen(key);

	return word->key_length == length && memcmp(word->key, key, length) == 0;
}

int command_line_find(const char *text, const char *key, char *value, size_t size)
{
	const char *end = text + strlen(text);
	struct command_line_word word;
	struct command_line_word found = {.key = NULL};
	int status;

	while ((status = command_line_next(&text, end, &word)) > 0)
		if (word_is(&word, key))
			found = word;
	if (status < 0)
		return status;
	if (!found.key)
		return -ENOENT;
	if (found.value_length >= size)
		return -ENOSPC;
	if (found.value_length > 0)
		memcpy(value, found.value, found.value_length);
	value[found.value_length] = '\0';
	return (int)found.value_length;
}

static bool digit_value(char c, unsigned base, unsigned *digit)
{
	if (c >= '0' && c <= '9')
		*digit = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*digit = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		*digit = (unsigned)(c - 'A') + 10;
	else
		return false;
	return *digit < base;
}

static unsigned suffix_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return 0;
	}
}

bool command_line_parse_number(const char *text, uint64_t *value)
{
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned base = hexadecimal ? 16 : 10;
	const char *start = text + (hexadecimal ? 2 : 0);
	const char *at = start;
	uint64_t sum = 0;
	unsigned digit;

	for (; digit_value(*at, base, &digit); at++)
		if (__builtin_mul_overflow(sum, (uint64_t)base, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)digit, &sum))
			return false;
	if (at == start)
		return false;
	unsigned shift = suffix_shift(*at);
	if (shift > 0)
		at++;
	if (*at != '\0' || (sum << shift) >> shift != sum)
		return false;
	*value = sum << shift;
	return true;
}

static bool is_core_key(const struct command_line_word *word)
{
	for (const struct command_line_key *key = command_line_core_keys; key->name; key++)
		if (word_is(word, key->name))
			return true;
	return false;
}

bool command_line_plausible(const char *text, size_t length)
{
	const char *end = text + length;
	struct command_line_word word;
	bool known = false;

	for (size_t i = 0; i < length; i++)
		if ((text[i] < ' ' || text[i] > '~') && !is_blank(text[i]))
			return false;
	while (text < end) {
		int status = command_line_next(&text, end, &word);

		known = known || (status > 0 && is_core_key(&word));
	}
	return known;
}

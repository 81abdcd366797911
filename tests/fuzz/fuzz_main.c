// SPDX-License-Identifier: MIT
/*
 * Replays a fuzzer without libFuzzer, so that a plain compiler and a fixed seed are enough:
 *   fuzz-NAME [-runs=N] [-seed=S] [-keep=FILE] CORPUS-FILE...
 * Every corpus file runs once, then N mutations of them; the same arguments give the same
 * inputs. When the fuzzed code dies, the input is in FILE (fuzz-crash). Host program: it owns
 * its C library and calls nothing of the kernel but the fuzzer.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX     4096
#define CORPUS_MAX    1024
#define MUTATIONS_MAX 6

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
/* The sanitizers' run-time library has it; a build without sanitizers does not. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
	size_t length;
	uint8_t bytes[INPUT_MAX];
};

static struct input *corpus[CORPUS_MAX];
static size_t corpus_count;
static struct input current;
static uint64_t random_state;
static const char *keep = "fuzz-crash";

/* xorshift64*: the state is never zero. */
static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static size_t random_below(size_t limit)
{
	return (random_next() >> 16) % limit;
}

static void keep_input(void)
{
	FILE *file = fopen(keep, "wb");

	if (!file)
		return;
	fwrite(current.bytes, 1, current.length, file);
	fclose(file);
	fprintf(stderr, "fuzz: the input of %zu bytes is in %s\n", current.length, keep);
}

static void died(int number)
{
	keep_input();
	signal(number, SIG_DFL);
	raise(number);
}

static bool corpus_read(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file || corpus_count == CORPUS_MAX) {
		fprintf(stderr, "fuzz: %s: %s\n", path,
			file ? "too many corpus files" : "cannot be read");
		if (file)
			fclose(file);
		return false;
	}
	struct input *input = calloc(1, sizeof(*input));
	if (input) {
		input->length = fread(input->bytes, 1, INPUT_MAX, file);
		corpus[corpus_count++] = input;
	}
	fclose(file);
	return input != NULL;
}

/* A value that parsers stumble over: a limit, or one beside a power of two. */
static uint64_t awkward_value(void)
{
	uint64_t power = UINT64_C(1) << random_below(64);

	switch (random_below(4)) {
	case 0:
		return power;
	case 1:
		return power - 1;
	case 2:
		return -power;
	default:
		return random_next();
	}
}

static void mutate_value(void)
{
	uint64_t value = awkward_value();
	size_t width = (size_t)1 << random_below(4);

	if (current.length < width)
		return;
	memcpy(current.bytes + random_below(current.length - width + 1), &value, width);
}

static void mutate_insert(void)
{
	size_t length = 1 + random_below(16);
	size_t at = random_below(current.length + 1);

	if (current.length + length > INPUT_MAX)
		return;
	memmove(current.bytes + at + length, current.bytes + at, current.length - at);
	for (size_t i = 0; i < length; i++)
		current.bytes[at + i] = (uint8_t)random_next();
	current.length += length;
}

static void mutate_remove(void)
{
	if (current.length == 0)
		return;
	size_t at = random_below(current.length);
	size_t length = 1 + random_below(current.length - at);

	if (length > 16)
		length = 16;
	memmove(current.bytes + at, current.bytes + at + length, current.length - at - length);
	current.length -= length;
}

/* The head of this input, the tail of another. */
static void mutate_splice(void)
{
	const struct input *other = corpus[random_below(corpus_count)];
	size_t at = random_below(current.length + 1);
	size_t from = random_below(other->length + 1);
	size_t length = other->length - from;

	if (length > INPUT_MAX - at)
		length = INPUT_MAX - at;
	memcpy(current.bytes + at, other->bytes + from, length);
	current.length = at + length;
}

static void mutate(void)
{
	static void (*const ways[])(void) = {mutate_value, mutate_value, mutate_insert,
					     mutate_remove, mutate_splice};

	for (size_t left = 1 + random_below(MUTATIONS_MAX); left > 0; left--) {
		if (current.length > 0 && random_below(2))
			current.bytes[random_below(current.length)] ^=
				(uint8_t)(1u << random_below(8));
		else
			ways[random_below(sizeof(ways) / sizeof(ways[0]))]();
	}
}

/* The copy has exactly the input's size: reading past its end is seen. */
static void run_current(void)
{
	uint8_t *exact = malloc(current.length ? current.length : 1);

	if (!exact) {
		fprintf(stderr, "fuzz: out of memory\n");
		exit(2);
	}
	memcpy(exact, current.bytes, current.length);
	LLVMFuzzerTestOneInput(exact, current.length);
	free(exact);
}

static bool option_take(const char *word, const char *name, unsigned long long *value)
{
	size_t length = strlen(name);
	char *end = NULL;

	if (strncmp(word, name, length) != 0)
		return false;
	*value = strtoull(word + length, &end, 0);
	if (end == word + length || *end != '\0') {
		fprintf(stderr, "fuzz: %s: a number is wanted\n", word);
		exit(2);
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long long runs = 0;
	unsigned long long seed = 1;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-keep=", 6) == 0)
			keep = argv[i] + 6;
		else if (!option_take(argv[i], "-runs=", &runs) &&
			 !option_take(argv[i], "-seed=", &seed) && !corpus_read(argv[i]))
			return 2;
	}
	if (corpus_count == 0) {
		fprintf(stderr, "fuzz: no corpus file was named\n");
		return 2;
	}
	random_state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(keep_input);
	signal(SIGABRT, died);
	for (size_t i = 0; i < corpus_count; i++) {
		current = *corpus[i];
		run_current();
	}
	for (unsigned long long i = 0; i < runs; i++) {
		current = *corpus[random_below(corpus_count)];
		mutate();
		run_current();
	}
	for (size_t i = 0; i < corpus_count; i++)
		free(corpus[i]);
	return 0;
}

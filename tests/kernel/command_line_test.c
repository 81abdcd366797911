// SPDX-License-Identifier: MIT
/*
 * The command line: words, quotes, numbers, and what the loaders take for one.
 */
#include <kernel/command_line.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <errno.h>
#include <kernel/log.h>
#include <string.h>

/* Tests share the kernel's one command line: keep and restore what the runner was started with.
 */
static void with_line(const char *line, void (*body)(void))
{
	static char saved[512];
	static const char *const keys[] = {"tests", "seed", "cpus"};

	saved[0] = '\0';
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = command_line_get(keys[i]);

		if (value && strlen(saved) + strlen(value) + 16 < sizeof(saved)) {
			strcat(saved, keys[i]);
			strcat(saved, "=");
			strcat(saved, value);
			strcat(saved, " ");
		}
	}
	text_sink_open();
	command_line_init(line);
	text_sink_close();
	body();
	text_sink_open();
	command_line_init(saved);
	text_sink_close();
}

static void check_words(void)
{
	CHECK_STR(command_line_get("run"), "mem; cpus -j");
	CHECK_STR(command_line_get("seed"), "3");
	CHECK_STR(command_line_get("debug"), "");
	CHECK_STR(command_line_get("empty"), "");
	CHECK(command_line_get("absent") == NULL);
	CHECK(command_line_get("see") == NULL);
	CHECK(command_line_flag("debug"));
	CHECK(!command_line_flag("a"));
	CHECK(!command_line_flag("b"));
	CHECK(!command_line_flag("c"));
	CHECK(!command_line_flag("absent"));
}

TEST(command_line, words_quotes_and_flags)
{
	with_line("  seed=1 run=\"mem; cpus -j\" debug\tseed=3 empty= a=0 b=off c=no\n",
		  check_words);
}

static void check_numbers(void)
{
	CHECK_EQ(command_line_number("a", 9), 18);
	CHECK_EQ(command_line_number("b", 9), 0x1f);
	CHECK_EQ(command_line_number("c", 9), 64ull << 30);
	text_sink_open();
	CHECK_EQ(command_line_number("d", 9), 9);
	CHECK_EQ(command_line_number("e", 9), 9);
	CHECK_EQ(command_line_number("f", 9), 9);
	CHECK(strstr(text_sink_close(), "d=12Q is no number") != NULL);
	CHECK_EQ(command_line_number("absent", 77), 77);
}

TEST(command_line, numbers_with_suffixes_and_a_fallback)
{
	with_line("a=18 b=0x1f c=64G d=12Q e=-3 f=", check_numbers);
}

TEST(command_line, number_parser_refuses_what_does_not_fit)
{
	uint64_t value = 5;

	CHECK(command_line_parse_number("18446744073709551615", &value));
	CHECK_EQ(value, UINT64_MAX);
	CHECK(!command_line_parse_number("18446744073709551616", &value));
	CHECK(!command_line_parse_number("0xfffffffffffffffff", &value));
	CHECK(!command_line_parse_number("17179869184G", &value));
	CHECK(!command_line_parse_number("0x", &value));
	CHECK(!command_line_parse_number("4KK", &value));
	CHECK(!command_line_parse_number("", &value));
	CHECK_EQ(value, UINT64_MAX);
	CHECK(command_line_parse_number("4k", &value));
	CHECK_EQ(value, 4096);
	CHECK(command_line_parse_number("2M", &value));
	CHECK_EQ(value, 2u << 20);
}

static void nothing(void)
{
}

TEST(command_line, unknown_and_malformed_words_are_named)
{
	text_sink_open();
	command_line_init("seed=0 sed=1 run=\"a\"b =x f{o}=1 tests=all run=\"open");
	const char *text = text_sink_close();
	CHECK(strstr(text, "unknown key \"sed\"") != NULL);
	CHECK(strstr(text, "unknown key \"seed\"") == NULL);
	CHECK(strstr(text, "malformed word \"run\"") != NULL);
	CHECK(strstr(text, "malformed word \"=x\"") != NULL);
	CHECK(strstr(text, "malformed word \"f{o}=1\"") != NULL);
	CHECK_STR(command_line_get("tests"), "all");
	CHECK(command_line_get("run") == NULL);
	with_line("", nothing);
}

TEST(command_line, too_long_and_too_many_words_are_bounded)
{
	static char line[4096];

	memset(line, 'k', sizeof(line) - 1);
	text_sink_open();
	command_line_init(line);
	CHECK(strstr(text_sink_close(), "longer than 2047") != NULL);
	for (unsigned i = 0; i < 2000; i += 2) {
		line[i] = 'x';
		line[i + 1] = ' ';
	}
	line[2000] = '\0';
	text_sink_open();
	command_line_init(line);
	CHECK(strstr(text_sink_close(), "more than 64 words") != NULL);
	CHECK_STR(command_line_get("x"), "");
	with_line("", nothing);
}

TEST(command_line, find_copies_the_last_value)
{
	char value[8];

	CHECK_EQ(command_line_find("a=1 b=\"2 3\" a=45", "a", value, sizeof(value)), 2);
	CHECK_STR(value, "45");
	CHECK_EQ(command_line_find("a=1 b=\"2 3\"", "b", value, sizeof(value)), 3);
	CHECK_STR(value, "2 3");
	CHECK_EQ(command_line_find("flag", "flag", value, sizeof(value)), 0);
	CHECK_STR(value, "");
	CHECK_EQ(command_line_find("ab=1", "a", value, sizeof(value)), -ENOENT);
	CHECK_EQ(command_line_find("", "a", value, sizeof(value)), -ENOENT);
	CHECK_EQ(command_line_find("a=12345678", "a", value, sizeof(value)), -ENOSPC);
	CHECK_EQ(command_line_find("a=\"12", "a", value, sizeof(value)), -EINVAL);
}

static bool plausible(const char *text)
{
	return command_line_plausible(text, strlen(text));
}

TEST(command_line, load_options_count_only_as_text_with_a_known_key)
{
	CHECK(plausible("run=mem"));
	CHECK(plausible("\\EFI\\BOOT\\BOOTX64.EFI tests=all"));
	CHECK(plausible("=x loglevel=3 y=\"open"));
	CHECK(!plausible(""));
	CHECK(!plausible("BOOT IMAGE quiet splash"));
	CHECK(!plausible("seeds=1 atests=2"));
	CHECK(!plausible("seed=1\x01"));
	CHECK(!plausible("seed=1 \xff"));
	CHECK(!command_line_plausible("seed=1\0", 7));
}

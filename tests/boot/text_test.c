// SPDX-License-Identifier: MIT
/*
 * Text in the loader: load options above all, which firmware fills with anything.
 */
#include <boot/text.h>
#include <tests/test.h>

#include <errno.h>
#include <string.h>

static char line[64];

/* As UTF-16 bytes, with the terminator when `ended`. */
static int options(const char *text, bool ended)
{
	uint8_t raw[512] = {0};
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i++)
		raw[2 * i] = (uint8_t)text[i];
	if (!ended)
		raw[2 * length] = 0x41;
	return text_from_load_options(line, sizeof(line), raw, 2 * length + (ended ? 2 : 0));
}

TEST(text, load_options_become_a_command_line)
{
	CHECK_EQ(options("run=mem seed=3", true), 14);
	CHECK_STR(line, "run=mem seed=3");
	CHECK_EQ(options("run=mem", false), 7);
	CHECK_STR(line, "run=mem");
	CHECK_EQ(options("FS0:\\EFI\\quire\\Quire.EFI  tests=all", true), 9);
	CHECK_STR(line, "tests=all");
	CHECK_EQ(options("tests=a.efi", true), 11);
	CHECK_STR(line, "tests=a.efi");
}

TEST(text, load_options_that_are_no_command_line_do_not_count)
{
	static const uint8_t wide[] = {'s', 0, 'e', 0, 'e', 0, 'd', 0, '=', 0, 'a', 1};
	static const uint8_t device_path[] = {4, 4, 0x18, 0, 0xfb, 0x7f, 0xff, 4, 0};

	CHECK_EQ(options("", true), -ENOENT);
	CHECK_EQ(options("Boot0001 default", true), -ENOENT);
	CHECK_EQ(options("quire.efi", true), -ENOENT);
	CHECK_EQ(text_from_load_options(line, sizeof(line), wide, sizeof(wide)), -ENOENT);
	CHECK_EQ(text_from_load_options(line, sizeof(line), device_path, sizeof(device_path)),
		 -ENOENT);
	CHECK_EQ(text_from_load_options(line, sizeof(line), wide, 1), -ENOENT);
}

TEST(text, long_load_options_are_cut)
{
	char text[200] = "seed=";

	memset(text + 5, '1', 150);
	CHECK_EQ(options(text, true), sizeof(line) - 1);
	CHECK_EQ(strlen(line), sizeof(line) - 1);
}

TEST(text, appends_within_its_size)
{
	char text[12] = "a";

	text_append(text, sizeof(text), "bc ");
	text_append_hex(text, sizeof(text), 0x10020);
	CHECK_STR(text, "abc 0x10020");
	text_append(text, sizeof(text), "more");
	CHECK_STR(text, "abc 0x10020");
	text[0] = '\0';
	text_append_hex(text, sizeof(text), 0);
	CHECK_STR(text, "0x0");
	char wide[24] = "";
	text_append_hex(wide, sizeof(wide), UINT64_MAX);
	CHECK_STR(wide, "0xffffffffffffffff");
}

TEST(text, utf16_and_files_become_plain_lines)
{
	static const uint16_t wide[] = {'E', 'D', 'K', 0x20ac, '!', 0, 'x'};
	char text[8];

	CHECK_EQ(text_from_utf16(text, sizeof(text), wide, 7), 5);
	CHECK_STR(text, "EDK?!");
	CHECK_EQ(text_from_utf16(text, 3, wide, 7), 2);
	CHECK_STR(text, "ED");
	CHECK_EQ(text_from_utf16(text, sizeof(text), wide, 1), 1);
	char file[] = "seed=1\r\nrun=mem\t\xef";
	text_flatten(file);
	CHECK_STR(file, "seed=1  run=mem  ");
}

// SPDX-License-Identifier: MIT
/*
 * Scan codes to characters.
 */
#include <platform/x86_64/keyboard.h>
#include <tests/test.h>

#include <string.h>

static void check_typed(bool set2, const char *codes, size_t length, const char *expected)
{
	struct keyboard keyboard = {.set2 = set2};
	char typed[64] = "";
	size_t used = 0;

	for (size_t i = 0; i < length && used < sizeof(typed) - KEYBOARD_TEXT_MAX; i++)
		used += keyboard_take(&keyboard, (uint8_t)codes[i], typed + used);
	typed[used] = '\0';
	CHECK_STR(typed, expected);
}

#define CHECK_SET1(codes, expected) check_typed(false, codes, sizeof(codes) - 1, expected)
#define CHECK_SET2(codes, expected) check_typed(true, codes, sizeof(codes) - 1, expected)

TEST(keyboard, set_1_letters_digits_and_release)
{
	CHECK_SET1("\x10\x90\x1e\x9e\x2c\xac\x02\x82\x0b\x8b\x39\xb9\x1c\x9c", "qaz10 \r");
	CHECK_SET1("\x32\x33\x34\x35\x28\x29\x2b\x0c\x0d\x1a\x1b", "m,./'`\\-=[]");
}

TEST(keyboard, shift_caps_and_control)
{
	CHECK_SET1("\x2a\x1e\x02\xaa\x1e", "A!a");
	CHECK_SET1("\x36\x28\x35\xb6", "\"?");
	CHECK_SET1("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e", "A1aa");
	CHECK_SET1("\x1d\x2e\x9d\x2e", "\x03"
				       "c");
}

TEST(keyboard, grey_keys_type_what_a_terminal_sends)
{
	CHECK_SET1("\xe0\x48\xe0\xc8\xe0\x50\xe0\x4b\xe0\x4d", "\x1b[A\x1b[B\x1b[D\x1b[C");
	CHECK_SET1("\xe0\x47\xe0\x4f\xe0\x53", "\x1b[H\x1b[F\x1b[3~");
	/* With a fake shift around it, as some keyboards send. */
	CHECK_SET1("\xe0\x2a\xe0\x48\xe0\xc8\xe0\xaa\x1e", "\x1b[Aa");
	CHECK_SET1("\xe0\x1c\xe0\x35\xe0\x5b", "\r/");
}

TEST(keyboard, pause_types_nothing)
{
	CHECK_SET1("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a");
	CHECK_SET2("\xe1\x14\x77\xe1\xf0\x14\xf0\x77\x1c", "a");
}

TEST(keyboard, set_2_types_the_same)
{
	CHECK_SET2("\x15\xf0\x15\x1c\xf0\x1c\x1a\xf0\x1a\x16\x45\x29\x5a", "qaz10 \r");
	CHECK_SET2("\x12\x1c\xf0\x12\x1c\x14\x21\xf0\x14", "Aa\x03");
	CHECK_SET2("\xe0\x75\xe0\xf0\x75\xe0\x71", "\x1b[A\x1b[3~");
	CHECK_SET2("\x3a\x41\x49\x4a\x52\x0e\x5d\x4e\x55\x54\x5b", "m,./'`\\-=[]");
}

TEST(keyboard, any_bytes_are_survived)
{
	struct keyboard keyboard = {.set2 = false};
	char text[KEYBOARD_TEXT_MAX];
	size_t most = 0;

	for (unsigned i = 0; i < 20000; i++) {
		keyboard.set2 = i >= 10000;
		size_t typed = keyboard_take(&keyboard, (uint8_t)test_random(), text);
		most = typed > most ? typed : most;
	}
	CHECK(most >= 3 && most <= KEYBOARD_TEXT_MAX);
}

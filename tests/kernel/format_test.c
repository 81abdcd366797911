// SPDX-License-Identifier: MIT
/*
 * Formatting: what the kernel relies on, on every port's C library.
 */
#include <kernel/format.h>
#include <tests/test.h>

#include <string.h>

TEST(format, integers_of_all_widths)
{
	char text[96];

	format(text, sizeof(text), "%d %u %x %#lx %llu %zu %05d %-4d|", -42, 7u, 255u, 0x10ul,
	       18446744073709551615ull, (size_t)9, 42, 3);
	CHECK_STR(text, "-42 7 ff 0x10 18446744073709551615 9 00042 3   |");
	format(text, sizeof(text), "%s %c %.3s %5s %%", "abc", 'x', "abcdef", "q");
	CHECK_STR(text, "abc x abc     q %");
}

TEST(format, tells_the_whole_length_when_it_cuts)
{
	char text[8];

	CHECK_EQ(format(text, sizeof(text), "%s", "0123456789"), 10);
	CHECK_STR(text, "0123456");
	CHECK_EQ(format(text, 0, "%s", "abc"), 3);
	CHECK_STR(text, "0123456");
}

TEST(format, append_stops_at_the_end)
{
	char text[8] = "";

	CHECK_EQ(format_append(text, sizeof(text), "%d", 12), 2);
	CHECK_EQ(format_append(text, sizeof(text), "-%s", "34"), 5);
	CHECK_STR(text, "12-34");
	CHECK_EQ(format_append(text, sizeof(text), "%s", "5678"), 7);
	CHECK_STR(text, "12-3456");
	CHECK_EQ(format_append(text, sizeof(text), "x"), 7);
	CHECK_STR(text, "12-3456");
}

TEST(format, append_leaves_an_unterminated_text_alone)
{
	char text[4] = {'a', 'b', 'c', 'd'};

	CHECK_EQ(format_append(text, sizeof(text), "x"), 4);
	CHECK(memcmp(text, "abcd", 4) == 0);
}

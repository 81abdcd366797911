// SPDX-License-Identifier: MIT
/*
 * The loader's formatter beside the C library's, for the conversions that its callers use.
 */
#include <boot/text.h>
#include <tests/test.h>

#include <kernel/bits.h>
#include <stdio.h>
#include <string.h>

#define ROOM 64

static int ours(char *text, size_t size, const char *pattern, ...)
{
	va_list args;
	int length;

	va_start(args, pattern);
	length = text_format_va(text, size, pattern, args);
	va_end(args);
	return length;
}

/* Both formatters, with the same room; text and length must be equal. */
#define SAME(size, ...)                                                                       \
	do {                                                                                  \
		char mine[ROOM], theirs[ROOM];                                                \
		memset(mine, '#', sizeof(mine));                                              \
		memset(theirs, '#', sizeof(theirs));                                          \
		CHECK_EQ(ours(mine, size, __VA_ARGS__), snprintf(theirs, size, __VA_ARGS__)); \
		CHECK(memcmp(mine, theirs, sizeof(mine)) == 0);                               \
	} while (0)

TEST(text_format, numbers_are_those_of_the_c_library)
{
	static const unsigned long long values[] = {0,  1,   9,     10,         15,
						    16, 255, 65535, UINT32_MAX, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		unsigned small = (unsigned)values[i];

		SAME(ROOM, "%u|%x|%d", small, small, (int)small);
		SAME(ROOM, "%02x:%04x %08x", small, small, small);
		SAME(ROOM, "[%3u] [%-6u] [%8x] [%-*u]", small, small, small, 7, small);
		SAME(ROOM, "%#x %#10x %#06x", small, small, small);
		SAME(ROOM, "%llu %lx", values[i], (unsigned long)values[i]);
		SAME(ROOM, "%zu %#llx %05d", (size_t)values[i], values[i],
		     -(int)(small & 0xff));
	}
}

TEST(text_format, text_is_that_of_the_c_library)
{
	SAME(ROOM, "%s and %s", "one", "");
	SAME(ROOM, "[%-13s] [%5s] [%-*s] [%.3s] [%.*s]", "a", "b", 4, "c", "abcdef", 2, "xyz");
	SAME(ROOM, "[%c] [%-3c] 100%% %hu", 'c', 'd', (unsigned short)7);
	SAME(ROOM, "%s", "");
}

TEST(text_format, what_does_not_fit_is_cut_and_counted)
{
	for (size_t room = 1; room <= 12; room++)
		SAME(room, "%s:%04x", "words", 0xabcu);
	CHECK_EQ(ours(NULL, 0, "%s", "words"), 5);
}

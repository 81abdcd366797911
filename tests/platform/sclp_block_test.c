// SPDX-License-Identifier: MIT
/*
 * Blocks of the service processor: what we build byte by byte, and what comes back, good and
 * bad.
 */
#include <platform/s390x/ebcdic.h>
#include <platform/s390x/line_text.h>
#include <platform/s390x/sclp_block.h>
#include <kernel/bits.h>
#include <tests/test.h>

static uint8_t block[SCLP_BLOCK_SIZE];

/* An event behind what the block holds; its data. */
static uint8_t *event_add(uint8_t type, size_t length)
{
	size_t at = be16_load(block);

	be16_store(block, (uint16_t)(at + 6 + length));
	memset(block + at, 0, 6 + length);
	be16_store(block + at, (uint16_t)(6 + length));
	block[at + 2] = type;
	return block + at + 6;
}

static size_t text_of(const struct sclp_event *event, char *text, size_t size)
{
	size_t length = sclp_event_text(event, text, size - 1);

	text[length] = '\0';
	return length;
}

TEST(sclp_block, ebcdic_is_reversible_for_printable_text)
{
	for (char c = ' '; c <= '~'; c++)
		CHECK_EQ(ebcdic_to_ascii(ebcdic_from_ascii(c)), c);
	CHECK_EQ(ebcdic_from_ascii('A'), 0xc1);
	CHECK_EQ(ebcdic_from_ascii('0'), 0xf0);
	CHECK_EQ(ebcdic_from_ascii('\n'), 0x40);
	CHECK_EQ(ebcdic_to_ascii(0xff), '?');
}

TEST(sclp_block, ascii_output_has_returns_and_fits)
{
	static char text[SCLP_BLOCK_SIZE];

	CHECK_EQ(sclp_ascii_build(block, "ab\n", 3), 3);
	CHECK_EQ(be16_load(block), 8 + 6 + 4);
	CHECK_EQ(be16_load(block + 8), 6 + 4);
	CHECK_EQ(block[10], SCLP_EVENT_ASCII);
	CHECK(memcmp(block + 14, "ab\r\n", 4) == 0);
	memset(text, '\n', sizeof(text));
	CHECK_EQ(sclp_ascii_build(block, text, sizeof(text)), (SCLP_BLOCK_SIZE - 14) / 2);
	CHECK(be16_load(block) <= SCLP_BLOCK_SIZE);
}

TEST(sclp_block, a_line_is_one_message_text_object)
{
	const uint8_t *object = block + 8 + 6 + 12 + 56;
	static char text[SCLP_LINE_MAX + 10];

	sclp_line_build(block, "Hi", 2);
	CHECK_EQ(be16_load(block), 8 + 6 + 12 + 56 + 12);
	CHECK_EQ(block[10], SCLP_EVENT_MESSAGE);
	CHECK_EQ(be16_load(block + 14), 12 + 56 + 12);
	CHECK_EQ(be32_load(block + 18), 0xd4c4c240);
	CHECK_EQ(be16_load(block + 26), 56);
	CHECK_EQ(be16_load(object), 12);
	CHECK_EQ(be16_load(object + 2), 4);
	CHECK_EQ(be16_load(object + 4), 0x1000);
	CHECK_EQ(object[10], 0xc8);
	CHECK_EQ(object[11], 0x89);
	sclp_line_build(block, text, sizeof(text));
	CHECK_EQ(be16_load(object), 10 + SCLP_LINE_MAX);
}

TEST(sclp_block, masks_say_what_the_other_side_can)
{
	uint32_t can_send = 1, can_receive = 1;

	sclp_mask_build(block, 0x11, 0x22);
	CHECK_EQ(be16_load(block), 28);
	CHECK_EQ(be32_load(block + 12), 0x11);
	CHECK_EQ(be32_load(block + 16), 0x22);
	CHECK(!sclp_mask_parse(block, &can_send, &can_receive));
	CHECK_EQ(can_send, 1);
	be16_store(block + 6, SCLP_RESPONSE_OK);
	be32_store(block + 20, 0x33);
	be32_store(block + 24, 0x44);
	CHECK(sclp_mask_parse(block, &can_send, &can_receive));
	CHECK_EQ(can_receive, 0x33);
	CHECK_EQ(can_send, 0x44);
	be16_store(block + 10, 8);
	CHECK(!sclp_mask_parse(block, &can_send, &can_receive));
	CHECK_EQ(SCLP_EVENT_MASK(SCLP_EVENT_ASCII), 0x40);
}

TEST(sclp_block, ascii_input_is_what_follows_the_kind)
{
	struct sclp_event event;
	size_t cursor = 0;
	char text[16];

	sclp_block_start(block, 8);
	memcpy(event_add(SCLP_EVENT_ASCII, 4), "\0abc", 4);
	memcpy(event_add(SCLP_EVENT_ASCII, 4), "\1abc", 4);
	event_add(SCLP_EVENT_ASCII, 0);
	REQUIRE(sclp_event_next(block, &cursor, &event));
	CHECK_EQ(text_of(&event, text, sizeof(text)), 3);
	CHECK_STR(text, "abc");
	/* No room for all. */
	CHECK_EQ(text_of(&event, text, 3), 2);
	/* A session began: no characters. */
	REQUIRE(sclp_event_next(block, &cursor, &event));
	CHECK_EQ(text_of(&event, text, sizeof(text)), 0);
	REQUIRE(sclp_event_next(block, &cursor, &event));
	CHECK_EQ(text_of(&event, text, sizeof(text)), 0);
	CHECK(!sclp_event_next(block, &cursor, &event));
}

/* A command as QEMU's line-mode console nests it: MDS-MU, CP-MSU, text command, message. */
static uint8_t *command_add(const char *text)
{
	size_t length = strlen(text);
	uint8_t *unit = event_add(SCLP_EVENT_COMMAND, length + 16);

	be16_store(unit, (uint16_t)(length + 16));
	be16_store(unit + 2, 0x1310);
	be16_store(unit + 4, (uint16_t)(length + 12));
	be16_store(unit + 6, 0x1212);
	be16_store(unit + 8, (uint16_t)(length + 8));
	be16_store(unit + 10, 0x1320);
	unit[12] = (uint8_t)(length + 4);
	unit[13] = 0x31;
	unit[14] = (uint8_t)(length + 2);
	unit[15] = 0x30;
	for (size_t i = 0; i < length; i++)
		unit[16 + i] = ebcdic_from_ascii(text[i]);
	return unit;
}

TEST(sclp_block, line_mode_input_is_found_in_its_vectors)
{
	struct sclp_event event;
	size_t cursor = 0;
	char text[16];

	sclp_block_start(block, 8);
	command_add("mem");
	REQUIRE(sclp_event_next(block, &cursor, &event));
	CHECK_EQ(text_of(&event, text, sizeof(text)), 4);
	CHECK_STR(text, "mem\n");
}

/* As captured from QEMU 7.2 on a little-endian host. */
TEST(sclp_block, line_mode_input_as_qemu_writes_it)
{
	static const uint8_t captured[] = {0x00, 0x10, 0x10, 0x13, 0x00, 0x0c, 0x12,
					   0x12, 0x00, 0x08, 0x20, 0x13, 0x00, 0x31,
					   0x00, 0x30, 0x88, 0x85, 0x93, 0x97};
	struct sclp_event event;
	size_t cursor = 0;
	char text[16];

	sclp_block_start(block, 8);
	memcpy(event_add(SCLP_EVENT_COMMAND, sizeof(captured)), captured, sizeof(captured));
	REQUIRE(sclp_event_next(block, &cursor, &event));
	CHECK_EQ(text_of(&event, text, sizeof(text)), 5);
	CHECK_STR(text, "help\n");
}

TEST(sclp_block, broken_vectors_hold_no_text)
{
	/* Lengths of all five levels: too small and too large. */
	static const uint8_t offsets[] = {1, 5, 9, 12, 14};
	char text[16];

	for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
		for (unsigned wrong = 1; wrong <= 200; wrong += 199) {
			struct sclp_event event;
			size_t cursor = 0;

			sclp_block_start(block, 8);
			command_add("mem")[offsets[i]] = (uint8_t)wrong;
			REQUIRE(sclp_event_next(block, &cursor, &event));
			CHECK_EQ(text_of(&event, text, sizeof(text)), 0);
		}
}

TEST(sclp_block, broken_event_lengths_end_the_walk)
{
	struct sclp_event event;
	size_t cursor = 0;

	sclp_block_start(block, 8);
	event_add(SCLP_EVENT_ASCII, 4);
	be16_store(block + 8, 5);
	CHECK(!sclp_event_next(block, &cursor, &event));
	be16_store(block + 8, 11);
	CHECK(!sclp_event_next(block, &cursor, &event));
	be16_store(block + 8, 0);
	CHECK(!sclp_event_next(block, &cursor, &event));
	/* A block that claims more than there is. */
	be16_store(block, 0xffff);
	be16_store(block + 8, 0xffff);
	CHECK(!sclp_event_next(block, &cursor, &event));
}

static void info_put(uint16_t increments, uint8_t mib)
{
	sclp_block_start(block, SCLP_BLOCK_SIZE);
	be16_store(block + 6, SCLP_RESPONSE_INFO);
	be16_store(block + 8, increments);
	block[10] = mib;
	be16_store(block + 16, 4);
}

TEST(sclp_block, memory_size_from_small_and_large_fields)
{
	struct sclp_info info;

	info_put(256, 1);
	CHECK(sclp_info_parse(block, &info) == NULL);
	CHECK_EQ(info.increment, 1 << 20);
	CHECK_EQ(info.increments, 256);
	CHECK_EQ(info.cpus, 4);
	info_put(0, 0);
	be32_store(block + 100, 2048);
	be64_store(block + 104, 100000);
	CHECK(sclp_info_parse(block, &info) == NULL);
	CHECK_EQ(info.increment, UINT64_C(2048) << 20);
	CHECK_EQ(info.increments, 100000);
}

TEST(sclp_block, nonsense_memory_sizes_are_refused)
{
	struct sclp_info info;

	info_put(0, 1);
	CHECK(sclp_info_parse(block, &info) != NULL);
	info_put(256, 0);
	CHECK(sclp_info_parse(block, &info) != NULL);
	info_put(256, 3);
	CHECK(sclp_info_parse(block, &info) != NULL);
	info_put(0, 1);
	be64_store(block + 104, UINT64_MAX);
	CHECK(sclp_info_parse(block, &info) != NULL);
	/* A product beyond 64 bits, found by the fuzzer. */
	info_put(0, 0);
	be32_store(block + 100, 1 << 20);
	be64_store(block + 104, UINT64_C(1) << 32);
	CHECK(sclp_info_parse(block, &info) != NULL);
	info_put(256, 1);
	be16_store(block + 6, 0x01f0);
	CHECK(sclp_info_parse(block, &info) != NULL);
	CHECK_EQ(info.increments, 0);
}

static const char *lines_of(const char *stream)
{
	static char result[2 * SCLP_LINE_MAX + 16];
	struct line_text line = {.length = 0};
	size_t used = 0;

	for (; *stream; stream++) {
		if (!line_text_put(&line, *stream))
			continue;
		memcpy(result + used, line.text, line.length);
		used += line.length;
		result[used++] = '|';
		line.length = 0;
	}
	result[used] = '\0';
	return result;
}

TEST(sclp_block, lines_are_plain_text)
{
	static char wide[SCLP_LINE_MAX + 2];

	CHECK_STR(lines_of("one\ntwo\n"), "one|two|");
	CHECK_STR(lines_of("a\x1b[1;32mb\x1b[0mc\a\n"), "abc|");
	CHECK_STR(lines_of("old\rnew\n"), "new|");
	CHECK_STR(lines_of("\bab\b\bc\td\n"), "c d|");
	CHECK_STR(lines_of("\n"), "|");
	/* A line that does not end is cut where the console's width ends. */
	memset(wide, 'x', SCLP_LINE_MAX + 1);
	CHECK_EQ(strlen(lines_of(wide)), SCLP_LINE_MAX + 1);
}

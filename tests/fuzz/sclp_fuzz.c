// SPDX-License-Identifier: MIT
/*
 * The input is an answer of the service processor; what it says about itself, its memory and
 * its events is believed as far as it is sound. The same bytes are then text for both kinds of
 * console, and the parameter area with a map of storage behind it.
 */
#include <boot/ipl_info.h>
#include <platform/s390x/line_text.h>
#include <platform/s390x/sclp_block.h>

#include <kernel/assert.h>
#include <kernel/bits.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static const uint8_t *present_bits;
static size_t present_bytes;

static bool is_present(uint64_t address)
{
	uint64_t bit = address >> 20;

	return bit / 8 < present_bytes && (present_bits[bit / 8] >> bit % 8 & 1);
}

static void play_events(const uint8_t *block)
{
	struct sclp_event event;
	size_t cursor = 0;
	size_t before = 0;
	char text[64];

	while (sclp_event_next(block, &cursor, &event)) {
		ASSERT(cursor > before && cursor <= SCLP_BLOCK_SIZE);
		ASSERT(event.data + event.length <= block + SCLP_BLOCK_SIZE);
		ASSERT(sclp_event_text(&event, text, sizeof(text)) <= sizeof(text));
		before = cursor;
	}
}

static void play_answers(const uint8_t *block)
{
	uint32_t can_send, can_receive;
	struct sclp_info info;

	sclp_mask_parse(block, &can_send, &can_receive);
	if (!sclp_info_parse(block, &info))
		ASSERT(is_power_of_two(info.increment) && info.increments > 0 &&
		       info.increments <= UINT64_MAX / info.increment);
}

static void play_output(uint8_t *block, const char *text, size_t length)
{
	struct line_text line = {.length = 0};

	for (size_t at = 0; at < length;) {
		size_t taken = sclp_ascii_build(block, text + at, length - at);

		ASSERT(taken > 0 && be16_load(block) <= SCLP_BLOCK_SIZE);
		at += taken;
	}
	for (size_t at = 0; at < length; at++) {
		if (!line_text_put(&line, text[at]))
			continue;
		ASSERT(line.length <= SCLP_LINE_MAX);
		sclp_line_build(block, line.text, line.length);
		line.length = 0;
	}
	sclp_read_build(block);
	sclp_mask_build(block, 1, 2);
}

static uint64_t present(uint64_t address, uint64_t step, uint64_t count)
{
	uint64_t found = 0;

	while (found < count && is_present(address + found * step))
		found++;
	return found;
}

static void play_start(const uint8_t *bytes, size_t length)
{
	size_t parameters = MIN(length, (size_t)64);
	struct ipl_storage storage = {1 << 20, 8 * (length - parameters), present};
	static struct boot_info info;

	present_bits = bytes + parameters;
	present_bytes = length - parameters;
	memset(&info, 0, sizeof(info));
	info.kernel_base = phys(0x10000);
	info.kernel_size = 0x200000;
	ASSERT(ipl_storage_count(&storage) <= storage.increments);
	if (ipl_boot_info(bytes, parameters, &storage, 0x10000, &info))
		return;
	for (uint32_t i = 1; i < info.range_count; i++)
		ASSERT(info.ranges[i - 1].start.addr + info.ranges[i - 1].size <=
		       info.ranges[i].start.addr);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	uint8_t *block = calloc(1, SCLP_BLOCK_SIZE);

	ASSERT(block);
	memcpy(block, bytes, MIN(length, (size_t)SCLP_BLOCK_SIZE));
	play_events(block);
	play_answers(block);
	play_output(block, (const char *)bytes, length);
	play_start(bytes, length);
	free(block);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The table lies in boot memory, sized when little more will be taken: every further piece
 * taken can split one range, and what does not fit is left out with a message.
 */
#include <mm/ranges.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/boot_memory.h>
#include <kernel/log.h>
#include <platform/memory.h>

/* Pieces that may still be taken after ranges_reserve(). */
#define RANGES_SLACK 64

static struct ram_range *ranges;
static size_t range_count;
static size_t range_room;

void ranges_reserve(void)
{
	struct boot_memory_cursor cursor = {0};
	struct phys start;
	uint64_t size;
	struct phys room;

	range_room = RANGES_SLACK;
	while (boot_memory_next_free(&cursor, &start, &size))
		range_room++;
	room = boot_memory_alloc(range_room * sizeof(*ranges), PAGE_SIZE);
	if (!room.addr)
		panic("mm: no memory for a table of %zu ranges: give the machine more memory",
		      range_room);
	ranges = phys_to_virt(room);
}

void ranges_collect(void)
{
	struct boot_memory_cursor cursor = {0};
	struct phys start;
	uint64_t size;

	range_count = 0;
	while (boot_memory_next_free(&cursor, &start, &size)) {
		if (range_count == range_room) {
			log_warn("mm: memory map too scattered: RAM above %#llx is not used",
				 (unsigned long long)start.addr);
			return;
		}
		ranges[range_count++] = (struct ram_range){start.addr >> PAGE_SHIFT,
							   (start.addr + size) >> PAGE_SHIFT};
	}
}

const struct ram_range *ranges_from(uint64_t frame, const struct ram_range **end)
{
	size_t low = 0;
	size_t high = range_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ranges[middle].end > frame)
			high = middle;
		else
			low = middle + 1;
	}
	*end = ranges + range_count;
	return ranges + low;
}

uint64_t ranges_overlap(uint64_t start, uint64_t end)
{
	const struct ram_range *stop;
	const struct ram_range *range = ranges_from(start, &stop);
	uint64_t frames = 0;

	for (; range < stop && range->start < end; range++)
		frames += MIN(range->end, end) - MAX(range->start, start);
	return frames;
}

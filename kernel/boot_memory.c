// SPDX-License-Identifier: MIT
/*
 * The ranges of boot_info stay as they are; what was taken is a short sorted list of pieces
 * that grow together where they touch. Allocation goes from the top down, so that one run of
 * page tables is one piece and low memory stays free for devices that need it.
 */
#include <kernel/boot_memory.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>

#define PIECES_MAX 64

struct piece {
	uint64_t start;
	uint64_t end;
};

static const struct boot_info *source;
static struct piece taken[PIECES_MAX];
static uint32_t taken_count;
static uint64_t limit_default;

void boot_memory_init(const struct boot_info *info)
{
	source = info;
	taken_count = 0;
	limit_default = UINT64_MAX;
}

void boot_memory_set_limit(struct phys limit)
{
	limit_default = limit.addr;
}

/* Merge pieces i and i + 1 if they touch. */
static void pieces_join(uint32_t i)
{
	if (i + 1 >= taken_count || taken[i].end != taken[i + 1].start)
		return;
	taken[i].end = taken[i + 1].end;
	taken_count--;
	memmove(&taken[i + 1], &taken[i + 2], (taken_count - i - 1) * sizeof(taken[0]));
}

/* False when the list is full and the new piece touches no other. */
static bool pieces_add(uint64_t start, uint64_t end)
{
	uint32_t i = 0;

	while (i < taken_count && taken[i].start < start)
		i++;
	if (i < taken_count && taken[i].start == end) {
		taken[i].start = start;
	} else if (i > 0 && taken[i - 1].end == start) {
		taken[i - 1].end = end;
	} else {
		if (taken_count == PIECES_MAX)
			return false;
		memmove(&taken[i + 1], &taken[i], (taken_count - i) * sizeof(taken[0]));
		taken[i] = (struct piece){start, end};
		taken_count++;
	}
	pieces_join(i);
	if (i > 0)
		pieces_join(i - 1);
	return true;
}

/* Start of the highest free block of this size inside [start, end), or 0. */
static uint64_t find_from_top(uint64_t start, uint64_t end, uint64_t size, uint64_t align)
{
	for (uint32_t i = taken_count;; i--) {
		uint64_t top = end;
		uint64_t bottom = start;

		if (i < taken_count)
			top = MIN(top, taken[i].start);
		if (i > 0)
			bottom = MAX(bottom, taken[i - 1].end);
		if (top > bottom && top - bottom >= size) {
			uint64_t at = align_down(top - size, align);

			if (at >= bottom)
				return at;
		}
		if (i == 0)
			return 0;
	}
}

struct phys boot_memory_alloc_below(uint64_t size, uint64_t align, struct phys limit)
{
	if (size == 0 || size > UINT64_MAX - PAGE_SIZE)
		return phys(0);
	size = align_up(size, PAGE_SIZE);
	align = MAX(align, PAGE_SIZE);
	for (uint32_t i = source->range_count; i-- > 0;) {
		const struct boot_range *range = &source->ranges[i];
		uint64_t start = MAX(range->start.addr, PAGE_SIZE);
		uint64_t end = MIN(range->start.addr + range->size, limit.addr);
		uint64_t at;

		if (range->type != BOOT_RANGE_RAM || end <= start || end - start < size)
			continue;
		at = find_from_top(start, end, size, align);
		if (at)
			return phys(pieces_add(at, at + size) ? at : 0);
	}
	return phys(0);
}

struct phys boot_memory_alloc(uint64_t size, uint64_t align)
{
	return boot_memory_alloc_below(size, align, phys(limit_default));
}

/* First free piece of a range at or above position; false when there is none. */
static bool free_piece(const struct boot_range *range, uint64_t position, struct piece *piece)
{
	uint64_t start = MAX(MAX(range->start.addr, PAGE_SIZE), position);
	uint64_t end = range->start.addr + range->size;

	for (uint32_t i = 0; i < taken_count; i++) {
		if (taken[i].end <= start)
			continue;
		if (taken[i].start > start) {
			end = MIN(end, taken[i].start);
			break;
		}
		start = taken[i].end;
	}
	*piece = (struct piece){start, end};
	return start < end;
}

bool boot_memory_next_free(struct boot_memory_cursor *cursor, struct phys *start,
			   uint64_t *size)
{
	for (; cursor->range < source->range_count; cursor->range++) {
		const struct boot_range *range = &source->ranges[cursor->range];
		struct piece piece;

		if (range->type != BOOT_RANGE_RAM ||
		    !free_piece(range, cursor->position.addr, &piece))
			continue;
		*start = phys(piece.start);
		*size = piece.end - piece.start;
		cursor->position = phys(piece.end);
		return true;
	}
	return false;
}

uint64_t boot_memory_total(void)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < source->range_count; i++)
		if (source->ranges[i].type == BOOT_RANGE_RAM)
			total += source->ranges[i].size;
	return total;
}

uint64_t boot_memory_taken(void)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < taken_count; i++)
		total += taken[i].end - taken[i].start;
	return total;
}

// SPDX-License-Identifier: MIT
/*
 * Many frames at once: any, and exactly those of a range. All of it is made of the changes that
 * single requests make, a word at a time.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>
#include <errno.h>

/* ---- any frames ---- */

/* What is left in the CPU's own rows, in ascending order. */
static unsigned own_get_many(struct frames_cpu *mine, uint64_t *list, unsigned count)
{
	unsigned got = 0;
	uint64_t first;

	frames_cpu_enter(mine);
	first = atomic_load_explicit(&mine->first, memory_order_acquire);
	for (unsigned r = 0; first && r < BLOCK_ROWS && got < count; r++) {
		uint64_t row = first - 1 + r * ROW_FRAMES;
		uint64_t free = ~atomic_load_explicit(&mine->rows[r], memory_order_relaxed);

		for (; free && got < count; free &= free - 1)
			list[got++] = row + (unsigned)__builtin_ctzll(free);
		atomic_store_explicit(&mine->rows[r], ~free, memory_order_relaxed);
	}
	frames_cpu_count(&mine->got[0], got);
	frames_cpu_leave(mine);
	return got;
}

unsigned frames_get_many(struct frames *frames, unsigned cpu, uint64_t *list, unsigned count)
{
	unsigned got = 0;

	if (!frames_cpu_is_live(&frames->cpus[cpu]))
		frames_cpu_begin(frames, cpu);
	while (got < count) {
		got += own_get_many(&frames->cpus[cpu], list + got, count - got);
		if (got == count)
			break;
		list[got] = frames_get_new(frames, cpu, 0);
		if (list[got] == FRAMES_NONE)
			break;
		got++;
	}
	return got;
}

/* Frames of a row that is nobody's own: bits, then the count. */
static bool row_put(struct frames *frames, struct frames_cpu *mine, uint64_t row, uint64_t mask)
{
	uint64_t block = row / BLOCK_ROWS;
	struct block_step step;
	bool given;

	if (frames_block_word(frames, block) & (BLOCK_WHOLE | BLOCK_OWNER))
		return false;
	frames_sequence_begin(&mine->moves);
	given = row_update_mask(&frames->rows[row], row_give_mask, mask);
	if (given && !frames_block_update(frames, block, block_give,
					  (unsigned)__builtin_popcountll(mask), &step))
		panic("frames: block %llu counts less than its bits",
		      (unsigned long long)block);
	frames_sequence_end(&mine->moves);
	return given;
}

/* How many from the head of the list lie in the same row, each once; their bits. */
static unsigned same_row(const uint64_t *list, unsigned count, uint64_t *mask)
{
	unsigned n = 0;

	*mask = 0;
	while (n < count && list[n] / ROW_FRAMES == list[0] / ROW_FRAMES &&
	       !(*mask & BIT64(list[n] % ROW_FRAMES)))
		*mask |= BIT64(list[n++] % ROW_FRAMES);
	return n;
}

unsigned frames_put_many(struct frames *frames, unsigned cpu, const uint64_t *list,
			 unsigned count)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	unsigned put = 0;

	if (!frames_cpu_is_live(&frames->cpus[cpu]))
		frames_cpu_begin(frames, cpu);
	while (put < count) {
		uint64_t mask;
		unsigned n = same_row(list + put, count - put, &mask);

		if (n > 1 && frames_is_open(frames, list[put]) &&
		    row_put(frames, mine, list[put] / ROW_FRAMES, mask)) {
			frames_cpu_count(&mine->put[0], n);
			put += n;
		} else if (frames_put(frames, cpu, list[put], 0)) {
			put++;
		} else {
			break;
		}
	}
	return put;
}

/* ---- exactly these ---- */

/* Bits of a row that lie in [first, end). */
static uint64_t row_part(uint64_t row, uint64_t first, uint64_t end)
{
	uint64_t from = MAX(row * ROW_FRAMES, first);
	uint64_t to = MIN((row + 1) * ROW_FRAMES, end);
	uint64_t bits = to - from;

	return (bits == ROW_FRAMES ? UINT64_MAX : BIT64(bits) - 1) << from % ROW_FRAMES;
}

/* The rows from `first` up to, but not including, that of `end`: clear our bits. */
static void rows_undo(struct frames *frames, uint64_t first, uint64_t end, uint64_t stop_row)
{
	for (uint64_t row = first / ROW_FRAMES; row < stop_row; row++)
		if (!row_update_mask(&frames->rows[row], row_give_mask,
				     row_part(row, first, end)))
			panic("frames: row %llu lost bits that were taken",
			      (unsigned long long)row);
}

/* [first, end) lies in one block. */
static bool part_take(struct frames *frames, uint64_t first, uint64_t end)
{
	uint64_t block = first / BLOCK_FRAMES;
	struct block_step step;

	if (!frames_block_update(frames, block, block_take, (unsigned)(end - first), &step))
		return false;
	for (uint64_t row = first / ROW_FRAMES; row * ROW_FRAMES < end; row++) {
		if (row_update_mask(&frames->rows[row], row_take_mask,
				    row_part(row, first, end)))
			continue;
		rows_undo(frames, first, end, row);
		if (!frames_block_update(frames, block, block_give, (unsigned)(end - first),
					 &step))
			panic("frames: block %llu lost a claim", (unsigned long long)block);
		return false;
	}
	return true;
}

/* The CPU that has reserved the block gives it up first; it may take it again, but not for
 * ever. */
static bool part_take_from_cpus(struct frames *frames, unsigned cpu, uint64_t first,
				uint64_t end)
{
	for (unsigned round = 0; round < 8; round++) {
		unsigned owner = block_owner(frames_block_word(frames, first / BLOCK_FRAMES));

		if (owner)
			(void)frames_cpu_revoke(frames, cpu, owner - 1);
		if (part_take(frames, first, end))
			return true;
		if (!owner)
			break;
	}
	return false;
}

static void range_undo(struct frames *frames, uint64_t first, uint64_t end)
{
	for (uint64_t at = first; at < end; at = align_down(at, BLOCK_FRAMES) + BLOCK_FRAMES) {
		uint64_t stop = MIN(end, align_down(at, BLOCK_FRAMES) + BLOCK_FRAMES);
		struct block_step step;

		rows_undo(frames, at, stop, (stop + ROW_FRAMES - 1) / ROW_FRAMES);
		if (!frames_block_update(frames, at / BLOCK_FRAMES, block_give,
					 (unsigned)(stop - at), &step))
			panic("frames: block %llu lost a claim",
			      (unsigned long long)at / BLOCK_FRAMES);
	}
}

static bool open_up_to(struct frames *frames, struct frames_cpu *mine, uint64_t end)
{
	uint64_t block;

	while (!frames_is_open(frames, end - 1))
		if (!frames_open_next(frames, mine, &block))
			return false;
	return true;
}

int frames_take_range(struct frames *frames, unsigned cpu, uint64_t first, uint64_t count,
		      uint64_t *busy)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t end = first + count;

	if (count == 0 || end < first || (end - 1) / BLOCK_FRAMES >= frames->block_count ||
	    !open_up_to(frames, mine, end))
		return -EINVAL;
	if (!frames_cpu_is_live(mine))
		frames_cpu_begin(frames, cpu);
	frames_sequence_begin(&mine->moves);
	for (uint64_t at = first; at < end; at = align_down(at, BLOCK_FRAMES) + BLOCK_FRAMES) {
		uint64_t stop = MIN(end, align_down(at, BLOCK_FRAMES) + BLOCK_FRAMES);

		if (part_take_from_cpus(frames, cpu, at, stop))
			continue;
		for (*busy = at; *busy < stop - 1 && !frames_is_taken(frames, *busy);)
			*busy += 1;
		range_undo(frames, first, at);
		frames_sequence_end(&mine->moves);
		return -EBUSY;
	}
	frames_sequence_end(&mine->moves);
	frames_cpu_count(&mine->got[0], count);
	return 0;
}

/* ---- looking ---- */

enum frames_state frames_state_of(const struct frames *frames, uint64_t block)
{
	unsigned taken;

	if (!frames_is_open(frames, block * BLOCK_FRAMES))
		return FRAMES_PRISTINE;
	taken = frames_taken_in(frames, block);
	if (taken == 0)
		return frames_block_word(frames, block) & BLOCK_REPORTED ? FRAMES_REPORTED
									 : FRAMES_FREE;
	return taken == BLOCK_FRAMES ? FRAMES_TAKEN : FRAMES_PARTIAL;
}

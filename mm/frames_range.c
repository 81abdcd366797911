// SPDX-License-Identifier: MIT
/*
 * Many frames at once: any, and exactly those of a range. All of it is made of the changes that
 * single requests make, a word at a time.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
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

	HOOK(frames_range_part);
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

/* The CPU that has reserved the block gives it up first. */
static bool part_take_from_cpu(struct frames *frames, unsigned cpu, uint64_t first,
			       uint64_t end)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	unsigned owner = block_owner(frames_block_word(frames, first / BLOCK_FRAMES));
	bool taken;

	frames_sequence_begin(&mine->moves);
	if (owner)
		(void)frames_cpu_revoke(frames, cpu, owner - 1);
	taken = part_take(frames, first, end);
	frames_sequence_end(&mine->moves);
	return taken;
}

/* Those of [first, end) that lie in one block; where they end. */
static uint64_t part_end(uint64_t first, uint64_t end)
{
	return MIN(end, align_down(first, BLOCK_FRAMES) + BLOCK_FRAMES);
}

static uint64_t part_first_taken(const struct frames *frames, uint64_t first, uint64_t end)
{
	HOOK(frames_range_part);
	for (uint64_t row = first / ROW_FRAMES; row * ROW_FRAMES < end; row++) {
		uint64_t taken = frames_row_taken(frames, row) & row_part(row, first, end);

		if (taken)
			return row * ROW_FRAMES + (unsigned)__builtin_ctzll(taken);
	}
	return end;
}

/* What a CPU has reserved, reserves or gives back may be on its way between rows: from there on
 * taking tells. */
static int range_look(const struct frames *frames, unsigned cpu, struct frames_range *range)
{
	uint64_t first = range->seen;
	uint64_t stop = part_end(first, range->end);
	uint64_t before;

	range->seen = stop;
	if (part_first_taken(frames, first, stop) == stop)
		return -EAGAIN;
	before = frames_sequences(frames, cpu);
	range->busy = part_first_taken(frames, first, stop);
	if (range->busy < stop &&
	    !block_owner(frames_block_word(frames, first / BLOCK_FRAMES)) &&
	    before == frames_sequences(frames, cpu))
		return -EBUSY;
	range->busy = FRAMES_NONE;
	range->seen = range->end;
	return -EAGAIN;
}

/* In use is what cannot be taken although nobody else was on the way: others may reserve the
 * block and give it back meanwhile, but not for ever. The first frame in use, or FRAMES_NONE:
 * all are taken. */
static uint64_t part_take_or_find_busy(struct frames *frames, unsigned cpu, uint64_t first,
				       uint64_t stop)
{
	uint64_t busy = FRAMES_NONE;

	if (part_take_from_cpu(frames, cpu, first, stop))
		return FRAMES_NONE;
	for (unsigned round = 0; round < FRAMES_SEARCHES; round++) {
		uint64_t before = frames_sequences(frames, cpu);

		if (part_take_from_cpu(frames, cpu, first, stop))
			return FRAMES_NONE;
		busy = MIN(part_first_taken(frames, first, stop), stop - 1);
		if (frames_sequences(frames, cpu) == before)
			break;
	}
	return busy;
}

static int range_take(struct frames *frames, unsigned cpu, struct frames_range *range)
{
	uint64_t first = range->taken;
	uint64_t stop = part_end(first, range->end);

	range->busy = part_take_or_find_busy(frames, cpu, first, stop);
	if (range->busy != FRAMES_NONE)
		return first == range->first ? -EBUSY : -EAGAIN;
	frames_cpu_count(&frames->cpus[cpu].got[0], stop - first);
	range->taken = stop;
	return stop == range->end ? 0 : -EAGAIN;
}

/* The last part that was taken goes back. */
static int range_undo(struct frames *frames, struct frames_cpu *mine,
		      struct frames_range *range)
{
	uint64_t stop = range->taken;
	uint64_t first = MAX(range->first, align_down(stop - 1, BLOCK_FRAMES));
	struct block_step step;

	HOOK(frames_range_part);
	frames_sequence_begin(&mine->moves);
	rows_undo(frames, first, stop, (stop + ROW_FRAMES - 1) / ROW_FRAMES);
	if (!frames_block_update(frames, first / BLOCK_FRAMES, block_give,
				 (unsigned)(stop - first), &step))
		panic("frames: block %llu lost a claim",
		      (unsigned long long)first / BLOCK_FRAMES);
	frames_sequence_end(&mine->moves);
	frames_cpu_count(&mine->put[0], stop - first);
	range->taken = first;
	return first == range->first ? -EBUSY : -EAGAIN;
}

int frames_take_range(struct frames *frames, unsigned cpu, struct frames_range *range)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	bool looks = range->seen < range->end;
	uint64_t block;

	if (range->end <= range->first ||
	    (range->end - 1) / BLOCK_FRAMES >= frames->block_count)
		return -EINVAL;
	if (!frames_cpu_is_live(mine))
		frames_cpu_begin(frames, cpu);
	if (range->busy != FRAMES_NONE)
		return range_undo(frames, mine, range);
	if (!frames_is_open(frames, looks ? range->seen : range->taken)) {
		(void)frames_open_next(frames, mine, &block);
		return -EAGAIN;
	}
	return looks ? range_look(frames, cpu, range) : range_take(frames, cpu, range);
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

// SPDX-License-Identifier: MIT
/*
 * What page reporting needs of the frame allocator: blocks that became free, a mark that every
 * use takes away, and a call when a block becomes free while nobody looks. The caller is alone;
 * everybody else gets and puts frames meanwhile.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>

uint64_t frames_report_next(const struct frames *frames, uint64_t from, uint64_t *bits)
{
	const struct frames_index *index = &frames->index[CLASS_FREE];
	uint64_t frontier = atomic_load_explicit(&frames->frontier, memory_order_acquire);
	uint64_t words = (frontier + 63) / 64;
	uint64_t mask = UINT64_MAX << from % 64;

	for (uint64_t at = from / 64; from < words && at <= (words - 1) / 64; at++) {
		uint64_t some =
			atomic_load_explicit(&index->summary[at], memory_order_seq_cst) & mask;

		mask = UINT64_MAX;
		for (; some; some &= some - 1) {
			uint64_t word = at * 64 + (unsigned)__builtin_ctzll(some);

			*bits = atomic_load_explicit(&index->words[word], memory_order_seq_cst);
			if (*bits)
				return word;
		}
	}
	return FRAMES_NONE;
}

enum frames_sight frames_report_see(struct frames *frames, uint64_t block)
{
	struct block_step step;
	uint32_t word;

	if (block_update(&frames->blocks[block], block_see, 0, &step))
		return FRAMES_NEW;
	word = frames_block_word(frames, block);
	return block_class(word) == CLASS_FREE && word & BLOCK_SEEN ? FRAMES_SEEN : FRAMES_GONE;
}

bool frames_report_take(struct frames *frames, unsigned cpu, uint64_t block)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	struct block_step step;

	if (!frames_cpu_is_live(mine))
		frames_cpu_begin(frames, cpu);
	frames_sequence_begin(&mine->moves);
	if (!frames_block_update(frames, block, block_take_seen, 0, &step)) {
		frames_sequence_cancel(&mine->moves);
		return false;
	}
	frames_sequence_end(&mine->moves);
	frames_cpu_count_get(mine, BLOCK_ORDER);
	return true;
}

void frames_report_give(struct frames *frames, unsigned cpu, uint64_t block, bool reported)
{
	struct block_step step;

	if (!frames_cpu_is_live(&frames->cpus[cpu]))
		frames_cpu_begin(frames, cpu);
	if (!frames_block_update(frames, block, block_give_whole, reported ? BLOCK_REPORTED : 0,
				 &step))
		panic("frames: block %llu was not taken for a report",
		      (unsigned long long)block);
	frames_cpu_count_put(&frames->cpus[cpu], BLOCK_ORDER);
}

/* ---- whoever watches ---- */

void frames_watch_arm(struct frames *frames)
{
	atomic_store_explicit(&frames->watched, true, memory_order_seq_cst);
}

void frames_watch_disarm(struct frames *frames)
{
	atomic_store_explicit(&frames->watched, false, memory_order_seq_cst);
}

NOINLINE void frames_watch_tell(struct frames *frames)
{
	const struct frames_watch *watch =
		atomic_load_explicit(&frames->watch, memory_order_acquire);

	if (atomic_exchange_explicit(&frames->watched, false, memory_order_acq_rel) && watch)
		watch->freed(frames);
}

NOINLINE void frames_taken_back(struct frames *frames, uint64_t block)
{
	const struct frames_watch *watch =
		atomic_load_explicit(&frames->watch, memory_order_acquire);

	if (watch)
		watch->taken_back(frames, block);
}

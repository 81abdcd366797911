// SPDX-License-Identifier: MIT
/*
 * Which blocks are free, reported or partly taken: one bit per block and class, and one bit per
 * 64 of them, so that a block is found without looking at others. Whoever changes the class of
 * a block by changing its word puts the bits right afterwards and then looks at the word again:
 * of two who are on the way at once the later one sees what the other did. So at rest a bit is
 * set exactly if the block is of that class; before, it is a hint.
 */
#include <mm/frames_internal.h>

void frames_summary_put(struct frames_index *index, uint64_t word)
{
	_Atomic uint64_t *summary = &index->summary[word / 64];
	uint64_t bit = BIT64(word % 64);
	bool set;

	do {
		set = atomic_load_explicit(&index->words[word], memory_order_acquire) != 0;
		if (set)
			atomic_fetch_or_explicit(summary, bit, memory_order_seq_cst);
		else
			atomic_fetch_and_explicit(summary, ~bit, memory_order_acq_rel);
	} while ((atomic_load_explicit(&index->words[word], memory_order_acquire) != 0) != set);
}

void frames_class_settle(struct frames *frames, uint64_t block, enum block_class before,
			 enum block_class after)
{
	for (;;) {
		enum block_class now;

		if (before != CLASS_NONE)
			frames_index_clear(&frames->index[before], block);
		if (before == CLASS_FREE)
			frames_unsee(frames, block);
		if (after != CLASS_NONE)
			frames_index_set(&frames->index[after], block);
		now = block_class(frames_block_word(frames, block));
		if (now == after)
			return;
		before = after;
		after = now;
	}
}

void frames_class_changed(struct frames *frames, uint64_t block, enum block_class before,
			  enum block_class after)
{
	if (UNLIKELY(before == CLASS_REPORTED))
		frames_taken_back(frames, block);
	frames_class_settle(frames, block, before, after);
}

uint64_t frames_index_next(const struct frames *frames, enum block_class class, uint64_t from)
{
	const struct frames_index *index = &frames->index[class];
	uint64_t frontier = atomic_load_explicit(&frames->frontier, memory_order_acquire);
	uint64_t words = (frontier + 63) / 64;
	uint64_t summaries = (words + 63) / 64;
	uint64_t at = from < words ? from / 64 : 0;
	uint64_t mask = from < words ? UINT64_MAX << from % 64 : UINT64_MAX;

	for (uint64_t i = 0; i <= summaries && summaries; i++) {
		uint64_t bits =
			atomic_load_explicit(&index->summary[at], memory_order_acquire) & mask;

		if (bits)
			return at * 64 + (unsigned)__builtin_ctzll(bits);
		mask = UINT64_MAX;
		at = at + 1 < summaries ? at + 1 : 0;
	}
	return FRAMES_NONE;
}

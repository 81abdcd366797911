// SPDX-License-Identifier: MIT
/*
 * Looking at the frame allocator without changing it: counts, availability per order, the
 * marks, and the walk that compares counters with bits and with hints.
 */
#include <mm/frames.h>
#include <kernel/format.h>

static uint32_t block_word(const struct frames *frames, uint64_t block)
{
	return atomic_load_explicit(&frames->blocks[block], memory_order_relaxed);
}

static uint64_t row_word(const struct frames *frames, uint64_t row)
{
	return atomic_load_explicit(&frames->rows[row], memory_order_relaxed);
}

static uint64_t frontier_of(const struct frames *frames)
{
	return atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

uint64_t frames_free(const struct frames *frames)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);
	uint64_t free = frames->usable;

	for (unsigned cpu = 0; cpu < end; cpu++) {
		const struct frames_cpu *one = &frames->cpus[cpu];

		free += atomic_load_explicit(&one->put, memory_order_relaxed) -
			atomic_load_explicit(&one->got, memory_order_relaxed);
	}
	return free;
}

bool frames_is_taken(const struct frames *frames, uint64_t frame)
{
	return block_word(frames, frame / BLOCK_FRAMES) & BLOCK_WHOLE ||
	       row_word(frames, frame / ROW_FRAMES) >> frame % ROW_FRAMES & 1;
}

unsigned frames_taken_in(const struct frames *frames, uint64_t block)
{
	return block_taken(block_word(frames, block));
}

void frames_mark_written(struct frames *frames, uint64_t frame)
{
	uint32_t before;

	(void)block_update(&frames->blocks[frame / BLOCK_FRAMES], block_set, BLOCK_WRITTEN,
			   &before);
}

void frames_clear_written(struct frames *frames, uint64_t frame)
{
	uint32_t before;

	(void)block_update(&frames->blocks[frame / BLOCK_FRAMES], block_clear, BLOCK_WRITTEN,
			   &before);
}

/* Aligned free runs of 2^order inside one block, order below 9. */
static uint64_t block_available(const struct frames *frames, uint64_t block, unsigned order)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;
	uint64_t runs = 0;

	if (block_word(frames, block) & BLOCK_WHOLE)
		return 0;
	for (unsigned row = 0; row < BLOCK_ROWS; row += step) {
		uint64_t taken = 0;

		for (unsigned i = 0; i < step; i++)
			taken |= row_word(frames, block * BLOCK_ROWS + row + i);
		if (step == 1)
			runs += (uint64_t)__builtin_popcountll(row_free_runs(taken, order));
		else
			runs += taken == 0;
	}
	return runs;
}

uint64_t frames_available(const struct frames *frames, unsigned order)
{
	uint64_t frontier = frontier_of(frames);
	unsigned step = order > BLOCK_ORDER ? 1u << (order - BLOCK_ORDER) : 1;
	uint64_t runs = 0;

	for (uint64_t block = 0; block + step <= frontier; block += step) {
		bool idle = true;

		for (uint64_t b = block; b < block + step; b++)
			idle = idle && block_taken(block_word(frames, b)) == 0;
		runs += order < BLOCK_ORDER ? block_available(frames, block, order) : idle;
	}
	return runs;
}

static char problem[128];

static const char *block_problem(const char *text, uint64_t block, uint64_t is, uint64_t should)
{
	format(problem, sizeof(problem), "frame block %llu: %s: %llu, should be %llu",
	       (unsigned long long)block, text, (unsigned long long)is,
	       (unsigned long long)should);
	return problem;
}

static const char *check_block(const struct frames *frames, uint64_t block)
{
	uint32_t word = block_word(frames, block);
	unsigned bits = 0;

	for (unsigned row = 0; row < BLOCK_ROWS; row++)
		bits += (unsigned)__builtin_popcountll(
			row_word(frames, block * BLOCK_ROWS + row));
	if (word & BLOCK_WHOLE) {
		if (bits)
			return block_problem("bits set in a whole block", block, bits, 0);
		if (block_taken(word) != BLOCK_FRAMES)
			return block_problem("count of a whole block", block, block_taken(word),
					     BLOCK_FRAMES);
	} else if (block_taken(word) != bits) {
		return block_problem("count against bits", block, block_taken(word), bits);
	}
	return NULL;
}

static const char *check_tree(const struct frames *frames, uint64_t tree, uint64_t frontier)
{
	uint64_t word = atomic_load_explicit(&frames->trees[tree], memory_order_relaxed);
	uint64_t end = MIN((tree + 1) * TREE_BLOCKS, frontier);
	uint64_t sum = 0;

	for (uint64_t block = tree * TREE_BLOCKS; block < end; block++)
		sum += tree_change_of(0, block_taken(block_word(frames, block)));
	if (word != sum)
		return block_problem("tree of this block (full << 32 | busy)",
				     tree * TREE_BLOCKS, word, sum);
	return NULL;
}

/* Each mark belongs to one CPU, and each CPU's block has it. */
static const char *check_owners(const struct frames *frames, uint64_t frontier)
{
	uint64_t marks = 0;
	uint64_t owners = 0;

	for (uint64_t block = 0; block < frontier; block++)
		marks += (block_word(frames, block) & BLOCK_OWNED) != 0;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		uint64_t owned =
			atomic_load_explicit(&frames->cpus[cpu].owned, memory_order_relaxed);

		if (owned && !(block_word(frames, owned - 1) & BLOCK_OWNED))
			return block_problem("mark of its owner", owned - 1, 0, 1);
		owners += owned != 0;
	}
	if (marks != owners)
		return block_problem("(all) owner marks", 0, marks, owners);
	return NULL;
}

/* Frames taken in all open blocks, the excluded ones included. */
static uint64_t taken_total(const struct frames *frames, uint64_t frontier)
{
	uint64_t taken = 0;

	for (uint64_t block = 0; block < frontier; block++)
		taken += block_taken(block_word(frames, block));
	return taken;
}

const char *frames_check(const struct frames *frames)
{
	uint64_t frontier = frontier_of(frames);
	uint64_t excluded = frames->excluded;
	uint64_t got = taken_total(frames, frontier) - excluded;
	const char *wrong;

	for (uint64_t block = 0; block < frontier; block++) {
		wrong = check_block(frames, block);
		if (wrong)
			return wrong;
	}
	for (uint64_t tree = 0; tree * TREE_BLOCKS < frontier; tree++) {
		wrong = check_tree(frames, tree, frontier);
		if (wrong)
			return wrong;
	}
	if (frames_free(frames) != frames->usable - got)
		return block_problem("(all) free frames against counters", 0,
				     frames_free(frames), frames->usable - got);
	return check_owners(frames, frontier);
}

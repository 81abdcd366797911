// SPDX-License-Identifier: MIT
/*
 * Where to get frames from when the block a CPU owns has none. Blocks that are fuller than the
 * average come first, so that the emptier ones run empty and can be had whole; then any that is
 * partly taken, then free ones, then the frontier, then whatever others own. The trees say
 * which blocks are worth a look; they are hints, so the last pass looks at everything.
 */
#include <mm/frames.h>

enum search_pass { PASS_FULLER, PASS_PARTIAL, PASS_FREE, PASS_FRONTIER, PASS_ANY, PASS_COUNT };

struct search {
	struct frames *frames;
	unsigned cpu;
	unsigned order;
	enum search_pass pass;
	unsigned least; /* frames that a block must have taken */
};

static uint64_t frontier_of(const struct frames *frames)
{
	return atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

/* Open blocks of a tree. */
static unsigned tree_blocks(uint64_t frontier, uint64_t tree)
{
	return (unsigned)MIN(TREE_BLOCKS, frontier - tree * TREE_BLOCKS);
}

static bool tree_is_worth(uint64_t tree, unsigned blocks, enum search_pass pass)
{
	switch (pass) {
	case PASS_FULLER:
	case PASS_PARTIAL:
		return tree_busy(tree) != tree_full(tree);
	case PASS_FREE:
		return tree_busy(tree) < blocks;
	default:
		return true;
	}
}

static bool block_is_worth(uint32_t block, const struct search *search)
{
	unsigned taken = block_taken(block);

	if (taken + (1u << search->order) > BLOCK_FRAMES || taken < search->least)
		return false;
	if (search->pass == PASS_ANY)
		return true;
	return !(block & BLOCK_OWNED) && (taken == 0) == (search->pass == PASS_FREE);
}

/* The block becomes this CPU's, the one before is given up. */
static void owned_replace(struct frames *frames, unsigned cpu, uint64_t block)
{
	uint64_t old = atomic_exchange_explicit(&frames->cpus[cpu].owned, block + 1,
						memory_order_relaxed);
	uint32_t before;

	if (old)
		(void)block_update(&frames->blocks[old - 1], block_clear, BLOCK_OWNED, &before);
}

static uint64_t get_small_here(const struct search *search, uint64_t block)
{
	bool own = search->pass != PASS_ANY;
	uint64_t frame = frames_get_in_block(search->frames, block, search->order, own, 0);

	if (frame != FRAMES_NONE && own)
		owned_replace(search->frames, search->cpu, block);
	return frame;
}

/* The fullest block of the tree that fits. One whose bits are too scattered is left out by
 * tried. */
static uint64_t fullest_block(const struct search *search, uint64_t tree, unsigned blocks,
			      uint32_t tried)
{
	_Atomic uint32_t *words = &search->frames->blocks[tree * TREE_BLOCKS];
	uint64_t best = FRAMES_NONE;
	unsigned best_taken = 0;

	for (unsigned i = 0; i < blocks; i++) {
		uint32_t word = atomic_load_explicit(&words[i], memory_order_relaxed);

		if (tried & BIT(i) || !block_is_worth(word, search))
			continue;
		if (best == FRAMES_NONE || block_taken(word) > best_taken) {
			best = tree * TREE_BLOCKS + i;
			best_taken = block_taken(word);
		}
	}
	return best;
}

static uint64_t get_small_in_tree(const struct search *search, uint64_t tree, unsigned blocks)
{
	uint32_t tried = 0;

	for (;;) {
		uint64_t block = fullest_block(search, tree, blocks, tried);
		uint64_t frame;

		if (block == FRAMES_NONE)
			return FRAMES_NONE;
		frame = get_small_here(search, block);
		if (frame != FRAMES_NONE)
			return frame;
		tried |= BIT(block % TREE_BLOCKS);
	}
}

/* Orders 9 and 10: a block, or an even one and the next. Blocks that a CPU owns are spared
 * until the last pass, even if they are free. */
static uint64_t get_whole_in_tree(const struct search *search, uint64_t tree, unsigned blocks)
{
	struct frames *frames = search->frames;
	unsigned step = 1u << (search->order - BLOCK_ORDER);

	for (unsigned i = 0; i + step <= blocks; i += step) {
		uint64_t block = tree * TREE_BLOCKS + i;
		bool worth = true;

		for (unsigned b = 0; b < step && worth; b++) {
			uint32_t word = atomic_load_explicit(&frames->blocks[block + b],
							     memory_order_relaxed);

			worth = block_taken(word) == 0 &&
				(search->pass == PASS_ANY || !(word & BLOCK_OWNED));
		}
		if (worth && frames_get_whole(frames, block, search->order))
			return block * BLOCK_FRAMES;
	}
	return FRAMES_NONE;
}

/* Open blocks until one fits; for order 10 the second of an aligned pair. */
static uint64_t get_at_frontier(const struct search *search)
{
	unsigned order = search->order;
	unsigned step = order > BLOCK_ORDER ? 1u << (order - BLOCK_ORDER) : 1;
	uint64_t block;

	while (frames_open_next(search->frames, &block)) {
		uint64_t first = block + 1 - step;

		if (order < BLOCK_ORDER) {
			uint64_t frame = get_small_here(search, block);

			if (frame != FRAMES_NONE)
				return frame;
		} else if (block % step == step - 1 &&
			   frames_get_whole(search->frames, first, order)) {
			return first * BLOCK_FRAMES;
		}
	}
	return FRAMES_NONE;
}

static uint64_t search_trees(const struct search *search, uint64_t first_tree)
{
	struct frames *frames = search->frames;
	uint64_t frontier = frontier_of(frames);
	uint64_t trees = (frontier + TREE_BLOCKS - 1) / TREE_BLOCKS;

	for (uint64_t i = 0; i < trees; i++) {
		uint64_t tree =
			first_tree + i < trees ? first_tree + i : first_tree + i - trees;
		unsigned blocks = tree_blocks(frontier, tree);
		uint64_t word =
			atomic_load_explicit(&frames->trees[tree], memory_order_relaxed);
		uint64_t frame;

		if (!tree_is_worth(word, blocks, search->pass))
			continue;
		frame = search->order < BLOCK_ORDER ? get_small_in_tree(search, tree, blocks)
						    : get_whole_in_tree(search, tree, blocks);
		if (frame != FRAMES_NONE)
			return frame;
	}
	return FRAMES_NONE;
}

/* Tree to begin with: where this CPU was successful last, if it is open. */
static uint64_t first_tree_of(const struct search *search)
{
	const struct frames_cpu *mine = &search->frames->cpus[search->cpu];
	uint64_t trees = (frontier_of(search->frames) + TREE_BLOCKS - 1) / TREE_BLOCKS;
	uint64_t tree;

	if (search->order >= BLOCK_ORDER) {
		tree = atomic_load_explicit(&mine->whole_tree, memory_order_relaxed);
	} else {
		uint64_t owned = atomic_load_explicit(&mine->owned, memory_order_relaxed);

		tree = owned ? (owned - 1) / TREE_BLOCKS : 0;
	}
	return tree < trees ? tree : 0;
}

/* Frames taken in an open block, on average; at least 1, which a free block has not. */
static unsigned average_taken(const struct frames *frames)
{
	uint64_t taken = frames->usable - frames_free(frames) +
			 atomic_load_explicit(&frames->excluded, memory_order_relaxed);
	uint64_t blocks = MAX(frontier_of(frames), 1);

	return (unsigned)MAX(MIN(taken / blocks, BLOCK_FRAMES), 1);
}

uint64_t frames_search(struct frames *frames, unsigned cpu, unsigned order)
{
	struct search search = {.frames = frames, .cpu = cpu, .order = order};
	uint64_t frame = FRAMES_NONE;

	search.pass = order < BLOCK_ORDER ? PASS_FULLER : PASS_FREE;
	for (; search.pass < PASS_COUNT && frame == FRAMES_NONE; search.pass++) {
		search.least = search.pass == PASS_FULLER ? average_taken(frames) : 0;
		if (search.pass == PASS_FRONTIER)
			frame = get_at_frontier(&search);
		else
			frame = search_trees(&search, first_tree_of(&search));
	}
	if (frame != FRAMES_NONE && order >= BLOCK_ORDER)
		atomic_store_explicit(&frames->cpus[cpu].whole_tree,
				      frame / BLOCK_FRAMES / TREE_BLOCKS, memory_order_relaxed);
	return frame;
}

// SPDX-License-Identifier: MIT
/*
 * The words of the frame allocator and every change to them, as pure functions: a function
 * changes a copy of the word and says whether the change is possible; one loop per word type
 * puts it into memory by compare-and-swap. All-zero words mean: all free.
 *
 *	row	64 bits, one per frame, 1: taken
 *	block	taken frames of 512 (one order-9 frame), and marks
 *	tree	of 32 blocks: how many have a frame taken, how many are full; a hint for the
 *search
 */
#ifndef MM_FRAMES_WORD_H
#define MM_FRAMES_WORD_H

#include <kernel/attributes.h>
#include <kernel/bits.h>
#include <stdatomic.h>

#define ROW_ORDER    6
#define ROW_FRAMES   64u
#define BLOCK_ORDER  9
#define BLOCK_FRAMES 512u
#define BLOCK_ROWS   (BLOCK_FRAMES / ROW_FRAMES)
#define TREE_BLOCKS  32u

#define BLOCK_TAKEN   0x3ffu     /* frames taken, 0 to 512 */
#define BLOCK_WHOLE   (1u << 10) /* taken as one: the rows are zero and not in use */
#define BLOCK_OWNED   (1u << 11) /* some CPU takes its small frames here */
#define BLOCK_WRITTEN (1u << 12) /* a page record inside was written on its own (B-0) */

static inline uint64_t row_mask(unsigned at, unsigned order)
{
	return (order == ROW_ORDER ? UINT64_MAX : BIT64(1u << order) - 1) << at;
}

/* Positions at which a free run of 2^order bits begins, aligned to its size. order 0 to 6. */
static inline uint64_t row_free_runs(uint64_t row, unsigned order)
{
	static const uint64_t aligned[ROW_ORDER + 1] = {
		UINT64_MAX,
		UINT64_C(0x5555555555555555),
		UINT64_C(0x1111111111111111),
		UINT64_C(0x0101010101010101),
		UINT64_C(0x0001000100010001),
		UINT64_C(0x0000000100000001),
		1,
	};
	uint64_t free = ~row;

	for (unsigned o = 0; o < order; o++)
		free &= free >> (1u << o);
	return free & aligned[order];
}

/* Take the lowest free run; *at is its first bit. */
static inline bool row_take(uint64_t *row, unsigned order, unsigned *at)
{
	uint64_t runs = row_free_runs(*row, order);

	if (runs == 0)
		return false;
	*at = (unsigned)__builtin_ctzll(runs);
	*row |= row_mask(*at, order);
	return true;
}

/* Take exactly the run at *at. */
static inline bool row_take_at(uint64_t *row, unsigned order, unsigned *at)
{
	uint64_t mask = row_mask(*at, order);

	if (*row & mask)
		return false;
	*row |= mask;
	return true;
}

/* Give the run at *at back; false when part of it is free already. */
static inline bool row_give(uint64_t *row, unsigned order, unsigned *at)
{
	uint64_t mask = row_mask(*at, order);

	if ((*row & mask) != mask)
		return false;
	*row &= ~mask;
	return true;
}

typedef bool row_change(uint64_t *row, unsigned order, unsigned *at);

static ALWAYS_INLINE bool row_update(_Atomic uint64_t *word, row_change *change, unsigned order,
				     unsigned *at)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t new;

	do {
		new = old;
		if (!change(&new, order, at))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	return true;
}

static inline unsigned block_taken(uint32_t block)
{
	return block & BLOCK_TAKEN;
}

/* Account for 2^order frames that the caller then finds in the rows. order below 9. */
static inline bool block_take(uint32_t *block, unsigned order)
{
	if (*block & BLOCK_WHOLE || block_taken(*block) + (1u << order) > BLOCK_FRAMES)
		return false;
	*block += 1u << order;
	return true;
}

/* The same in a block that is nobody's; it becomes the caller's. */
static inline bool block_take_and_own(uint32_t *block, unsigned order)
{
	if (*block & BLOCK_OWNED || !block_take(block, order))
		return false;
	*block |= BLOCK_OWNED;
	return true;
}

static inline bool block_give(uint32_t *block, unsigned order)
{
	if (*block & BLOCK_WHOLE || block_taken(*block) < 1u << order)
		return false;
	*block -= 1u << order;
	return true;
}

/* Take all 512 frames as one. unused: the order is known. */
static inline bool block_take_whole(uint32_t *block, unsigned unused)
{
	(void)unused;
	if (block_taken(*block) != 0)
		return false;
	*block |= BLOCK_WHOLE | BLOCK_FRAMES;
	return true;
}

static inline bool block_give_whole(uint32_t *block, unsigned unused)
{
	(void)unused;
	if (!(*block & BLOCK_WHOLE))
		return false;
	*block &= ~(BLOCK_WHOLE | BLOCK_TAKEN);
	return true;
}

/* One taken frame of order 9 becomes 512 taken ones, after the rows were filled. */
static inline bool block_split(uint32_t *block, unsigned unused)
{
	(void)unused;
	if (!(*block & BLOCK_WHOLE))
		return false;
	*block &= ~BLOCK_WHOLE;
	return true;
}

static inline bool block_set(uint32_t *block, unsigned mark)
{
	if (*block & mark)
		return false;
	*block |= mark;
	return true;
}

static inline bool block_clear(uint32_t *block, unsigned mark)
{
	if (!(*block & mark))
		return false;
	*block &= ~mark;
	return true;
}

typedef bool block_change(uint32_t *block, unsigned arg);

/* *before is the word that was replaced. */
static ALWAYS_INLINE bool block_update(_Atomic uint32_t *word, block_change *change,
				       unsigned arg, uint32_t *before)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint32_t new;

	do {
		new = old;
		if (!change(&new, arg))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	*before = old;
	return true;
}

/* busy blocks in the low half, full ones in the high half. Sums are exact, but a reader may see
 * one update before another: a hint. */
static inline uint64_t tree_change(int busy, int full)
{
	return (uint64_t)(int64_t)busy + ((uint64_t)(int64_t)full << 32);
}

/* What a change of a block's taken count means for its tree. */
static inline uint64_t tree_change_of(unsigned taken_before, unsigned taken_after)
{
	return tree_change((taken_after != 0) - (taken_before != 0),
			   (taken_after == BLOCK_FRAMES) - (taken_before == BLOCK_FRAMES));
}

static inline unsigned tree_full(uint64_t tree)
{
	return (unsigned)((tree + (UINT64_C(1) << 31)) >> 32);
}

static inline unsigned tree_busy(uint64_t tree)
{
	return (unsigned)(tree - ((uint64_t)tree_full(tree) << 32));
}

#endif

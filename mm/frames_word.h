// SPDX-License-Identifier: MIT
/*
 * The words of the frame allocator and every change to them, as pure functions: a function
 * changes a copy of the word and says whether the change is possible; one loop per word type
 * puts it into memory by compare-and-swap. All-zero words mean: all free.
 *
 *	row	64 bits, one per frame, 1: taken
 *	block	taken frames of 512 (one order-9 frame), its owner, and marks
 *
 * What a block is good for, its class, follows from its word; the index (frames_index.c) has
 *one bit per block and class.
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

#define BLOCK_TAKEN    0x3ffu        /* frames taken, 0 to 512 */
#define BLOCK_WHOLE    (1u << 10)    /* taken as one: the rows are zero and not in use */
#define BLOCK_WRITTEN  (1u << 11)    /* a page record inside was written on its own (B-0) */
#define BLOCK_REPORTED (1u << 12)    /* free, and the host was told so */
#define BLOCK_KEPT     (1u << 13)    /* free, in no index: a CPU remembers it */
#define BLOCK_OWNER    (0x7fu << 16) /* CPU + 1 that has its free frames; 0: none */
#define BLOCK_OWNER_AT 16

enum block_class { CLASS_FREE, CLASS_REPORTED, CLASS_PARTIAL, CLASS_NONE };

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

/* All of these frames, or none. */
static inline bool row_take_mask(uint64_t *row, uint64_t mask)
{
	if (*row & mask)
		return false;
	*row |= mask;
	return true;
}

static inline bool row_give_mask(uint64_t *row, uint64_t mask)
{
	if ((*row & mask) != mask)
		return false;
	*row &= ~mask;
	return true;
}

typedef bool row_mask_change(uint64_t *row, uint64_t mask);

static ALWAYS_INLINE bool row_update_mask(_Atomic uint64_t *word, row_mask_change *change,
					  uint64_t mask)
{
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t new;

	do {
		new = old;
		if (!change(&new, mask))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	return true;
}

/* Take all free bits of the row but not more than `most`, the highest first; which. */
static inline uint64_t row_take_many(uint64_t *row, unsigned most)
{
	uint64_t free = ~*row;

	for (unsigned n = (unsigned)__builtin_popcountll(free); n > most; n--)
		free &= free - 1;
	*row |= free;
	return free;
}

static inline unsigned block_taken(uint32_t block)
{
	return block & BLOCK_TAKEN;
}

/* CPU + 1, 0: none. */
static inline unsigned block_owner(uint32_t block)
{
	return (block & BLOCK_OWNER) >> BLOCK_OWNER_AT;
}

static inline enum block_class block_class(uint32_t block)
{
	if (block & (BLOCK_WHOLE | BLOCK_KEPT | BLOCK_OWNER))
		return CLASS_NONE;
	if (block_taken(block) == 0)
		return block & BLOCK_REPORTED ? CLASS_REPORTED : CLASS_FREE;
	return block_taken(block) == BLOCK_FRAMES ? CLASS_NONE : CLASS_PARTIAL;
}

/* Account for frames that the caller then finds in the rows. */
static inline bool block_take(uint32_t *block, unsigned frames)
{
	if (*block & BLOCK_WHOLE || block_taken(*block) + frames > BLOCK_FRAMES)
		return false;
	*block = (*block & ~(BLOCK_REPORTED | BLOCK_KEPT)) + frames;
	return true;
}

static inline bool block_give(uint32_t *block, unsigned frames)
{
	if (*block & BLOCK_WHOLE || block_taken(*block) < frames)
		return false;
	*block -= frames;
	return true;
}

/* Account for all free frames of a block that is nobody's and not full; it becomes the CPU's.
 */
static inline bool block_reserve(uint32_t *block, unsigned cpu)
{
	if (*block & (BLOCK_WHOLE | BLOCK_OWNER) || block_taken(*block) == BLOCK_FRAMES)
		return false;
	*block = (*block & BLOCK_WRITTEN) | BLOCK_FRAMES | (cpu + 1) << BLOCK_OWNER_AT;
	return true;
}

/* Account for what others gave back to a block that is the caller's. */
static inline bool block_claim(uint32_t *block, unsigned unused)
{
	(void)unused;
	if (block_taken(*block) == BLOCK_FRAMES)
		return false;
	*block = (*block & ~BLOCK_TAKEN) | BLOCK_FRAMES;
	return true;
}

/* So many frames are in the rows again, and the block is nobody's. */
static inline bool block_release(uint32_t *block, unsigned frames)
{
	if (!(*block & BLOCK_OWNER) || block_taken(*block) < frames)
		return false;
	*block = (*block & ~BLOCK_OWNER) - frames;
	return true;
}

/* Take all 512 frames as one. unused: the order is known. */
static inline bool block_take_whole(uint32_t *block, unsigned unused)
{
	(void)unused;
	if (block_taken(*block) != 0 || *block & BLOCK_OWNER)
		return false;
	*block = (*block & BLOCK_WRITTEN) | BLOCK_WHOLE | BLOCK_FRAMES;
	return true;
}

/* The same, if it is still kept: nobody else knows it. */
static inline bool block_take_kept(uint32_t *block, unsigned unused)
{
	return *block & BLOCK_KEPT && block_take_whole(block, unused);
}

/* The same, if the index has it among the free ones. */
static inline bool block_take_free(uint32_t *block, unsigned unused)
{
	return block_class(*block) == CLASS_FREE && block_take_whole(block, unused);
}

/* mark: BLOCK_KEPT, BLOCK_REPORTED or 0 for the free block. */
static inline bool block_give_whole(uint32_t *block, unsigned mark)
{
	if (!(*block & BLOCK_WHOLE))
		return false;
	*block = (*block & BLOCK_WRITTEN) | mark;
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

/* What an update replaced, and by what. */
struct block_step {
	uint32_t before;
	uint32_t after;
};

static ALWAYS_INLINE bool block_update(_Atomic uint32_t *word, block_change *change,
				       unsigned arg, struct block_step *step)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint32_t new;

	do {
		new = old;
		if (!change(&new, arg))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	*step = (struct block_step){old, new};
	return true;
}

#endif

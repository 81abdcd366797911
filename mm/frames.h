// SPDX-License-Identifier: MIT
/*
 * Page frames of one stretch of memory: lock-free allocator of orders 0 to 10 over a bit field,
 * a counter per 2 MiB block and hints per 32 blocks. Frames are numbers from 0; free memory is
 * never touched, and neither is the allocator's own state for blocks beyond the frontier, which
 * moves up one block at a time when nothing below it fits.
 *
 * get: count in the block, then take the bits; put: clear the bits, then count. So a block
 * whose count is 0 has no bit set and nobody on the way, and may be taken whole by one
 * exchange.
 */
#ifndef MM_FRAMES_H
#define MM_FRAMES_H

#include <mm/frames_word.h>
#include <kernel/attributes.h>
#include <kernel/lock.h>
#include <platform/cpu.h>

#define FRAMES_ORDER_MAX 10
#define FRAMES_NONE      UINT64_MAX

struct frames_cpu {
	_Atomic uint64_t owned;      /* block this CPU takes small frames from, + 1; 0: none */
	_Atomic uint64_t row;        /* where in it the last one was found */
	_Atomic uint64_t whole_tree; /* where the last whole block was found */
	_Atomic uint64_t got;        /* frames, by requests on this CPU */
	_Atomic uint64_t put;
} ALIGNED(CACHE_LINE);

struct frames {
	_Atomic uint64_t *rows;   /* BLOCK_ROWS per block */
	_Atomic uint32_t *blocks; /* one per block */
	_Atomic uint64_t *trees;  /* one per TREE_BLOCKS blocks */
	uint64_t block_count;
	_Atomic uint64_t frontier; /* blocks below it are open; read acquire */
	/* Called under the lock before a block is opened; takes away what is no memory of ours
	 * with frames_exclude(). NULL: nothing. */
	void (*open_block)(struct frames *frames, uint64_t block);
	uint64_t usable; /* frames that are memory of ours */
	_Atomic uint64_t
		excluded;      /* frames of open blocks that are not; written under the lock */
	struct spin_lock lock; /* moving the frontier */
	_Atomic unsigned cpu_end; /* CPUs from here on never got or put a frame */
	struct frames_cpu cpus[CPUS_MAX];
};

/* Bytes of state for so many frames, struct frames apart. */
size_t frames_state_size(uint64_t frame_count);

/*
 * state: frames_state_size() bytes, 64-byte aligned, any contents, not touched here. All of
 * frame_count frames exist unless open_block excludes some; usable is what is left.
 */
void frames_init(struct frames *frames, void *state, uint64_t frame_count,
		 void (*open_block)(struct frames *frames, uint64_t block), uint64_t usable);

/* Inside open_block: these frames of the block are not ours. They count as taken for ever and
 * are no part of `usable`. */
void frames_exclude(struct frames *frames, uint64_t block, unsigned first, unsigned count);

/* First frame of a free block of 2^order, aligned to it, or FRAMES_NONE. cpu: a hint where to
 * look, below CPUS_MAX. Any context. */
uint64_t frames_get(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;

/* The two halves of frames_get(), for callers with a rule about taking a new block: from the
 * block the CPU owns, and from anywhere. */
uint64_t frames_get_owned(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;
uint64_t frames_get_new(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;

/* False, and nothing changed, when the frames are not all taken in this form: a double free. */
bool frames_put(struct frames *frames, unsigned cpu, uint64_t frame, unsigned order) MUST_CHECK;

/* Make the whole blocks inside a frame of order 9 or 10 puttable in parts; nothing to do below.
 * By its owner only. */
void frames_split(struct frames *frames, uint64_t frame, unsigned order);

/* Free frames; exact while nobody allocates, the balance of racing calls otherwise. */
uint64_t frames_free(const struct frames *frames);

/* Is this frame in an open block; is it taken (an open block's)? */
static inline bool frames_is_open(const struct frames *frames, uint64_t frame)
{
	return frame / BLOCK_FRAMES <
	       atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

bool frames_is_taken(const struct frames *frames, uint64_t frame);

/* Frames of an open block that are in somebody's hands, excluded ones included. */
unsigned frames_taken_in(const struct frames *frames, uint64_t block);

/* The mark "a page record in this block was written on its own". */
void frames_mark_written(struct frames *frames, uint64_t frame);
void frames_clear_written(struct frames *frames, uint64_t frame);
static inline bool frames_is_written(const struct frames *frames, uint64_t frame)
{
	return atomic_load_explicit(&frames->blocks[frame / BLOCK_FRAMES],
				    memory_order_relaxed) &
	       BLOCK_WRITTEN;
}

/* Free aligned runs of 2^order in open blocks; walks. */
uint64_t frames_available(const struct frames *frames, unsigned order);

/* Walk all open blocks: counters against bits against hints; what is wrong, or NULL. While
 * nobody allocates. */
const char *frames_check(const struct frames *frames);

/* Inside mm/frames*.c: try to get from one block; the frontier. */
uint64_t frames_get_in_block(struct frames *frames, uint64_t block, unsigned order, bool own,
			     uint64_t first_row);
bool frames_get_whole(struct frames *frames, uint64_t block, unsigned order);
bool frames_open_next(struct frames *frames, uint64_t *block);
uint64_t frames_search(struct frames *frames, unsigned cpu, unsigned order);

#endif

// SPDX-License-Identifier: MIT
/*
 * Between the files of the frame allocator: words that are changed by plain loads and stores,
 * the index, reservations.
 */
#ifndef MM_FRAMES_INTERNAL_H
#define MM_FRAMES_INTERNAL_H

#include <mm/frames_at_hand.h>

#define BLOCK_UNKNOWN UINT64_MAX

/* ---- frames.c ---- */

/* The first time that a CPU gets or puts: its counters, and frames->cpu_end. */
void frames_cpu_begin(struct frames *frames, unsigned cpu);

static ALWAYS_INLINE bool frames_cpu_is_live(const struct frames_cpu *cpu)
{
	return atomic_load_explicit(&cpu->live, memory_order_acquire);
}

/* Whole blocks of order 9 or 10 from this block on, or nothing. */
bool frames_take_whole(struct frames *frames, struct frames_cpu *mine, uint64_t block,
		       unsigned order);
/* From the shared rows of a block, whosever it is. */
uint64_t frames_get_shared(struct frames *frames, struct frames_cpu *mine, uint64_t block,
			   unsigned order);
bool frames_open_next(struct frames *frames, struct frames_cpu *mine, uint64_t *block);

/*
 * While free frames are between the words in which a search would find them (bits and count,
 * word and index, shared rows and a CPU's), a sequence is odd: moves or changes of a CPU. No
 * request fails before it has searched while none was odd and none went on; others do not look.
 * Whoever is odd waits for no one who searches.
 */
static ALWAYS_INLINE void frames_sequence_begin(_Atomic uint32_t *sequence)
{
	uint32_t now = atomic_load_explicit(sequence, memory_order_relaxed);

	/* The changes that follow are exchanges that release. */
	atomic_store_explicit(sequence, now + 1, memory_order_relaxed);
}

static ALWAYS_INLINE void frames_sequence_end(_Atomic uint32_t *sequence)
{
	uint32_t now = atomic_load_explicit(sequence, memory_order_relaxed);

	atomic_store_explicit(sequence, now + 1, memory_order_release);
}

/* Nothing was moved. */
static ALWAYS_INLINE void frames_sequence_cancel(_Atomic uint32_t *sequence)
{
	uint32_t now = atomic_load_explicit(sequence, memory_order_relaxed);

	atomic_store_explicit(sequence, now - 1, memory_order_release);
}

/* ---- frames_index.c ---- */

/* An index word became zero, or not zero: the bit of its summary. */
void frames_summary_put(struct frames_index *index, uint64_t word);

static ALWAYS_INLINE void frames_index_set_bits(struct frames_index *index, uint64_t word,
						uint64_t bits)
{
	uint64_t old =
		atomic_fetch_or_explicit(&index->words[word], bits, memory_order_seq_cst);

	if (UNLIKELY(old == 0))
		frames_summary_put(index, word);
}

/* seq_cst: whoever clears then looks at `seen`, page reporting the other way round. */
static ALWAYS_INLINE void frames_index_clear_bits(struct frames_index *index, uint64_t word,
						  uint64_t bits)
{
	uint64_t old =
		atomic_fetch_and_explicit(&index->words[word], ~bits, memory_order_seq_cst);

	if (UNLIKELY(old && !(old & ~bits)))
		frames_summary_put(index, word);
}

static ALWAYS_INLINE void frames_index_set(struct frames_index *index, uint64_t block)
{
	frames_index_set_bits(index, block / 64, BIT64(block % 64));
}

static ALWAYS_INLINE void frames_index_clear(struct frames_index *index, uint64_t block)
{
	frames_index_clear_bits(index, block / 64, BIT64(block % 64));
}

/* A free block is used, after the index says so and before anybody gets a frame of it. */
static ALWAYS_INLINE void frames_unsee(struct frames *frames, uint64_t block)
{
	_Atomic uint64_t *seen = &frames->seen[block / 64];

	if (UNLIKELY(atomic_load_explicit(seen, memory_order_seq_cst) & BIT64(block % 64)))
		atomic_fetch_and_explicit(seen, ~BIT64(block % 64), memory_order_acq_rel);
}

/* Whoever watches wants to know: frames_report.c. */
void frames_watch_tell(struct frames *frames);

/* A reported block is used again. */
void frames_taken_back(struct frames *frames, uint64_t block);

/* A block became free: after the index says so; the other side arms, then looks at the index.
 * Or a CPU reserved one. */
static ALWAYS_INLINE void frames_watch_wake(struct frames *frames)
{
	if (UNLIKELY(atomic_load_explicit(&frames->watched, memory_order_seq_cst)))
		frames_watch_tell(frames);
}

/* The class of a block changed from `before` to `after`: put that into the index. */
void frames_class_changed(struct frames *frames, uint64_t block, enum block_class before,
			  enum block_class after);
/* The same without a word to whoever watches: for those who only put the index right. */
void frames_class_settle(struct frames *frames, uint64_t block, enum block_class before,
			 enum block_class after);

/* The next index word that has a block of the class, from word `from` on and round the end. */
uint64_t frames_index_next(const struct frames *frames, enum block_class class, uint64_t from);

/* The same word again. */
static inline uint64_t frames_index_word(const struct frames *frames, enum block_class class,
					 uint64_t word)
{
	return atomic_load_explicit(&frames->index[class].words[word], memory_order_acquire);
}

static inline uint32_t frames_block_word(const struct frames *frames, uint64_t block)
{
	return atomic_load_explicit(&frames->blocks[block], memory_order_acquire);
}

static ALWAYS_INLINE void frames_class_note(struct frames *frames, uint64_t block,
					    const struct block_step *step)
{
	enum block_class before = block_class(step->before);
	enum block_class after = block_class(step->after);

	if (LIKELY(before == after))
		return;
	frames_class_changed(frames, block, before, after);
	if (after == CLASS_FREE)
		frames_watch_wake(frames);
}

/* Change a block's word, and the index if that changes the class. */
static ALWAYS_INLINE bool frames_block_update(struct frames *frames, uint64_t block,
					      block_change *change, unsigned arg,
					      struct block_step *step)
{
	if (!block_update(&frames->blocks[block], change, arg, step))
		return false;
	frames_class_note(frames, block, step);
	return true;
}

/* ---- frames_cpu.c ---- */

/* The block a CPU has reserved, or BLOCK_UNKNOWN. */
static inline uint64_t frames_cpu_block(const struct frames_cpu *cpu)
{
	uint64_t first = atomic_load_explicit(&cpu->first, memory_order_acquire);

	return first ? (first - 1) / BLOCK_FRAMES : BLOCK_UNKNOWN;
}

/* Take 2^order frames of the reserved block, order below 9: number in the block, or
 * FRAMES_NONE. Busy, or locked. */
uint64_t frames_cpu_take(struct frames_cpu *mine, unsigned order);

/* In loops that wait for another CPU. */
void frames_wait_relax(const struct frames *frames);
/* Changing the reservation of any CPU. */
void frames_cpu_lock(struct frames *frames, struct frames_cpu *cpu);
void frames_cpu_unlock(struct frames_cpu *cpu);
/* Locked: reserve this block instead of none, if it has a free run of the order. */
bool frames_cpu_reserve(struct frames *frames, unsigned cpu, uint64_t block, unsigned order);
/* Locked: what others gave back to the reserved block; is there a run of the order now? */
bool frames_cpu_claim(struct frames *frames, unsigned cpu, unsigned order);
/* Locked, and the CPU not busy: give everything back. */
void frames_cpu_release(struct frames *frames, unsigned cpu);
/* Another CPU's reservation or ours: false if it could not be had. Not locked. */
bool frames_cpu_revoke(struct frames *frames, unsigned cpu, unsigned other);
/* The same, and take 2^order frames of it before anybody else can; FRAMES_NONE: not there. */
uint64_t frames_cpu_steal(struct frames *frames, unsigned cpu, unsigned other, unsigned order);

/* Is there a free run of 2^order in the rows of a block, order below 9? */
static inline bool frames_rows_have(const uint64_t rows[BLOCK_ROWS], unsigned order)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;

	for (unsigned row = 0; row < BLOCK_ROWS; row += step) {
		uint64_t taken = 0;

		for (unsigned i = 0; i < step; i++)
			taken |= rows[row + i];
		if (row_free_runs(taken, MIN(order, ROW_ORDER)))
			return true;
	}
	return false;
}

/* ---- frames_search.c ---- */

uint64_t frames_search(struct frames *frames, unsigned cpu, unsigned order);
/* When nobody but `self` is on the way: the sequences of all CPUs, as a sum, which only grows.
 * The caller's own is even. */
uint64_t frames_sequences(const struct frames *frames, unsigned self);
/* The CPU gives up the block that it keeps. */
void frames_kept_return(struct frames *frames, struct frames_cpu *cpu);
/* Would the order be found in the block if the CPU that reserved it gave it back? */
bool frames_release_helps(const struct frames *frames, const struct frames_cpu *cpu,
			  uint64_t block, unsigned order);

#endif

// SPDX-License-Identifier: MIT
/*
 * Where to get frames from when what a CPU has is used up. For small ones: what others gave
 * back to the CPU's block; a partly taken block, fuller than the average if one is near, so
 * that the emptier ones run empty and can be had whole; a free one; the frontier; one that the
 * host was told is free; what others gave back to blocks of other CPUs. For whole blocks: free
 * ones, the frontier, reported ones. In the end the CPUs give up what they hold back, and all
 * is tried again.
 */
#include <mm/frames_internal.h>
#include <kernel/hook.h>

#define NEAR_WORDS 4 /* index words looked through for a block fuller than the average */
#define ROUNDS     8 /* in which others reserved what was found; then another class is tried */

struct search {
	struct frames *frames;
	struct frames_cpu *mine;
	unsigned cpu;
	unsigned order;
};

static uint64_t frontier_of(const struct frames *frames)
{
	return atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

/* Index words in use: no walk round them looks at more. */
static uint64_t words_open(const struct frames *frames)
{
	return frontier_of(frames) / 64 + 1;
}

/* Frames taken in an open block, on average; what CPUs have reserved counts as free. */
static unsigned average_taken(const struct frames *frames)
{
	uint64_t taken = frames->usable - frames_free(frames) +
			 atomic_load_explicit(&frames->excluded, memory_order_relaxed);
	uint64_t blocks = MAX(frontier_of(frames), 1);

	return (unsigned)MIN(taken / blocks, BLOCK_FRAMES);
}

/* Might the block have a run of the order? The reservation will tell. */
static bool shared_has(const struct frames *frames, uint64_t block, unsigned order)
{
	uint64_t rows[BLOCK_ROWS];

	for (unsigned r = 0; r < BLOCK_ROWS; r++)
		rows[r] = atomic_load_explicit(&frames->rows[block * BLOCK_ROWS + r],
					       memory_order_acquire);
	return frames_rows_have(rows, order);
}

/* The fullest block of an index word that fits; *taken: how full. */
static uint64_t fullest_of_word(const struct search *search, uint64_t word, unsigned *taken)
{
	uint64_t bits = frames_index_word(search->frames, CLASS_PARTIAL, word);
	uint64_t best = FRAMES_NONE;

	*taken = 0;
	for (; bits; bits &= bits - 1) {
		uint64_t block = word * 64 + (unsigned)__builtin_ctzll(bits);
		unsigned now = block_taken(frames_block_word(search->frames, block));

		if (now <= *taken || now + (1u << search->order) > BLOCK_FRAMES ||
		    (search->order && !shared_has(search->frames, block, search->order)))
			continue;
		*taken = now;
		best = block;
	}
	return best;
}

/* A partly taken block, from the index word on in which the CPU's last block was. */
static uint64_t partial_find(const struct search *search, uint64_t from)
{
	unsigned enough = average_taken(search->frames);
	uint64_t first = frames_index_next(search->frames, CLASS_PARTIAL, from);
	uint64_t best = FRAMES_NONE;
	unsigned best_taken = 0;
	uint64_t word = first;
	uint64_t words = 0;

	while (word != FRAMES_NONE && words <= words_open(search->frames)) {
		unsigned taken;
		uint64_t block = fullest_of_word(search, word, &taken);

		if (block != FRAMES_NONE && taken > best_taken) {
			best = block;
			best_taken = taken;
		}
		words++;
		if (best != FRAMES_NONE && (best_taken >= enough || words >= NEAR_WORDS))
			return best;
		word = frames_index_next(search->frames, CLASS_PARTIAL, word + 1);
		if (word == first)
			break;
	}
	return best;
}

static bool reserve_partial(const struct search *search, uint64_t from)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t block = partial_find(search, from);

		if (block == FRAMES_NONE)
			return false;
		if (frames_cpu_reserve(search->frames, search->cpu, block, search->order))
			return true;
	}
	return false;
}

static bool reserve_class(const struct search *search, enum block_class class, uint64_t from)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t word = frames_index_next(search->frames, class, from);
		uint64_t bits;

		if (word == FRAMES_NONE)
			return false;
		bits = frames_index_word(search->frames, class, word);
		if (bits && frames_cpu_reserve(search->frames, search->cpu,
					       word * 64 + (unsigned)__builtin_ctzll(bits),
					       search->order))
			return true;
	}
	return false;
}

static bool reserve_kept(const struct search *search)
{
	uint64_t kept = atomic_load_explicit(&search->mine->kept, memory_order_relaxed);

	return kept && frames_block_word(search->frames, kept - 1) & BLOCK_KEPT &&
	       frames_cpu_reserve(search->frames, search->cpu, kept - 1, search->order);
}

static bool reserve_frontier(const struct search *search)
{
	uint64_t block;

	while (frames_open_next(search->frames, search->mine, &block))
		if (frames_cpu_reserve(search->frames, search->cpu, block, search->order))
			return true;
	return false;
}

/* Locked: a reservation with a run of the order. */
static bool refill(const struct search *search)
{
	struct frames *frames = search->frames;
	uint64_t block = frames_cpu_block(search->mine);
	uint64_t from = block == BLOCK_UNKNOWN ? 0 : block / 64;

	if (block != BLOCK_UNKNOWN) {
		if (frames_cpu_claim(frames, search->cpu, search->order))
			return true;
		frames_cpu_release(frames, search->cpu);
	}
	return reserve_partial(search, from) || reserve_kept(search) ||
	       reserve_class(search, CLASS_FREE, from) || reserve_frontier(search) ||
	       reserve_class(search, CLASS_REPORTED, from);
}

/* What others gave back to blocks that CPUs have reserved. */
static uint64_t get_from_others(const struct search *search)
{
	struct frames *frames = search->frames;
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);

	for (unsigned cpu = 0; cpu < end; cpu++) {
		uint64_t block = frames_cpu_block(&frames->cpus[cpu]);
		uint64_t frame = FRAMES_NONE;

		if (block != BLOCK_UNKNOWN)
			frame = frames_get_shared(frames, search->mine, block, search->order);
		if (frame != FRAMES_NONE)
			return frame;
	}
	return FRAMES_NONE;
}

static uint64_t search_small(const struct search *search)
{
	uint64_t frame = FRAMES_NONE;

	frames_cpu_lock(search->frames, search->mine);
	if (refill(search)) {
		frame = frames_cpu_take(search->mine, search->order);
		if (frame != FRAMES_NONE)
			frame += frames_cpu_block(search->mine) * BLOCK_FRAMES;
	}
	frames_cpu_unlock(search->mine);
	return frame != FRAMES_NONE ? frame : get_from_others(search);
}

/* The lowest block, or aligned pair of blocks, of an index word. */
static uint64_t whole_of_word(const struct search *search, uint64_t word, uint64_t bits)
{
	if (search->order > BLOCK_ORDER)
		bits &= bits >> 1 & UINT64_C(0x5555555555555555);
	for (; bits; bits &= bits - 1) {
		uint64_t block = word * 64 + (unsigned)__builtin_ctzll(bits);

		if (frames_take_whole(search->frames, search->mine, block, search->order))
			return block * BLOCK_FRAMES;
	}
	return FRAMES_NONE;
}

/* classes: of one the words are found, of both the bits are used. */
static uint64_t whole_get(const struct search *search, enum block_class class,
			  enum block_class with)
{
	struct frames *frames = search->frames;
	uint64_t near = atomic_load_explicit(&search->mine->cursor, memory_order_relaxed);
	uint64_t first = frames_index_next(frames, class, near ? near - 1 : 0);
	uint64_t word = first;

	for (uint64_t words = 0; word != FRAMES_NONE && words <= words_open(frames); words++) {
		uint64_t frame = whole_of_word(search, word,
					       frames_index_word(frames, class, word) |
						       frames_index_word(frames, with, word));

		if (frame != FRAMES_NONE) {
			atomic_store_explicit(&search->mine->cursor, word + 1,
					      memory_order_relaxed);
			return frame;
		}
		word = frames_index_next(frames, class, word + 1);
		if (word == first)
			break;
	}
	return FRAMES_NONE;
}

/* Open blocks until one fits; for order 10 the second of an aligned pair. */
static uint64_t whole_frontier(const struct search *search)
{
	unsigned step = 1u << (search->order - BLOCK_ORDER);
	uint64_t block;

	while (frames_open_next(search->frames, search->mine, &block)) {
		uint64_t first = block + 1 - step;

		if (block % step == step - 1 &&
		    frames_take_whole(search->frames, search->mine, first, search->order))
			return first * BLOCK_FRAMES;
	}
	return FRAMES_NONE;
}

static uint64_t search_whole(const struct search *search)
{
	uint64_t frame = whole_get(search, CLASS_FREE, CLASS_FREE);

	if (frame == FRAMES_NONE)
		frame = whole_frontier(search);
	if (frame == FRAMES_NONE)
		frame = whole_get(search, CLASS_REPORTED, CLASS_FREE);
	return frame;
}

/* ---- when there is nothing: what CPUs hold back ---- */

void frames_kept_return(struct frames *frames, struct frames_cpu *cpu)
{
	uint64_t kept = atomic_load_explicit(&cpu->kept, memory_order_acquire);
	struct block_step step;

	/* Whoever is on the way from one block to the next arrives. */
	frames_cpu_lock(frames, cpu);
	frames_sequence_begin(&cpu->changes);
	if (kept && frames_block_update(frames, kept - 1, block_clear, BLOCK_KEPT, &step))
		frames_sequence_end(&cpu->changes);
	else
		frames_sequence_cancel(&cpu->changes);
	frames_cpu_unlock(cpu);
}

bool frames_release_helps(const struct frames *frames, const struct frames_cpu *cpu,
			  uint64_t block, unsigned order)
{
	uint64_t rows[BLOCK_ROWS];
	uint64_t taken = 0;

	for (unsigned r = 0; r < BLOCK_ROWS; r++) {
		rows[r] = atomic_load_explicit(&cpu->rows[r], memory_order_acquire) &
			  atomic_load_explicit(&frames->rows[block * BLOCK_ROWS + r],
					       memory_order_acquire);
		taken |= rows[r];
	}
	return order < BLOCK_ORDER ? frames_rows_have(rows, order) : taken == 0;
}

/* Let the CPUs give up what they hold back, as far as that helps. A small block is taken at
 * once. */
static uint64_t recover(struct frames *frames, unsigned self, unsigned order)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);
	uint64_t frame = FRAMES_NONE;

	for (unsigned number = 0; number < end && frame == FRAMES_NONE; number++) {
		struct frames_cpu *cpu = &frames->cpus[number];
		uint64_t block;

		frames_kept_return(frames, cpu);
		block = frames_cpu_block(cpu);
		if (block == BLOCK_UNKNOWN || !frames_release_helps(frames, cpu, block, order))
			continue;
		if (order < BLOCK_ORDER)
			frame = frames_cpu_steal(frames, self, number, order);
		else
			(void)frames_cpu_revoke(frames, self, number);
	}
	return frame;
}

/* A sequence when it is even. */
static uint64_t at_rest(const struct frames *frames, const _Atomic uint32_t *sequence)
{
	uint32_t now;

	while ((now = atomic_load_explicit(sequence, memory_order_acquire)) & 1)
		frames_wait_relax(frames);
	return now;
}

/* All that a search reads is read acquire, so that this is read after it. */
uint64_t frames_sequences(const struct frames *frames, unsigned self)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);
	uint64_t sum = 0;

	for (unsigned number = 0; number < end; number++) {
		sum += at_rest(frames, &frames->cpus[number].changes);
		if (number != self)
			sum += at_rest(frames, &frames->cpus[number].moves);
	}
	return sum;
}

void frames_drain_cpu(struct frames *frames, unsigned cpu)
{
	frames_kept_return(frames, &frames->cpus[cpu]);
	(void)frames_cpu_revoke(frames, cpu, cpu);
}

void frames_drain(struct frames *frames)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);

	for (unsigned number = 0; number < end; number++) {
		frames_kept_return(frames, &frames->cpus[number]);
		(void)frames_cpu_revoke(frames, CPUS_MAX, number);
	}
}

static uint64_t search_all(const struct search *search)
{
	return search->order < BLOCK_ORDER ? search_small(search) : search_whole(search);
}

uint64_t frames_search(struct frames *frames, unsigned cpu, unsigned order)
{
	const struct search search = {frames, &frames->cpus[cpu], cpu, order};
	uint64_t frame = search_all(&search);

	for (unsigned round = 0; frame == FRAMES_NONE && round < FRAMES_SEARCHES; round++) {
		uint64_t before = frames_sequences(frames, cpu);

		HOOK(frames_search_begins);
		frame = recover(frames, cpu, order);
		if (frame == FRAMES_NONE)
			frame = search_all(&search);
		HOOK(frames_search_ends);
		if (frame != FRAMES_NONE || frames_sequences(frames, cpu) == before)
			break;
	}
	return frame;
}

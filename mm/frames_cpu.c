// SPDX-License-Identifier: MIT
/*
 * Reservations: moving the free bits of a block into a CPU's own words and back, by the CPU or
 * by another one that finds no memory elsewhere. Counts and bits are conserved each for itself:
 * a reservation claims what the block counts as free and takes at most so many bits, because
 * others may have counted and not yet taken, or cleared and not yet counted.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>

void frames_wait_relax(const struct frames *frames)
{
	if (frames->waiting)
		frames->waiting->relax();
	else
		cpu_relax();
}

void frames_cpu_lock(struct frames *frames, struct frames_cpu *cpu)
{
	while (atomic_exchange_explicit(&cpu->locked, true, memory_order_acquire))
		frames_wait_relax(frames);
}

void frames_cpu_unlock(struct frames_cpu *cpu)
{
	atomic_store_explicit(&cpu->locked, false, memory_order_release);
}

/* All of 2 or 4 rows. */
static bool rows_take_plain(_Atomic uint64_t *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (atomic_load_explicit(&rows[i], memory_order_relaxed) != 0)
			return false;
	for (unsigned i = 0; i < count; i++)
		atomic_store_explicit(&rows[i], UINT64_MAX, memory_order_relaxed);
	return true;
}

uint64_t frames_cpu_take(struct frames_cpu *mine, unsigned order)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;
	unsigned first = atomic_load_explicit(&mine->row, memory_order_relaxed);

	for (unsigned i = 0; i < BLOCK_ROWS; i += step) {
		unsigned row = (first + i) % BLOCK_ROWS & ~(step - 1);
		unsigned at = 0;

		if (step == 1 ? !frames_row_plain(&mine->rows[row], row_take, order, &at)
			      : !rows_take_plain(&mine->rows[row], step))
			continue;
		atomic_store_explicit(&mine->row, row, memory_order_relaxed);
		return row * ROW_FRAMES + at;
	}
	return FRAMES_NONE;
}

/* At most `want` free bits of a row, to the CPU's. */
static unsigned collect_row(_Atomic uint64_t *shared, _Atomic uint64_t *own, unsigned want)
{
	uint64_t old = atomic_load_explicit(shared, memory_order_relaxed);
	uint64_t mine = atomic_load_explicit(own, memory_order_relaxed);
	uint64_t new;
	uint64_t free;

	do {
		new = old;
		free = row_take_many(&new, want);
		if (free == 0)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(shared, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	if (free & ~mine)
		panic("frames: a frame of row %p was freed twice", (void *)shared);
	atomic_store_explicit(own, mine & ~free, memory_order_relaxed);
	return (unsigned)__builtin_popcountll(free);
}

/* Bits for the frames that were claimed; a claim that finds none is given up. */
static void collect(struct frames *frames, struct frames_cpu *mine, uint64_t block,
		    unsigned claimed)
{
	struct block_step step;
	unsigned want = claimed;

	for (unsigned r = 0; r < BLOCK_ROWS && want; r++)
		want -= collect_row(&frames->rows[block * BLOCK_ROWS + r], &mine->rows[r],
				    want);
	if (want && !frames_block_update(frames, block, block_give, want, &step))
		panic("frames: block %llu lost a claim", (unsigned long long)block);
}

/* What others gave back to the reserved block. */
static bool claim(struct frames *frames, struct frames_cpu *mine, uint64_t block)
{
	struct block_step step;

	if (!frames_block_update(frames, block, block_claim, 0, &step))
		return false;
	collect(frames, mine, block, BLOCK_FRAMES - block_taken(step.before));
	return true;
}

static bool own_rows_have(const struct frames_cpu *mine, unsigned order)
{
	uint64_t rows[BLOCK_ROWS];

	for (unsigned r = 0; r < BLOCK_ROWS; r++)
		rows[r] = atomic_load_explicit(&mine->rows[r], memory_order_relaxed);
	return frames_rows_have(rows, order);
}

/* The CPU is not busy, or ours, and keeps out: give all of its block back. */
static void give_back(struct frames *frames, struct frames_cpu *mine, uint64_t block)
{
	struct block_step step;
	unsigned count = 0;

	for (unsigned r = 0; r < BLOCK_ROWS; r++) {
		uint64_t free = ~atomic_load_explicit(&mine->rows[r], memory_order_relaxed);
		uint64_t old;

		if (free == 0)
			continue;
		old = atomic_fetch_and_explicit(&frames->rows[block * BLOCK_ROWS + r], ~free,
						memory_order_acq_rel);
		if (free & ~old)
			panic("frames: a frame of block %llu was freed twice",
			      (unsigned long long)block);
		count += (unsigned)__builtin_popcountll(free);
		atomic_store_explicit(&mine->rows[r], UINT64_MAX, memory_order_relaxed);
	}
	atomic_store_explicit(&mine->first, 0, memory_order_release);
	if (!frames_block_update(frames, block, block_release, count, &step))
		panic("frames: block %llu is reserved but nobody's", (unsigned long long)block);
}

bool frames_cpu_reserve(struct frames *frames, unsigned cpu, uint64_t block, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	struct block_step step;
	bool fits;

	frames_sequence_begin(&mine->changes);
	if (!frames_block_update(frames, block, block_reserve, cpu, &step)) {
		frames_sequence_cancel(&mine->changes);
		return false;
	}
	for (unsigned r = 0; r < BLOCK_ROWS; r++)
		atomic_store_explicit(&mine->rows[r], UINT64_MAX, memory_order_relaxed);
	atomic_store_explicit(&mine->row, 0, memory_order_relaxed);
	atomic_store_explicit(&mine->first, block * BLOCK_FRAMES + 1, memory_order_release);
	collect(frames, mine, block, BLOCK_FRAMES - block_taken(step.before));
	fits = own_rows_have(mine, order);
	if (!fits)
		give_back(frames, mine, block);
	frames_sequence_end(&mine->changes);
	frames_watch_wake(frames);
	return fits;
}

bool frames_cpu_claim(struct frames *frames, unsigned cpu, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];

	frames_sequence_begin(&mine->changes);
	if (!claim(frames, mine, frames_cpu_block(mine))) {
		frames_sequence_cancel(&mine->changes);
		return false;
	}
	frames_sequence_end(&mine->changes);
	return own_rows_have(mine, order);
}

void frames_cpu_release(struct frames *frames, unsigned cpu)
{
	struct frames_cpu *mine = &frames->cpus[cpu];

	frames_sequence_begin(&mine->changes);
	give_back(frames, mine, frames_cpu_block(mine));
	frames_sequence_end(&mine->changes);
}

/* The CPU must see that it has no reservation, and end what it began with it. */
static bool stop(struct frames *frames, struct frames_cpu *victim, unsigned cpu)
{
	uint64_t first = atomic_exchange_explicit(&victim->first, 0, memory_order_acq_rel);

	if (frames->waiting && !frames->waiting->settle(cpu)) {
		atomic_store_explicit(&victim->first, first, memory_order_release);
		return false;
	}
	while (atomic_load_explicit(&victim->busy, memory_order_acquire))
		frames_wait_relax(frames);
	return true;
}

/* Make the CPU's block nobody's; whatever the order, one run of it is taken first. */
static bool revoke(struct frames *frames, unsigned cpu, unsigned other, unsigned order,
		   uint64_t *frame)
{
	struct frames_cpu *victim = &frames->cpus[other];
	bool revoked = false;
	uint64_t block;

	frames_cpu_lock(frames, victim);
	block = frames_cpu_block(victim);
	if (block != BLOCK_UNKNOWN) {
		frames_sequence_begin(&victim->changes);
		revoked = cpu == other || stop(frames, victim, other);
		if (revoked && frame) {
			(void)claim(frames, victim, block);
			*frame = frames_cpu_take(victim, order);
			*frame += *frame == FRAMES_NONE ? 0 : block * BLOCK_FRAMES;
		}
		if (revoked)
			give_back(frames, victim, block);
		frames_sequence_end(&victim->changes);
	}
	frames_cpu_unlock(victim);
	return revoked;
}

bool frames_cpu_revoke(struct frames *frames, unsigned cpu, unsigned other)
{
	return revoke(frames, cpu, other, 0, NULL);
}

uint64_t frames_cpu_steal(struct frames *frames, unsigned cpu, unsigned other, unsigned order)
{
	uint64_t frame = FRAMES_NONE;

	(void)revoke(frames, cpu, other, order, &frame);
	return frame;
}

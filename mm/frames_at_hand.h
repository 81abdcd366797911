// SPDX-License-Identifier: MIT
/*
 * What a CPU does with its own block by plain loads and stores, inline, because a call costs as
 * much again: one frame from, or back to, the row in which the last one was. Interrupts are
 * off.
 */
#ifndef MM_FRAMES_AT_HAND_H
#define MM_FRAMES_AT_HAND_H

#include <mm/frames.h>

static ALWAYS_INLINE void frames_cpu_enter(struct frames_cpu *mine)
{
	atomic_store_explicit(&mine->busy, 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static ALWAYS_INLINE void frames_cpu_leave(struct frames_cpu *mine)
{
	atomic_store_explicit(&mine->busy, 0, memory_order_release);
}

/* A counter, or a row, that only this CPU writes: no other access comes between load and store.
 */
static ALWAYS_INLINE void frames_cpu_count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter,
			      atomic_load_explicit(counter, memory_order_relaxed) + more,
			      memory_order_relaxed);
}

static ALWAYS_INLINE bool frames_row_plain(_Atomic uint64_t *row, row_change *change,
					   unsigned order, unsigned *at)
{
	uint64_t word = atomic_load_explicit(row, memory_order_relaxed);

	if (!change(&word, order, at))
		return false;
	atomic_store_explicit(row, word, memory_order_relaxed);
	return true;
}

/* The balance leaves single frames out: their two counters say the same. */
static ALWAYS_INLINE void frames_cpu_count_get(struct frames_cpu *mine, unsigned order)
{
	frames_cpu_count(&mine->got[order], 1);
	if (order)
		frames_cpu_count(&mine->balance, -(UINT64_C(1) << order));
}

static ALWAYS_INLINE void frames_cpu_count_put(struct frames_cpu *mine, unsigned order)
{
	frames_cpu_count(&mine->put[order], 1);
	if (order)
		frames_cpu_count(&mine->balance, UINT64_C(1) << order);
}

/* FRAMES_NONE: not at hand, ask frames_get(). */
static ALWAYS_INLINE MUST_CHECK uint64_t frames_get_at_hand(struct frames *frames, unsigned cpu)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t frame = FRAMES_NONE;
	uint64_t first;

	frames_cpu_enter(mine);
	first = atomic_load_explicit(&mine->first, memory_order_acquire);
	if (LIKELY(first)) {
		unsigned row = atomic_load_explicit(&mine->row, memory_order_relaxed);
		unsigned at = 0;

		if (LIKELY(frames_row_plain(&mine->rows[row], row_take, 0, &at))) {
			frames_cpu_count_get(mine, 0);
			frame = first - 1 + row * ROW_FRAMES + at;
		}
	}
	frames_cpu_leave(mine);
	return frame;
}

/* The block is the CPU's own: put there, or refuse. Bits that others gave back are in the
 * shared row: a frame that is free there is no more to be freed than one that is free here. */
static ALWAYS_INLINE bool frames_cpu_put_here(struct frames *frames, struct frames_cpu *mine,
					      uint64_t frame, unsigned offset, unsigned order)
{
	unsigned row = offset / ROW_FRAMES;
	unsigned at = offset % ROW_FRAMES;
	uint64_t shared =
		atomic_load_explicit(&frames->rows[frame / ROW_FRAMES], memory_order_relaxed);
	bool done = false;

	if (LIKELY(!(~shared & row_mask(at, order)) &&
		   frames_row_plain(&mine->rows[row], row_give, order, &at))) {
		atomic_store_explicit(&mine->row, row, memory_order_relaxed);
		frames_cpu_count_put(mine, order);
		done = true;
	}
	frames_cpu_leave(mine);
	return done;
}

/* *offset in the CPU's own block, which it then is busy with; false: in another block. */
static ALWAYS_INLINE bool frames_cpu_enter_own(struct frames_cpu *mine, uint64_t frame,
					       uint64_t *offset)
{
	uint64_t first;

	frames_cpu_enter(mine);
	first = atomic_load_explicit(&mine->first, memory_order_acquire);
	*offset = frame + 1 - first;
	if (LIKELY(*offset < BLOCK_FRAMES && first))
		return true;
	frames_cpu_leave(mine);
	return false;
}

/* False: not in the CPU's block, or not taken; ask frames_put(). */
static ALWAYS_INLINE MUST_CHECK bool frames_put_at_hand(struct frames *frames, unsigned cpu,
							uint64_t frame)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t offset;

	return LIKELY(frames_cpu_enter_own(mine, frame, &offset)) &&
	       frames_cpu_put_here(frames, mine, frame, (unsigned)offset, 0);
}

#endif

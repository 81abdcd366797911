// SPDX-License-Identifier: MIT
/*
 * What page reporting needs of the frame allocator: blocks that became free, 64 at a time, a
 * mark that every use takes away, blocks that CPUs hold back for no use, and a call when a
 * block becomes free while nobody looks. The caller is alone; everybody else gets and puts
 * frames meanwhile.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>

uint64_t frames_report_next(const struct frames *frames, uint64_t from)
{
	const struct frames_index *index = &frames->index[CLASS_FREE];
	uint64_t words =
		(atomic_load_explicit(&frames->frontier, memory_order_acquire) + 63) / 64;
	uint64_t mask = UINT64_MAX << from % 64;

	for (uint64_t at = from / 64; at * 64 < words; at++) {
		uint64_t some =
			atomic_load_explicit(&index->summary[at], memory_order_seq_cst) & mask;

		if (some)
			return at * 64 + (unsigned)__builtin_ctzll(some);
		mask = UINT64_MAX;
	}
	return FRAMES_NONE;
}

/* Who uses a block clears the index, then looks at `seen`; here it is the other way round, so
 * that one of the two sees the other. */
uint64_t frames_report_see(struct frames *frames, uint64_t word, uint64_t *fresh)
{
	const _Atomic uint64_t *index = &frames->index[CLASS_FREE].words[word];
	uint64_t free = atomic_load_explicit(index, memory_order_seq_cst);
	uint64_t seen = atomic_load_explicit(&frames->seen[word], memory_order_acquire);
	uint64_t used;

	*fresh = free & ~seen;
	if (!*fresh)
		return free;
	atomic_fetch_or_explicit(&frames->seen[word], *fresh, memory_order_seq_cst);
	used = *fresh & ~atomic_load_explicit(index, memory_order_seq_cst);
	if (used)
		atomic_fetch_and_explicit(&frames->seen[word], ~used, memory_order_acq_rel);
	*fresh &= ~used;
	return free & seen;
}

static void give(struct frames *frames, uint64_t word, uint64_t bits, bool reported)
{
	enum block_class class = reported ? CLASS_REPORTED : CLASS_FREE;
	struct block_step step;

	for (uint64_t left = bits; left; left &= left - 1) {
		uint64_t block = word * 64 + (unsigned)__builtin_ctzll(left);

		if (!block_update(&frames->blocks[block], block_give_whole,
				  reported ? BLOCK_REPORTED : 0, &step))
			panic("frames: block %llu was not taken for a report",
			      (unsigned long long)block);
	}
	frames_index_set_bits(&frames->index[class], word, bits);
	for (uint64_t left = bits; left; left &= left - 1) {
		uint64_t block = word * 64 + (unsigned)__builtin_ctzll(left);

		if (UNLIKELY(block_class(frames_block_word(frames, block)) != class))
			frames_class_settle(frames, block, class, CLASS_NONE);
	}
	if (!reported)
		frames_watch_wake(frames);
}

/* Taken blocks stay out of every class until they are given back, so the index needs no second
 * look. Who had one of them since it was seen said so before giving it back. */
static uint64_t take(struct frames *frames, uint64_t word, uint64_t bits)
{
	uint64_t taken = 0, used;
	struct block_step step;

	for (; bits; bits &= bits - 1) {
		uint64_t block = word * 64 + (unsigned)__builtin_ctzll(bits);

		if (block_update(&frames->blocks[block], block_take_free, 0, &step))
			taken |= bits & -bits;
	}
	if (!taken)
		return 0;
	frames_index_clear_bits(&frames->index[CLASS_FREE], word, taken);
	used = taken &
	       ~atomic_fetch_and_explicit(&frames->seen[word], ~taken, memory_order_acq_rel);
	if (used)
		give(frames, word, used, false);
	return taken & ~used;
}

uint64_t frames_report_take(struct frames *frames, unsigned cpu, uint64_t word, uint64_t bits)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t taken, blocks;

	if (!frames_cpu_is_live(mine))
		frames_cpu_begin(frames, cpu);
	frames_sequence_begin(&mine->moves);
	taken = take(frames, word, bits);
	frames_sequence_end(&mine->moves);
	blocks = (unsigned)__builtin_popcountll(taken);
	frames_cpu_count(&mine->got[BLOCK_ORDER], blocks);
	frames_cpu_count(&mine->balance, -(blocks << BLOCK_ORDER));
	return taken;
}

void frames_report_give(struct frames *frames, unsigned cpu, uint64_t word, uint64_t bits,
			bool reported)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t blocks = (unsigned)__builtin_popcountll(bits);

	if (!frames_cpu_is_live(mine))
		frames_cpu_begin(frames, cpu);
	give(frames, word, bits, reported);
	frames_cpu_count(&mine->put[BLOCK_ORDER], blocks);
	frames_cpu_count(&mine->balance, blocks << BLOCK_ORDER);
}

void frames_report_forget(struct frames *frames)
{
	uint64_t frontier = atomic_load_explicit(&frames->frontier, memory_order_acquire);

	for (uint64_t word = 0; word * 64 < frontier; word++)
		atomic_store_explicit(&frames->seen[word], 0, memory_order_relaxed);
}

/* ---- what CPUs hold back ---- */

static struct frames_activity activity(const struct frames_cpu *cpu)
{
	struct frames_activity now = {0};

	for (unsigned order = 0; order < BLOCK_ORDER; order++)
		now.reserved += atomic_load_explicit(&cpu->got[order], memory_order_relaxed) +
				atomic_load_explicit(&cpu->put[order], memory_order_relaxed);
	now.kept = atomic_load_explicit(&cpu->got[BLOCK_ORDER], memory_order_relaxed) +
		   atomic_load_explicit(&cpu->put[BLOCK_ORDER], memory_order_relaxed) +
		   atomic_load_explicit(&cpu->stale, memory_order_relaxed);
	return now;
}

void frames_activity_note(const struct frames *frames, struct frames_activity *of)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);

	for (unsigned number = 0; number < end; number++)
		if (frames_cpu_is_live(&frames->cpus[number]))
			of[number] = activity(&frames->cpus[number]);
}

static bool keeps(const struct frames *frames, const struct frames_cpu *cpu)
{
	uint64_t kept = atomic_load_explicit(&cpu->kept, memory_order_acquire);

	return kept && frames_block_word(frames, kept - 1) & BLOCK_KEPT;
}

bool frames_idle_return(struct frames *frames, const struct frames_activity *of, bool all)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);
	bool nothing = true;

	for (unsigned number = 0; number < end; number++) {
		struct frames_cpu *cpu = &frames->cpus[number];
		bool kept = keeps(frames, cpu);
		uint64_t block = frames_cpu_block(cpu);
		struct frames_activity now;

		if ((!kept && block == BLOCK_UNKNOWN) || !frames_cpu_is_live(cpu))
			continue;
		now = activity(cpu);
		if (kept && now.kept == of[number].kept)
			frames_kept_return(frames, cpu);
		else
			nothing = nothing && !kept;
		if (block != BLOCK_UNKNOWN)
			nothing = now.reserved == of[number].reserved &&
				  (all ||
				   frames_release_helps(frames, cpu, block, BLOCK_ORDER)) &&
				  frames_cpu_revoke(frames, CPUS_MAX, number) && nothing;
	}
	return nothing;
}

/* ---- whoever watches ---- */

/* Nothing was used, and nothing is held: not even a block between two words. */
static bool is_idle(const struct frames_cpu *cpu, const struct frames_activity *of)
{
	return frames_cpu_block(cpu) == BLOCK_UNKNOWN &&
	       (!frames_cpu_is_live(cpu) || activity(cpu).kept == of->kept);
}

/*
 * A CPU without a reservation has no rows to put frames into, and says when it gets one. A CPU
 * whose `kept` is neither 0 nor a block that it keeps will keep none for as long as it sees
 * that somebody watches: what it frees goes through the index. `kept` was so before the CPU was
 * asked to settle, and the CPU has not changed it until then if it has got and put nothing.
 * One that never got or put says when it begins; it has no counters yet for a block that it
 * would find in `kept`.
 */
bool frames_watch_arm(struct frames *frames, const struct frames_activity *of)
{
	unsigned end;

	atomic_store_explicit(&frames->watched, true, memory_order_seq_cst);
	end = atomic_load_explicit(&frames->cpu_end, memory_order_seq_cst);
	if (end > 0 && !frames_is_open(frames, 0))
		return false;
	for (unsigned number = 0; number < end; number++) {
		uint64_t none = 0;

		if (!atomic_load_explicit(&frames->cpus[number].live, memory_order_seq_cst))
			continue;
		/* Any block will do. */
		atomic_compare_exchange_strong(&frames->cpus[number].kept, &none, 1);
		if (keeps(frames, &frames->cpus[number]))
			return false;
	}
	for (unsigned number = 0; number < end; number++)
		if ((frames->waiting && !frames->waiting->settle(number)) ||
		    !is_idle(&frames->cpus[number], &of[number]))
			return false;
	return true;
}

void frames_watch_disarm(struct frames *frames)
{
	atomic_store_explicit(&frames->watched, false, memory_order_seq_cst);
}

NOINLINE void frames_watch_tell(struct frames *frames)
{
	const struct frames_watch *watch =
		atomic_load_explicit(&frames->watch, memory_order_acquire);

	if (atomic_exchange_explicit(&frames->watched, false, memory_order_acq_rel) && watch)
		watch->wake(frames);
}

NOINLINE void frames_taken_back(struct frames *frames, uint64_t block)
{
	const struct frames_watch *watch =
		atomic_load_explicit(&frames->watch, memory_order_acquire);

	if (watch)
		watch->taken_back(frames, block);
}

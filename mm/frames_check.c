// SPDX-License-Identifier: MIT
/*
 * Looking at the frame allocator without changing it: counts, availability per order, the
 * marks, and the walk that compares counters with bits and with hints.
 */
#include <mm/frames_internal.h>
#include <kernel/format.h>
#include <kernel/hook.h>

static uint64_t row_word(const struct frames *frames, uint64_t row)
{
	return atomic_load_explicit(&frames->rows[row], memory_order_acquire);
}

static uint64_t frontier_of(const struct frames *frames)
{
	return atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

/* The CPU that has reserved the block, or NULL. */
static const struct frames_cpu *owner_of(const struct frames *frames, uint64_t block)
{
	unsigned owner = block_owner(frames_block_word(frames, block));
	const struct frames_cpu *cpu = owner ? &frames->cpus[owner - 1] : NULL;

	return cpu && frames_cpu_block(cpu) == block ? cpu : NULL;
}

/* Taken frames of a row, those that a CPU holds back counted as free. */
static uint64_t row_taken(const struct frames *frames, uint64_t row)
{
	const struct frames_cpu *owner = owner_of(frames, row / BLOCK_ROWS);
	uint64_t taken = row_word(frames, row);

	if (owner)
		taken &= atomic_load_explicit(&owner->rows[row % BLOCK_ROWS],
					      memory_order_acquire);
	return taken;
}

uint64_t frames_free(const struct frames *frames)
{
	unsigned end = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);
	uint64_t free = frames->usable;

	for (unsigned number = 0; number < end; number++) {
		const struct frames_cpu *cpu = &frames->cpus[number];

		if (frames_cpu_is_live(cpu))
			free += atomic_load_explicit(&cpu->balance, memory_order_relaxed) +
				atomic_load_explicit(&cpu->put[0], memory_order_relaxed) -
				atomic_load_explicit(&cpu->got[0], memory_order_relaxed);
		HOOK(frames_free_counted);
	}
	return free;
}

/* Acquire: what is summed up later is read later. */
static uint64_t sum_of(const _Atomic uint64_t counters[FRAMES_ORDERS])
{
	uint64_t sum = 0;

	for (unsigned order = 0; order < FRAMES_ORDERS; order++)
		sum += atomic_load_explicit(&counters[order], memory_order_acquire) << order;
	return sum;
}

uint64_t frames_cpu_got(const struct frames *frames, unsigned cpu)
{
	return frames_cpu_is_live(&frames->cpus[cpu]) ? sum_of(frames->cpus[cpu].got) : 0;
}

uint64_t frames_cpu_put(const struct frames *frames, unsigned cpu)
{
	return frames_cpu_is_live(&frames->cpus[cpu]) ? sum_of(frames->cpus[cpu].put) : 0;
}

uint64_t frames_free_most(const struct frames *frames)
{
	uint64_t free = frames->usable;
	unsigned end = atomic_load(&frames->cpu_end);

	for (unsigned cpu = 0; cpu < end; cpu++)
		free -= frames_cpu_got(frames, cpu);
	/* Again: one that began meanwhile may have put what was got elsewhere. */
	end = atomic_load(&frames->cpu_end);
	for (unsigned cpu = 0; cpu < end; cpu++)
		free += frames_cpu_put(frames, cpu);
	return free;
}

uint64_t frames_row_taken(const struct frames *frames, uint64_t row)
{
	return frames_block_word(frames, row / BLOCK_ROWS) & BLOCK_WHOLE
		       ? UINT64_MAX
		       : row_taken(frames, row);
}

bool frames_is_taken(const struct frames *frames, uint64_t frame)
{
	return frames_row_taken(frames, frame / ROW_FRAMES) >> frame % ROW_FRAMES & 1;
}

void frames_mark_written(struct frames *frames, uint64_t frame)
{
	struct block_step step;

	(void)block_update(&frames->blocks[frame / BLOCK_FRAMES], block_set, BLOCK_WRITTEN,
			   &step);
}

void frames_clear_written(struct frames *frames, uint64_t frame)
{
	struct block_step step;

	(void)block_update(&frames->blocks[frame / BLOCK_FRAMES], block_clear, BLOCK_WRITTEN,
			   &step);
}

unsigned frames_taken_in(const struct frames *frames, uint64_t block)
{
	unsigned taken = 0;

	if (frames_block_word(frames, block) & BLOCK_WHOLE)
		return BLOCK_FRAMES;
	for (unsigned row = 0; row < BLOCK_ROWS; row++)
		taken += (unsigned)__builtin_popcountll(
			row_taken(frames, block * BLOCK_ROWS + row));
	return taken;
}

/* Aligned free runs of 2^order inside one block, order below 9. */
static uint64_t block_available(const struct frames *frames, uint64_t block, unsigned order)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;
	uint64_t runs = 0;

	if (frames_block_word(frames, block) & BLOCK_WHOLE)
		return 0;
	for (unsigned row = 0; row < BLOCK_ROWS; row += step) {
		uint64_t taken = 0;

		for (unsigned i = 0; i < step; i++)
			taken |= row_taken(frames, block * BLOCK_ROWS + row + i);
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

		for (uint64_t b = block; order >= BLOCK_ORDER && b < block + step; b++)
			idle = idle && frames_taken_in(frames, b) == 0;
		runs += order < BLOCK_ORDER ? block_available(frames, block, order) : idle;
	}
	return runs;
}

/* ---- the walk ---- */

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
	uint32_t word = frames_block_word(frames, block);
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
	if (word & (BLOCK_KEPT | BLOCK_REPORTED) && block_taken(word))
		return block_problem("marks of a free block", block, block_taken(word), 0);
	if (block_owner(word) && !owner_of(frames, block))
		return block_problem("reserved by a CPU that has another block", block,
				     block_owner(word) - 1, block);
	return NULL;
}

static const char *check_index(const struct frames *frames, uint64_t block)
{
	uint32_t word = frames_block_word(frames, block);

	for (unsigned class = 0; class < CLASS_NONE; class ++) {
		const struct frames_index *index = &frames->index[class];
		uint64_t bits = frames_index_word(frames, class, block / 64);
		uint64_t summary = atomic_load_explicit(&index->summary[block / (64 * 64)],
							memory_order_relaxed);

		if ((bits >> block % 64 & 1) != (block_class(word) == class))
			return block_problem("index of its class", block,
					     bits >> block % 64 & 1,
					     block_class(word) == class);
		if ((summary >> block / 64 % 64 & 1) != (bits != 0))
			return block_problem("summary of the index", block,
					     summary >> block / 64 % 64 & 1, bits != 0);
	}
	return NULL;
}

/* A CPU's block is its own, and what it has free there nobody else has free; a block that is
 * kept is kept by somebody. */
static const char *check_cpu(const struct frames *frames, unsigned number)
{
	const struct frames_cpu *cpu = &frames->cpus[number];
	uint64_t block = frames_cpu_block(cpu);

	if (block == BLOCK_UNKNOWN)
		return NULL;
	if (block_owner(frames_block_word(frames, block)) != number + 1)
		return block_problem("CPU + 1 that has reserved it", block,
				     block_owner(frames_block_word(frames, block)), number + 1);
	for (unsigned row = 0; row < BLOCK_ROWS; row++) {
		uint64_t own = atomic_load_explicit(&cpu->rows[row], memory_order_relaxed);
		uint64_t both = ~own & ~row_word(frames, block * BLOCK_ROWS + row);

		if (both)
			return block_problem("frames free twice, bits", block, both, 0);
	}
	return NULL;
}

static const char *check_kept(const struct frames *frames, uint64_t frontier)
{
	uint64_t kept = 0;
	uint64_t known = 0;

	for (uint64_t block = 0; block < frontier; block++) {
		bool found = false;

		if (!(frames_block_word(frames, block) & BLOCK_KEPT))
			continue;
		kept++;
		for (unsigned cpu = 0; cpu < CPUS_MAX && !found; cpu++)
			found = atomic_load_explicit(&frames->cpus[cpu].kept,
						     memory_order_relaxed) == block + 1;
		known += found;
	}
	if (kept != known)
		return block_problem("(all) blocks kept, and known to a CPU", 0, kept, known);
	return NULL;
}

static const char *check_counters(const struct frames *frames, uint64_t frontier)
{
	uint64_t taken = 0;
	uint64_t balance = 0;

	for (uint64_t block = 0; block < frontier; block++)
		taken += frames_taken_in(frames, block);
	taken -= frames->excluded;
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		balance += frames_cpu_got(frames, cpu) - frames_cpu_put(frames, cpu);
	if (frames_free(frames) != frames->usable - taken)
		return block_problem("(all) free frames against counters", 0,
				     frames_free(frames), frames->usable - taken);
	if (balance != taken)
		return block_problem("(all) counters by order", 0, balance, taken);
	return NULL;
}

const char *frames_check(const struct frames *frames)
{
	uint64_t frontier = frontier_of(frames);
	const char *wrong = NULL;

	for (uint64_t block = 0; block < frontier && !wrong; block++) {
		wrong = check_block(frames, block);
		if (!wrong)
			wrong = check_index(frames, block);
	}
	for (unsigned cpu = 0; cpu < CPUS_MAX && !wrong; cpu++)
		wrong = check_cpu(frames, cpu);
	if (!wrong)
		wrong = check_kept(frames, frontier);
	return wrong ? wrong : check_counters(frames, frontier);
}

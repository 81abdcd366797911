// SPDX-License-Identifier: MIT
/*
 * Getting and putting frames. The search for a block to get from is in frames_search.c, the
 * walk that checks everything in frames_check.c.
 */
#include <mm/frames.h>
#include <kernel/assert.h>

static struct lock_class frontier_lock_class = {.name = "frames.frontier"};

static uint64_t trees_of(uint64_t blocks)
{
	return (blocks + TREE_BLOCKS - 1) / TREE_BLOCKS;
}

size_t frames_state_size(uint64_t frame_count)
{
	uint64_t blocks = (frame_count + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
	uint64_t rows = blocks * BLOCK_ROWS * sizeof(uint64_t);

	return rows + align_up(blocks * sizeof(uint32_t), CACHE_LINE) +
	       trees_of(blocks) * sizeof(uint64_t);
}

void frames_init(struct frames *frames, void *state, uint64_t frame_count,
		 void (*open_block)(struct frames *frames, uint64_t block), uint64_t usable)
{
	uint64_t blocks = (frame_count + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
	char *at = state;

	memset(frames, 0, sizeof(*frames));
	frames->rows = (void *)at;
	at += blocks * BLOCK_ROWS * sizeof(uint64_t);
	frames->blocks = (void *)at;
	at += align_up(blocks * sizeof(uint32_t), CACHE_LINE);
	frames->trees = (void *)at;
	frames->block_count = blocks;
	frames->open_block = open_block;
	frames->usable = usable;
	spin_lock_init(&frames->lock, &frontier_lock_class);
}

static NOINLINE void cpus_raise(struct frames *frames, unsigned end)
{
	unsigned old = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);

	while (old < end && !atomic_compare_exchange_weak_explicit(&frames->cpu_end, &old, end,
								   memory_order_relaxed,
								   memory_order_relaxed))
		;
}

static ALWAYS_INLINE void count(struct frames *frames, unsigned cpu, _Atomic uint64_t *counter,
				unsigned order)
{
	if (UNLIKELY(cpu >= atomic_load_explicit(&frames->cpu_end, memory_order_relaxed)))
		cpus_raise(frames, cpu + 1);
	atomic_fetch_add_explicit(counter, UINT64_C(1) << order, memory_order_relaxed);
}

/* Tell the tree when the block became busy or idle, full or not full. */
static void tree_note(struct frames *frames, uint64_t block, unsigned before, unsigned after)
{
	uint64_t change = tree_change_of(before, after);

	if (change)
		atomic_fetch_add_explicit(&frames->trees[block / TREE_BLOCKS], change,
					  memory_order_relaxed);
}

static ALWAYS_INLINE bool block_count_give(struct frames *frames, uint64_t block,
					   unsigned order)
{
	uint32_t before;

	if (!block_update(&frames->blocks[block], block_give, order, &before))
		return false;
	tree_note(frames, block, block_taken(before), block_taken(before) - (1u << order));
	return true;
}

/* All rows of a run of 2 or 4, or none. */
static bool rows_take(_Atomic uint64_t *row, unsigned rows)
{
	for (unsigned i = 0; i < rows; i++) {
		unsigned at = 0;

		if (row_update(&row[i], row_take_at, ROW_ORDER, &at))
			continue;
		while (i-- > 0)
			atomic_store_explicit(&row[i], 0, memory_order_release);
		return false;
	}
	return true;
}

/* Find 2^order free bits in the block's rows; they were counted, so for order 0 there is one,
 * unless it moves faster than we look. */
static ALWAYS_INLINE uint64_t rows_search(_Atomic uint64_t *rows, unsigned order,
					  uint64_t first_row)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;

	for (unsigned i = 0; i < BLOCK_ROWS; i += step) {
		unsigned row = (unsigned)((first_row + i) % BLOCK_ROWS) & ~(step - 1);
		unsigned at = 0;

		if (step == 1 ? row_update(&rows[row], row_take, order, &at)
			      : rows_take(&rows[row], step))
			return row * ROW_FRAMES + at;
	}
	return FRAMES_NONE;
}

static ALWAYS_INLINE bool block_count_take(struct frames *frames, uint64_t block,
					   unsigned order, bool own)
{
	_Atomic uint32_t *word = &frames->blocks[block];
	uint32_t before;

	if (own ? !block_update(word, block_take_and_own, order, &before)
		: !block_update(word, block_take, order, &before))
		return false;
	tree_note(frames, block, block_taken(before), block_taken(before) + (1u << order));
	return true;
}

/* The bits that were counted are not in one run, or others were faster. */
static NOINLINE void count_undo(struct frames *frames, uint64_t block, unsigned order, bool own)
{
	uint32_t before;

	if (own)
		(void)block_update(&frames->blocks[block], block_clear, BLOCK_OWNED, &before);
	if (!block_count_give(frames, block, order))
		panic("frames: block %llu lost the count of a failed request",
		      (unsigned long long)block);
}

static ALWAYS_INLINE uint64_t get_in_block(struct frames *frames, uint64_t block,
					   unsigned order, bool own, uint64_t first_row)
{
	uint64_t at;

	if (!block_count_take(frames, block, order, own))
		return FRAMES_NONE;
	at = rows_search(&frames->rows[block * BLOCK_ROWS], order, (unsigned)first_row);
	if (LIKELY(at != FRAMES_NONE))
		return block * BLOCK_FRAMES + at;
	count_undo(frames, block, order, own);
	return FRAMES_NONE;
}

uint64_t frames_get_in_block(struct frames *frames, uint64_t block, unsigned order, bool own,
			     uint64_t first_row)
{
	return get_in_block(frames, block, order, own, first_row);
}

static void whole_give(struct frames *frames, uint64_t block)
{
	uint32_t before;

	if (!block_update(&frames->blocks[block], block_give_whole, 0, &before))
		panic("frames: block %llu is not whole while it is undone",
		      (unsigned long long)block);
	tree_note(frames, block, BLOCK_FRAMES, 0);
}

/* One block, or two neighbours: when the second is not free the first goes back. */
bool frames_get_whole(struct frames *frames, uint64_t block, unsigned order)
{
	unsigned blocks = 1u << (order - BLOCK_ORDER);
	uint32_t before;

	for (unsigned i = 0; i < blocks; i++) {
		if (block_update(&frames->blocks[block + i], block_take_whole, 0, &before)) {
			tree_note(frames, block + i, 0, BLOCK_FRAMES);
			continue;
		}
		while (i-- > 0)
			whole_give(frames, block + i);
		return false;
	}
	return true;
}

static ALWAYS_INLINE uint64_t got(struct frames *frames, unsigned cpu, uint64_t frame,
				  unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];

	if (frame == FRAMES_NONE)
		return FRAMES_NONE;
	if (order < BLOCK_ORDER)
		atomic_store_explicit(&mine->row, frame / ROW_FRAMES % BLOCK_ROWS,
				      memory_order_relaxed);
	count(frames, cpu, &mine->got, order);
	return frame;
}

uint64_t frames_get_owned(struct frames *frames, unsigned cpu, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t owned = atomic_load_explicit(&mine->owned, memory_order_relaxed);
	uint64_t row = atomic_load_explicit(&mine->row, memory_order_relaxed);

	if (order >= BLOCK_ORDER || !owned)
		return FRAMES_NONE;
	/* Single frames are most requests: the compiler makes them a version of their own. */
	if (order == 0)
		return got(frames, cpu, get_in_block(frames, owned - 1, 0, false, row), 0);
	return got(frames, cpu, frames_get_in_block(frames, owned - 1, order, false, row),
		   order);
}

uint64_t frames_get_new(struct frames *frames, unsigned cpu, unsigned order)
{
	ASSERT(order <= FRAMES_ORDER_MAX);
	return got(frames, cpu, frames_search(frames, cpu, order), order);
}

uint64_t frames_get(struct frames *frames, unsigned cpu, unsigned order)
{
	uint64_t frame = frames_get_owned(frames, cpu, order);

	return frame != FRAMES_NONE ? frame : frames_get_new(frames, cpu, order);
}

static bool is_whole(const struct frames *frames, uint64_t block)
{
	return atomic_load_explicit(&frames->blocks[block], memory_order_relaxed) & BLOCK_WHOLE;
}

/* Is the run taken, in the form of its order? A whole block is given back as a whole; one that
 * was split, and every smaller run, row by row. */
static bool run_is_taken(const struct frames *frames, uint64_t frame, unsigned order)
{
	const _Atomic uint64_t *row = &frames->rows[frame / ROW_FRAMES];

	if (is_whole(frames, frame / BLOCK_FRAMES))
		return order == BLOCK_ORDER;
	for (unsigned i = 0; i < 1u << (order - ROW_ORDER); i++)
		if (atomic_load_explicit(&row[i], memory_order_relaxed) != UINT64_MAX)
			return false;
	return true;
}

/* Rows, then the count; what was found taken cannot have become free but by another put of the
 * same frames, which is the caller's bug. */
static void put_run(struct frames *frames, uint64_t frame, unsigned order)
{
	uint64_t block = frame / BLOCK_FRAMES;

	if (is_whole(frames, block)) {
		whole_give(frames, block);
		return;
	}
	for (unsigned i = 0; i < 1u << (order - ROW_ORDER); i++)
		atomic_store_explicit(&frames->rows[frame / ROW_FRAMES + i], 0,
				      memory_order_release);
	if (!block_count_give(frames, block, order))
		panic("frames: block %llu counts less than its rows",
		      (unsigned long long)block);
}

static bool put_large(struct frames *frames, uint64_t frame, unsigned order)
{
	unsigned part = MIN(order, BLOCK_ORDER);
	uint64_t end = frame + (UINT64_C(1) << order);

	for (uint64_t at = frame; at < end; at += UINT64_C(1) << part)
		if (!run_is_taken(frames, at, part))
			return false;
	for (uint64_t at = frame; at < end; at += UINT64_C(1) << part)
		put_run(frames, at, part);
	return true;
}

static ALWAYS_INLINE bool put_small(struct frames *frames, uint64_t frame, unsigned order)
{
	uint64_t block = frame / BLOCK_FRAMES;
	unsigned at = frame % ROW_FRAMES;

	if (is_whole(frames, block) ||
	    !row_update(&frames->rows[frame / ROW_FRAMES], row_give, order, &at))
		return false;
	if (!block_count_give(frames, block, order))
		panic("frames: block %llu counts less than its bits",
		      (unsigned long long)block);
	return true;
}

static NOINLINE bool put_run_of(struct frames *frames, uint64_t frame, unsigned order)
{
	if (order > FRAMES_ORDER_MAX || !is_aligned(frame, UINT64_C(1) << order) ||
	    !frames_is_open(frames, frame + (UINT64_C(1) << order) - 1))
		return false;
	return order < ROW_ORDER ? put_small(frames, frame, order)
				 : put_large(frames, frame, order);
}

bool frames_put(struct frames *frames, unsigned cpu, uint64_t frame, unsigned order)
{
	if (order == 0 ? !frames_is_open(frames, frame) || !put_small(frames, frame, 0)
		       : !put_run_of(frames, frame, order))
		return false;
	count(frames, cpu, &frames->cpus[cpu].put, order);
	return true;
}

void frames_split(struct frames *frames, uint64_t frame, unsigned order)
{
	uint64_t block = frame / BLOCK_FRAMES;

	if (order < BLOCK_ORDER)
		return;
	for (unsigned i = 0; i < 1u << (order - BLOCK_ORDER); i++) {
		_Atomic uint64_t *rows = &frames->rows[(block + i) * BLOCK_ROWS];
		uint32_t before;

		if (!is_whole(frames, block + i))
			continue; /* split before: the rows are in use */
		for (unsigned r = 0; r < BLOCK_ROWS; r++)
			atomic_store_explicit(&rows[r], UINT64_MAX, memory_order_relaxed);
		if (!block_update(&frames->blocks[block + i], block_split, 0, &before))
			panic("frames: block %llu is split but not whole",
			      (unsigned long long)(block + i));
	}
}

/*
 * The frontier: state of the next block is zeroed, then its owner excludes what is no memory,
 * then everybody may see it.
 */
bool frames_open_next(struct frames *frames, uint64_t *block)
{
	struct irq_state irq = spin_lock_irqsave(&frames->lock);
	uint64_t next = atomic_load_explicit(&frames->frontier, memory_order_relaxed);
	bool more = next < frames->block_count;

	if (more) {
		if (next % TREE_BLOCKS == 0)
			atomic_init(&frames->trees[next / TREE_BLOCKS], 0);
		atomic_init(&frames->blocks[next], 0);
		for (unsigned r = 0; r < BLOCK_ROWS; r++)
			atomic_init(&frames->rows[next * BLOCK_ROWS + r], 0);
		if (frames->open_block)
			frames->open_block(frames, next);
		atomic_store_explicit(&frames->frontier, next + 1, memory_order_release);
		*block = next;
	}
	spin_unlock_irqrestore(&frames->lock, irq);
	return more;
}

void frames_exclude(struct frames *frames, uint64_t block, unsigned first, unsigned excluded)
{
	_Atomic uint64_t *rows = &frames->rows[block * BLOCK_ROWS];
	uint32_t taken = atomic_load_explicit(&frames->blocks[block], memory_order_relaxed);

	for (unsigned frame = first; frame < first + excluded; frame++) {
		uint64_t bit = BIT64(frame % ROW_FRAMES);
		uint64_t old = atomic_fetch_or_explicit(&rows[frame / ROW_FRAMES], bit,
							memory_order_relaxed);

		ASSERT(!(old & bit));
	}
	atomic_store_explicit(&frames->blocks[block], taken + excluded, memory_order_relaxed);
	atomic_fetch_add_explicit(&frames->excluded, excluded, memory_order_relaxed);
	tree_note(frames, block, block_taken(taken), block_taken(taken) + excluded);
}

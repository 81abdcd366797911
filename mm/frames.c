// SPDX-License-Identifier: MIT
/*
 * Getting and putting frames: the short ways through what a CPU has, and the changes of shared
 * words. Reservations are in frames_cpu.c, the search for a block in frames_search.c, the walk
 * that checks everything in frames_check.c.
 */
#include <mm/frames_internal.h>
#include <kernel/assert.h>
#include <kernel/hook.h>

static struct lock_class frontier_lock_class = {.name = "frames.frontier"};

static uint64_t words_of(uint64_t bits)
{
	return (bits + 63) / 64;
}

/* Index words and summary words of all classes, and what was seen. */
static uint64_t index_words(uint64_t blocks)
{
	uint64_t words = words_of(blocks);

	return CLASS_NONE * (words + words_of(words)) + words;
}

size_t frames_state_size(uint64_t frame_count)
{
	uint64_t blocks = (frame_count + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
	uint64_t rows = blocks * BLOCK_ROWS * sizeof(uint64_t);

	return rows + align_up(blocks * sizeof(uint32_t), CACHE_LINE) +
	       index_words(blocks) * sizeof(uint64_t);
}

/* What others read of a CPU that has not begun. Field by field: every zone of a large machine
 * has a head for every CPU there might be, and a boot must not grow with it. */
static inline void clear_head(struct frames_cpu *mine)
{
	atomic_init(&mine->first, 0);
	atomic_init(&mine->busy, 0);
	atomic_init(&mine->row, 0);
	atomic_init(&mine->kept, 0);
	atomic_init(&mine->cursor, 0);
	atomic_init(&mine->balance, 0);
	atomic_init(&mine->moves, 0);
	atomic_init(&mine->changes, 0);
	atomic_init(&mine->stale, 0);
	atomic_init(&mine->locked, false);
	atomic_init(&mine->live, false);
}

void frames_init(struct frames *frames, void *state, uint64_t frame_count,
		 void (*open_block)(struct frames *frames, uint64_t block), uint64_t usable)
{
	uint64_t blocks = (frame_count + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
	uint64_t words = words_of(blocks);
	_Atomic uint64_t *index;
	char *at = state;

	memset(frames, 0, offsetof(struct frames, cpus));
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		clear_head(&frames->cpus[cpu]);
	frames->rows = (void *)at;
	at += blocks * BLOCK_ROWS * sizeof(uint64_t);
	frames->blocks = (void *)at;
	at += align_up(blocks * sizeof(uint32_t), CACHE_LINE);
	index = (void *)at;
	for (unsigned class = 0; class < CLASS_NONE; class ++) {
		frames->index[class].words = index;
		frames->index[class].summary = index + words;
		index += words + words_of(words);
	}
	frames->seen = index;
	frames->block_count = blocks;
	frames->open_block = open_block;
	frames->usable = usable;
	spin_lock_init(&frames->lock, &frontier_lock_class);
}

void frames_cpu_begin(struct frames *frames, unsigned cpu)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	unsigned end = cpu + 1;
	unsigned old = atomic_load_explicit(&frames->cpu_end, memory_order_relaxed);

	memset((char *)mine + offsetof(struct frames_cpu, rows), 0,
	       sizeof(*mine) - offsetof(struct frames_cpu, rows));
	/* seq_cst: whoever is about to watch sees it, or is told. */
	atomic_store_explicit(&mine->live, true, memory_order_seq_cst);
	while (old < end && !atomic_compare_exchange_weak_explicit(&frames->cpu_end, &old, end,
								   memory_order_seq_cst,
								   memory_order_relaxed))
		;
	frames_watch_wake(frames);
}

/* ---- the CPU's own block; the short ways are leaves, everything else is called at their end
 * ---- */

static ALWAYS_INLINE uint64_t own_got(struct frames_cpu *mine, uint64_t frame, unsigned order)
{
	frames_cpu_count_get(mine, order);
	frames_cpu_leave(mine);
	return frame;
}

/* From any row. */
static uint64_t own_get(struct frames_cpu *mine, unsigned order)
{
	uint64_t first;
	uint64_t frame;

	frames_cpu_enter(mine);
	first = atomic_load_explicit(&mine->first, memory_order_acquire);
	frame = first ? frames_cpu_take(mine, order) : FRAMES_NONE;
	if (frame != FRAMES_NONE)
		return own_got(mine, first - 1 + frame, order);
	frames_cpu_leave(mine);
	return FRAMES_NONE;
}

/* ---- shared words: small frames ---- */

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

static uint64_t rows_search(_Atomic uint64_t *rows, unsigned order)
{
	unsigned step = order > ROW_ORDER ? 1u << (order - ROW_ORDER) : 1;

	for (unsigned row = 0; row < BLOCK_ROWS; row += step) {
		unsigned at = 0;

		if (step == 1 ? row_update(&rows[row], row_take, order, &at)
			      : rows_take(&rows[row], step))
			return row * ROW_FRAMES + at;
	}
	return FRAMES_NONE;
}

static ALWAYS_INLINE void block_count_give(struct frames *frames, uint64_t block,
					   unsigned order)
{
	struct block_step step;

	if (!block_update(&frames->blocks[block], block_give, 1u << order, &step))
		panic("frames: block %llu counts less than its bits",
		      (unsigned long long)block);
	if (UNLIKELY(block_taken(step.after) == 0 || block_taken(step.before) == BLOCK_FRAMES))
		frames_class_note(frames, block, &step);
}

uint64_t frames_get_shared(struct frames *frames, struct frames_cpu *mine, uint64_t block,
			   unsigned order)
{
	struct block_step step;
	uint64_t at;

	frames_sequence_begin(&mine->moves);
	if (!frames_block_update(frames, block, block_take, 1u << order, &step)) {
		frames_sequence_cancel(&mine->moves);
		return FRAMES_NONE;
	}
	at = rows_search(&frames->rows[block * BLOCK_ROWS], order);
	if (at == FRAMES_NONE)
		block_count_give(frames, block, order);
	frames_sequence_end(&mine->moves);
	return at != FRAMES_NONE ? block * BLOCK_FRAMES + at : FRAMES_NONE;
}

/* Has the CPU reserved this block, with a frame of the run among its free ones? */
static bool owner_has(const struct frames_cpu *owner, uint64_t frame, unsigned order)
{
	uint64_t row = atomic_load_explicit(&owner->rows[frame / ROW_FRAMES % BLOCK_ROWS],
					    memory_order_relaxed);

	HOOK(frames_owner_seen);
	return frames_cpu_block(owner) == frame / BLOCK_FRAMES &&
	       ~row & row_mask(frame % ROW_FRAMES, order);
}

/* The block was reserved by the CPU: is the run no free one of its? It may change its block
 * between looking at row and block, but not while it is locked. */
static bool owner_agrees(struct frames *frames, unsigned owner, uint64_t frame, unsigned order)
{
	struct frames_cpu *other = &frames->cpus[owner];
	bool has;

	HOOK(frames_owner_known);
	if (LIKELY(!owner_has(other, frame, order)))
		return true;
	frames_cpu_lock(frames, other);
	has = owner_has(other, frame, order);
	frames_cpu_unlock(other);
	return !has;
}

/* order up to 6: one row. */
static ALWAYS_INLINE bool put_small(struct frames *frames, unsigned cpu, uint64_t frame,
				    unsigned order)
{
	uint64_t block = frame / BLOCK_FRAMES;
	uint32_t word = frames_block_word(frames, block);
	struct frames_cpu *mine = &frames->cpus[cpu];
	unsigned at = frame % ROW_FRAMES;
	bool given;

	if (word & BLOCK_WHOLE)
		return false;
	if (UNLIKELY(word & BLOCK_OWNER) &&
	    !owner_agrees(frames, block_owner(word) - 1, frame, order))
		return false;
	frames_sequence_begin(&mine->moves);
	given = row_update(&frames->rows[frame / ROW_FRAMES], row_give, order, &at);
	if (LIKELY(given))
		block_count_give(frames, block, order);
	frames_sequence_end(&mine->moves);
	return given;
}

/* ---- shared words: whole blocks, and runs of rows ---- */

static void whole_give(struct frames *frames, uint64_t block)
{
	struct block_step step;

	if (!frames_block_update(frames, block, block_give_whole, 0, &step))
		panic("frames: block %llu is not whole while it is undone",
		      (unsigned long long)block);
}

/* One block, or two neighbours: when the second is not free the first goes back. */
bool frames_take_whole(struct frames *frames, struct frames_cpu *mine, uint64_t block,
		       unsigned order)
{
	unsigned blocks = 1u << (order - BLOCK_ORDER);
	struct block_step step;
	unsigned taken = 0;

	frames_sequence_begin(&mine->moves);
	while (taken < blocks &&
	       frames_block_update(frames, block + taken, block_take_whole, 0, &step))
		taken++;
	if (taken == 0)
		frames_sequence_cancel(&mine->moves);
	for (unsigned i = taken; taken < blocks && i-- > 0;)
		whole_give(frames, block + i);
	if (taken)
		frames_sequence_end(&mine->moves);
	return taken == blocks;
}

/* Whoever watches wants to hear of the next block that is freed: it is not to be kept. */
static NOINLINE uint64_t kept_is_stale(const struct frames *frames, struct frames_cpu *mine,
				       uint64_t kept)
{
	uint32_t stale = atomic_load_explicit(&mine->stale, memory_order_relaxed);

	atomic_store_explicit(&mine->stale, stale + 1, memory_order_relaxed);
	if (atomic_load_explicit(&frames->watched, memory_order_relaxed))
		atomic_store_explicit(&mine->kept, kept, memory_order_relaxed);
	return FRAMES_NONE;
}

/* The block that this CPU freed last, which no index knows. */
static ALWAYS_INLINE uint64_t kept_get(struct frames *frames, struct frames_cpu *mine)
{
	uint64_t kept = atomic_load_explicit(&mine->kept, memory_order_relaxed);
	struct block_step step;

	if (!kept)
		return FRAMES_NONE;
	atomic_store_explicit(&mine->kept, 0, memory_order_relaxed);
	if (UNLIKELY(!block_update(&frames->blocks[kept - 1], block_take_kept, 0, &step)))
		return kept_is_stale(frames, mine, kept);
	frames_cpu_count_get(mine, BLOCK_ORDER);
	return (kept - 1) * BLOCK_FRAMES;
}

/* The lowest free block of the index word in which the last one was. */
static ALWAYS_INLINE uint64_t whole_get_near(struct frames *frames, struct frames_cpu *mine)
{
	uint64_t near = atomic_load_explicit(&mine->cursor, memory_order_relaxed);
	uint64_t bits = near ? frames_index_word(frames, CLASS_FREE, near - 1) : 0;
	enum block_class before;
	struct block_step step;
	uint64_t block;

	if (!bits)
		return FRAMES_NONE;
	block = (near - 1) * 64 + (unsigned)__builtin_ctzll(bits);
	if (UNLIKELY(!block_update(&frames->blocks[block], block_take_whole, 0, &step)))
		return FRAMES_NONE;
	before = block_class(step.before);
	if (LIKELY(before == CLASS_FREE)) {
		frames_index_clear(&frames->index[CLASS_FREE], block);
		frames_unsee(frames, block);
		if (UNLIKELY(block_class(frames_block_word(frames, block)) != CLASS_NONE))
			frames_class_changed(frames, block, CLASS_NONE, CLASS_NONE);
	} else if (before != CLASS_NONE) {
		frames_class_changed(frames, block, before, CLASS_NONE);
	}
	frames_cpu_count_get(mine, BLOCK_ORDER);
	return block * BLOCK_FRAMES;
}

/* The CPU keeps one block for the next request; others find it through `kept`. */
static ALWAYS_INLINE bool put_whole(struct frames *frames, struct frames_cpu *mine,
				    uint64_t block)
{
	bool keep = atomic_load_explicit(&mine->kept, memory_order_relaxed) == 0;
	struct block_step step;

	if (keep)
		atomic_store_explicit(&mine->kept, block + 1, memory_order_relaxed);
	if (UNLIKELY(!block_update(&frames->blocks[block], block_give_whole,
				   keep ? BLOCK_KEPT : 0, &step))) {
		if (keep)
			atomic_store_explicit(&mine->kept, 0, memory_order_relaxed);
		return false;
	}
	if (keep)
		return true;
	frames_index_set(&frames->index[CLASS_FREE], block);
	if (UNLIKELY(block_class(frames_block_word(frames, block)) != CLASS_FREE))
		frames_class_changed(frames, block, CLASS_FREE, CLASS_NONE);
	frames_watch_wake(frames);
	return true;
}

/* Is the run taken, in the form of its order? A whole block is given back as a whole; one that
 * was split, and every smaller run, row by row. */
static bool run_is_taken(const struct frames *frames, uint64_t frame, unsigned order)
{
	const _Atomic uint64_t *row = &frames->rows[frame / ROW_FRAMES];

	if (frames_block_word(frames, frame / BLOCK_FRAMES) & BLOCK_WHOLE)
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

	if (frames_block_word(frames, block) & BLOCK_WHOLE) {
		whole_give(frames, block);
		return;
	}
	for (unsigned i = 0; i < 1u << (order - ROW_ORDER); i++)
		atomic_store_explicit(&frames->rows[frame / ROW_FRAMES + i], 0,
				      memory_order_release);
	block_count_give(frames, block, order);
}

static bool put_large(struct frames *frames, unsigned cpu, uint64_t frame, unsigned order)
{
	unsigned part = MIN(order, BLOCK_ORDER);
	uint64_t end = frame + (UINT64_C(1) << order);

	for (uint64_t at = frame; at < end; at += UINT64_C(1) << part) {
		unsigned owner = block_owner(frames_block_word(frames, at / BLOCK_FRAMES));

		for (uint64_t row = at; owner && row < at + (UINT64_C(1) << part);
		     row += ROW_FRAMES)
			if (!owner_agrees(frames, owner - 1, row, ROW_ORDER))
				return false;
		if (!run_is_taken(frames, at, part))
			return false;
	}
	frames_sequence_begin(&frames->cpus[cpu].moves);
	for (uint64_t at = frame; at < end; at += UINT64_C(1) << part)
		put_run(frames, at, part);
	frames_sequence_end(&frames->cpus[cpu].moves);
	return true;
}

/* ---- for everybody ---- */

static NOINLINE uint64_t get_own_rest(struct frames *frames, unsigned cpu, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];

	if (LIKELY(order == BLOCK_ORDER))
		return kept_get(frames, mine);
	return order < BLOCK_ORDER ? own_get(mine, order) : FRAMES_NONE;
}

uint64_t frames_get_owned(struct frames *frames, unsigned cpu, unsigned order)
{
	if (LIKELY(order == 0)) {
		uint64_t frame = frames_get_at_hand(frames, cpu);

		if (LIKELY(frame != FRAMES_NONE))
			return frame;
	}
	return get_own_rest(frames, cpu, order);
}

static NOINLINE uint64_t get_searched(struct frames *frames, unsigned cpu, unsigned order)
{
	uint64_t frame;

	ASSERT(order <= FRAMES_ORDER_MAX);
	if (UNLIKELY(!frames_cpu_is_live(&frames->cpus[cpu])))
		frames_cpu_begin(frames, cpu);
	frame = frames_search(frames, cpu, order);
	if (LIKELY(frame != FRAMES_NONE))
		frames_cpu_count_get(&frames->cpus[cpu], order);
	return frame;
}

uint64_t frames_get_new(struct frames *frames, unsigned cpu, unsigned order)
{
	if (order == BLOCK_ORDER) {
		uint64_t frame = whole_get_near(frames, &frames->cpus[cpu]);

		if (LIKELY(frame != FRAMES_NONE))
			return frame;
	}
	return get_searched(frames, cpu, order);
}

static NOINLINE uint64_t get_rest(struct frames *frames, unsigned cpu, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t frame = FRAMES_NONE;

	if (LIKELY(order == BLOCK_ORDER)) {
		frame = kept_get(frames, mine);
		if (frame == FRAMES_NONE)
			frame = whole_get_near(frames, mine);
	} else if (order < BLOCK_ORDER) {
		frame = own_get(mine, order);
	}
	return LIKELY(frame != FRAMES_NONE) ? frame : get_searched(frames, cpu, order);
}

uint64_t frames_get(struct frames *frames, unsigned cpu, unsigned order)
{
	if (LIKELY(order == 0)) {
		uint64_t frame = frames_get_at_hand(frames, cpu);

		if (LIKELY(frame != FRAMES_NONE))
			return frame;
	}
	return get_rest(frames, cpu, order);
}

static ALWAYS_INLINE bool put_counted(struct frames *frames, unsigned cpu, unsigned order)
{
	if (UNLIKELY(!frames_cpu_is_live(&frames->cpus[cpu])))
		frames_cpu_begin(frames, cpu);
	frames_cpu_count_put(&frames->cpus[cpu], order);
	return true;
}

/* One frame of a block that is not the CPU's. */
static NOINLINE bool put_frame_elsewhere(struct frames *frames, unsigned cpu, uint64_t frame)
{
	return frames_is_open(frames, frame) && put_small(frames, cpu, frame, 0) &&
	       put_counted(frames, cpu, 0);
}

static NOINLINE bool put_other(struct frames *frames, unsigned cpu, uint64_t frame,
			       unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t offset;

	if (order > ROW_ORDER)
		return put_large(frames, cpu, frame, order) && put_counted(frames, cpu, order);
	if (frames_cpu_enter_own(mine, frame, &offset))
		return frames_cpu_put_here(frames, mine, frame, (unsigned)offset, order);
	return put_small(frames, cpu, frame, order) && put_counted(frames, cpu, order);
}

static NOINLINE bool put_rest(struct frames *frames, unsigned cpu, uint64_t frame,
			      unsigned order)
{
	if (order > FRAMES_ORDER_MAX || !is_aligned(frame, UINT64_C(1) << order) ||
	    !frames_is_open(frames, frame + (UINT64_C(1) << order) - 1))
		return false;
	if (LIKELY(order == BLOCK_ORDER) &&
	    frames_block_word(frames, frame / BLOCK_FRAMES) & BLOCK_WHOLE)
		return put_whole(frames, &frames->cpus[cpu], frame / BLOCK_FRAMES) &&
		       put_counted(frames, cpu, BLOCK_ORDER);
	return put_other(frames, cpu, frame, order);
}

bool frames_put(struct frames *frames, unsigned cpu, uint64_t frame, unsigned order)
{
	struct frames_cpu *mine = &frames->cpus[cpu];
	uint64_t offset;

	if (UNLIKELY(order))
		return put_rest(frames, cpu, frame, order);
	if (LIKELY(frames_cpu_enter_own(mine, frame, &offset)))
		return frames_cpu_put_here(frames, mine, frame, (unsigned)offset, 0);
	return put_frame_elsewhere(frames, cpu, frame);
}

void frames_split(struct frames *frames, uint64_t frame, unsigned order)
{
	uint64_t block = frame / BLOCK_FRAMES;

	if (order < BLOCK_ORDER)
		return;
	for (unsigned i = 0; i < 1u << (order - BLOCK_ORDER); i++) {
		_Atomic uint64_t *rows = &frames->rows[(block + i) * BLOCK_ROWS];
		struct block_step step;

		if (!(frames_block_word(frames, block + i) & BLOCK_WHOLE))
			continue; /* split before: the rows are in use */
		for (unsigned r = 0; r < BLOCK_ROWS; r++)
			atomic_store_explicit(&rows[r], UINT64_MAX, memory_order_relaxed);
		if (!frames_block_update(frames, block + i, block_split, 0, &step))
			panic("frames: block %llu is split but not whole",
			      (unsigned long long)(block + i));
	}
}

/* ---- the frontier ---- */

static void block_zero(struct frames *frames, uint64_t block)
{
	for (unsigned class = 0; class < CLASS_NONE; class ++) {
		if (block % 64 == 0)
			atomic_init(&frames->index[class].words[block / 64], 0);
		if (block % (64 * 64) == 0)
			atomic_init(&frames->index[class].summary[block / (64 * 64)], 0);
	}
	if (block % 64 == 0)
		atomic_init(&frames->seen[block / 64], 0);
	atomic_init(&frames->blocks[block], 0);
	for (unsigned r = 0; r < BLOCK_ROWS; r++)
		atomic_init(&frames->rows[block * BLOCK_ROWS + r], 0);
}

/*
 * State of the next block is zeroed, then its owner excludes what is no memory, then everybody
 * may see it.
 */
bool frames_open_next(struct frames *frames, struct frames_cpu *mine, uint64_t *block)
{
	struct irq_state irq = spin_lock_irqsave(&frames->lock);
	uint64_t next = atomic_load_explicit(&frames->frontier, memory_order_relaxed);
	bool more = next < frames->block_count;

	if (more) {
		frames_sequence_begin(&mine->moves);
		block_zero(frames, next);
		if (frames->open_block)
			frames->open_block(frames, next);
		atomic_store_explicit(&frames->frontier, next + 1, memory_order_release);
		frames_class_changed(frames, next, CLASS_NONE,
				     block_class(frames_block_word(frames, next)));
		*block = next;
		frames_sequence_end(&mine->moves);
		HOOK(frames_block_opened);
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
}

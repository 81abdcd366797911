// SPDX-License-Identifier: MIT
/*
 * Every order in which the frame allocator's atomic accesses may happen when two or three CPUs
 * work on the same blocks: no frame with two owners, none lost, every counter exact, every way
 * back gone. Speaks KTAP. Statistics per CPU are no steps, everything else is.
 */
#include <tests/explore/explore.h>
#include <mm/frames_internal.h>
#include <tests/mm/take_range.h>
#include <kernel/lock.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCKS 2
#define FRAMES (BLOCKS * BLOCK_FRAMES)
#define CPUS   3
#define HELD   8

struct held {
	uint64_t frame; /* FRAMES_NONE: nothing */
	uint64_t order;
};

/* What the actors know: who owns which frame, and what each has. */
struct owners {
	uint8_t of[FRAMES]; /* CPU + 1; 0: free */
	struct held held[CPUS][HELD];
	uint64_t got[CPUS];     /* requests fulfilled */
	uint64_t uses[BLOCKS];  /* how often others than CPU 0 got or put the first frame */
	_Atomic uint64_t looks; /* others may come between the two halves of what looks at it */
	_Atomic uint64_t inside; /* CPU 1 has its interrupts off, if anybody waits for that */
	uint64_t asleep;         /* who watches has seen nothing that is free */
	uint64_t woken;
};

static struct frames frames;
static uint64_t state[FRAMES / 64 + 64] ALIGNED(CACHE_LINE);
static struct owners owners;
static bool settles = true;
/* Somebody watches: looks at statistics, and asks CPUs to settle that do more than reserve. */
static bool watched;

/* Only CPUS of the CPUs take part: the others' state is not compared. */
static const struct explore_memory memory[] = {
	{&frames, offsetof(struct frames, cpus) + CPUS * sizeof(struct frames_cpu)},
	{state, sizeof(state)},
	{&owners, sizeof(owners)},
};

/* ---- what the allocator needs of a kernel ---- */

void panic_at(const char *file, int line, const char *pattern, ...)
{
	static char text[200];
	va_list args;
	int length = snprintf(text, sizeof(text), "%s:%d: ", file, line);

	va_start(args, pattern);
	vsnprintf(text + length, sizeof(text) - (size_t)length, pattern, args);
	va_end(args);
	explore_fail(text);
}

void spin_lock_init(struct spin_lock *lock, struct lock_class *class)
{
	lock->class = class;
}

struct irq_state spin_lock_irqsave(struct spin_lock *lock) NO_LOCK_ANALYSIS
{
	explore_step(lock, true);
	while (lock->owner_cpu)
		explore_wait();
	lock->owner_cpu = 1;
	return (struct irq_state){0};
}

void spin_unlock_irqrestore(struct spin_lock *lock, struct irq_state irq) NO_LOCK_ANALYSIS
{
	(void)irq;
	explore_step(lock, true);
	lock->owner_cpu = 0;
}

void hosted_cpu_relax(void)
{
	explore_wait();
}

void hook_run(const char *name)
{
	(void)name;
}

static bool settle(unsigned cpu)
{
	while (watched && cpu == 1 && atomic_load(&owners.inside))
		explore_wait();
	return settles;
}

static const struct frames_waiting waiting = {settle, explore_wait};

/* Statistics: written by their CPU alone, compared at the end; nothing is decided by them but
 * how full a block should be, unless somebody watches. */
static bool is_statistic(const volatile void *address)
{
	uintptr_t at = (uintptr_t)address;

	for (unsigned cpu = 0; cpu < CPUS && !watched; cpu++) {
		uintptr_t got = (uintptr_t)frames.cpus[cpu].got;
		uintptr_t balance = (uintptr_t)&frames.cpus[cpu].balance;

		if ((at >= got &&
		     at < got + sizeof(frames.cpus[cpu].got) + sizeof(frames.cpus[cpu].put)) ||
		    at == balance)
			return true;
	}
	return false;
}

/* ---- what actors do; CPU and actor have the same number ---- */

static void own(unsigned cpu, uint64_t frame, unsigned order, uint8_t from, uint8_t to)
{
	(void)cpu;
	for (uint64_t i = frame; i < frame + (UINT64_C(1) << order); i++) {
		owners.uses[i / BLOCK_FRAMES] += i % BLOCK_FRAMES == 0 && (from | to) != 1;
		if (owners.of[i] != from)
			explore_fail(from ? "a frame is given back by another than its owner"
					  : "a frame has two owners");
		owners.of[i] = to;
	}
}

/* Into a slot that is free; false: the allocator had none. */
static bool get(unsigned cpu, unsigned order, unsigned slot)
{
	uint64_t frame = frames_get(&frames, cpu, order);

	owners.held[cpu][slot] = (struct held){frame, order};
	if (frame == FRAMES_NONE)
		return false;
	own(cpu, frame, order, 0, (uint8_t)(cpu + 1));
	owners.got[cpu]++;
	return true;
}

static void put_frame(unsigned cpu, uint64_t frame, unsigned order, uint8_t owner)
{
	own(cpu, frame, order, owner, 0);
	if (!frames_put(&frames, cpu, frame, order))
		explore_fail("a frame that is taken cannot be given back");
}

/* What `whose` got into a slot is given back on this CPU. */
static void put(unsigned cpu, unsigned whose, unsigned slot)
{
	struct held *held = &owners.held[whose][slot];

	if (held->frame == FRAMES_NONE)
		return;
	put_frame(cpu, held->frame, (unsigned)held->order, (uint8_t)(whose + 1));
	held->frame = FRAMES_NONE;
}

static void prepare_blocks(void)
{
	memset(&owners, 0, sizeof(owners));
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		for (unsigned slot = 0; slot < HELD; slot++)
			owners.held[cpu][slot].frame = FRAMES_NONE;
	memset(state, 0xa5, sizeof(state));
	frames_init(&frames, state, FRAMES, NULL, FRAMES);
	frames.waiting = &waiting;
	settles = true;
	watched = false;
}

/* Both blocks open and free. */
static void prepare_open(void)
{
	prepare_blocks();
	(void)get(2, 10, 0);
	put(2, 2, 0);
	owners.got[2] = 0;
}

/* CPU 1 has block 0 reserved, and one frame of it; block 1 is taken whole by CPU 2. */
static void prepare_reserved(void)
{
	prepare_open();
	(void)get(1, 0, 0);
	(void)get(2, 9, 0);
	owners.got[1] = owners.got[2] = 0;
}

/* The same with few words: only the first 64 frames of block 0 are not CPU 2's. */
static void prepare_row_reserved(void)
{
	prepare_open();
	(void)get(2, 9, 0);
	(void)get(2, 8, 1);
	(void)get(2, 7, 2);
	(void)get(2, 6, 3);
	frames_drain(&frames);
	(void)get(1, 0, 0);
	owners.got[1] = owners.got[2] = 0;
}

/* The same, but nobody has reserved what is left. */
static void prepare_row_free(void)
{
	prepare_row_reserved();
	put(1, 1, 0);
	frames_drain(&frames);
}

/* All memory is taken: block 0 as a whole by CPU 0, block 1 by CPU 1. */
static void prepare_full(void)
{
	prepare_open();
	(void)get(0, 9, 0);
	(void)get(1, 9, 0);
	owners.got[0] = owners.got[1] = 0;
}

/* Block 0 is nobody's and has two frames taken, one of CPU 0 and one of CPU 1; block 1 is
 * taken.
 */
static void prepare_two_out(void)
{
	prepare_open();
	(void)get(2, 9, 0);
	put(2, 2, 0);
	(void)get(2, 9, 0);
	(void)get(0, 0, 0);
	frames_drain_cpu(&frames, 0);
	(void)get(1, 0, 0);
	frames_drain_cpu(&frames, 1);
	owners.got[0] = owners.got[1] = owners.got[2] = 0;
}

/* Block 1 is taken whole by CPU 1, block 0 is free. */
static void prepare_one_whole(void)
{
	prepare_full();
	put(0, 0, 0);
}

/* Of block 0 one frame is taken, by CPU 1; nobody has it reserved. Block 1 is taken. */
static void prepare_one_out(void)
{
	prepare_two_out();
	put(0, 0, 0);
}

/* Block 0 is free and in the index; block 1 is taken whole by CPU 2. */
static void prepare_last_block(void)
{
	prepare_open();
	(void)get(0, 9, 0);
	(void)get(2, 9, 0);
	put(0, 0, 0);
	frames_drain(&frames);
	owners.got[0] = owners.got[2] = 0;
}

/* CPU 0 keeps block 0, which it has just freed, for its next request; block 1 is free. */
static void prepare_kept(void)
{
	prepare_open();
	(void)get(0, 9, 0);
	put(0, 0, 0);
	owners.got[0] = 0;
}

static void note_wake(struct frames *which)
{
	(void)which;
	owners.woken = 1;
}

static void note_taken_back(struct frames *which, uint64_t block)
{
	(void)which;
	(void)block;
}

static const struct frames_watch watch = {note_wake, note_taken_back};

/* CPU 1 has block 0 and keeps none; block 1 is taken. Somebody is about to watch. */
static void prepare_watch(void)
{
	prepare_open();
	(void)get(1, 9, 0);
	(void)get(2, 9, 0);
	frames_drain(&frames);
	atomic_store(&frames.watch, &watch);
	watched = true;
}

/* CPU 2 has both blocks, CPU 1 had nothing yet. Somebody is about to watch. */
static void prepare_watch_first(void)
{
	prepare_open();
	(void)get(2, 9, 0);
	(void)get(2, 9, 1);
	frames_drain(&frames);
	atomic_store(&frames.watch, &watch);
	watched = true;
}

/* Only the last 64 frames of block 0 and the first 64 of block 1 are free. */
static void prepare_two_rows(void)
{
	uint64_t busy;

	prepare_open();
	if (take_range(&frames, 2, 0, BLOCK_FRAMES - ROW_FRAMES, &busy) != 0 ||
	    take_range(&frames, 2, BLOCK_FRAMES + ROW_FRAMES, BLOCK_FRAMES - ROW_FRAMES,
		       &busy) != 0)
		explore_fail("free frames are not to be had");
	for (uint64_t frame = 0; frame < FRAMES; frame++)
		if (frame < BLOCK_FRAMES - ROW_FRAMES || frame >= BLOCK_FRAMES + ROW_FRAMES)
			own(2, frame, 0, 0, 3);
	frames_drain(&frames);
}

/* Everything given back: every frame is there, and in one piece. */
static const char *finish(void)
{
	const char *wrong = frames_check(&frames);
	uint64_t held = 0;

	for (unsigned i = 0; i < FRAMES; i++)
		held += owners.of[i] != 0;
	if (wrong)
		return wrong;
	if (frames_free(&frames) != FRAMES - held)
		return "the count of free frames is wrong";
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		for (unsigned slot = 0; slot < HELD; slot++)
			put(0, cpu, slot);
	for (unsigned i = 0; i < FRAMES; i++)
		if (owners.of[i])
			put_frame(0, i, 0, owners.of[i]);
	wrong = frames_check(&frames);
	if (wrong)
		return wrong;
	if (frames_get(&frames, 2, 10) != 0)
		return "a frame is lost: not all memory is free in one piece";
	return frames_put(&frames, 2, 0, 10) ? frames_check(&frames) : "the piece stays taken";
}

/* The same, and so many requests of the actors must have been fulfilled: as many as there was
 * memory for at every moment, wherever it was. */
static const char *finish_with(uint64_t least)
{
	if (owners.got[0] + owners.got[1] + owners.got[2] < least)
		return "a request failed although there was memory";
	return finish();
}

static const char *finish_1(void)
{
	return finish_with(1);
}

static const char *finish_2(void)
{
	return finish_with(2);
}

/* Who watches sleeps, and a free block is there that nobody else will tell of. */
static const char *finish_watch(void)
{
	bool unseen = frames_index_word(&frames, CLASS_FREE, 0) & ~frames.seen[0];

	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		uint64_t kept = frames.cpus[cpu].kept;

		/* A CPU that has not begun says so when it does. */
		if (frames.cpus[cpu].live)
			unseen = unseen || frames.cpus[cpu].first || kept == 0 ||
				 frames.blocks[kept - 1] & BLOCK_KEPT;
	}
	if (owners.asleep && !owners.woken && unseen)
		return "nobody was told that a block is, or may become, free";
	return finish();
}

/* Actors: what is done, and by which CPU. */
#define GET(order, cpu)                          \
	static void get_##order##_by_##cpu(void) \
	{                                        \
		(void)get(cpu, order, 1);        \
	}
GET(0, 0)
GET(0, 1)
GET(0, 2)
GET(6, 0)
GET(8, 0)
GET(8, 1)
GET(9, 0)
GET(9, 1)
GET(9, 2)
GET(10, 0)
GET(10, 2)

/* What `whose` held before is given back. */
#define PUT(whose, cpu)                             \
	static void put_of_##whose##_by_##cpu(void) \
	{                                           \
		put(cpu, whose, 0);                 \
	}
PUT(0, 0)
PUT(1, 1)
PUT(2, 2)
PUT(1, 0)

/* Got and given back. */
#define PAIR(order, cpu)                          \
	static void pair_##order##_by_##cpu(void) \
	{                                         \
		if (get(cpu, order, 1))           \
			put(cpu, cpu, 1);         \
	}
PAIR(0, 1)
PAIR(9, 0)

/* Used for a while; then nobody keeps anything back. */
static void use_by_1(unsigned order)
{
	if (!get(1, order, 1))
		return;
	(void)atomic_load(&owners.looks);
	put(1, 1, 1);
	frames_drain_cpu(&frames, 1);
}

static void use_9_by_1(void)
{
	use_by_1(9);
}

static void use_0_by_1(void)
{
	use_by_1(0);
}

static void drain_by_2(void)
{
	frames_drain(&frames);
}

/* Block 1 is taken: the first half goes back. */
static void vain_10_by_2(void)
{
	if (frames_take_whole(&frames, &frames.cpus[2], 0, 10))
		explore_fail("a block that is taken was taken again");
}

/* The first frame of block 1 is taken: all of block 0 goes back. */
static void vain_range_by_2(void)
{
	uint64_t busy;

	if (take_range(&frames, 2, 0, BLOCK_FRAMES + 1, &busy) == 0)
		explore_fail("a frame that is taken was taken again");
}

/* The last of block 0 and the first of block 1, on another CPU from the second block on. */
static void range_by_0_of(uint64_t first)
{
	struct frames_range range = frames_range_of(first, BLOCK_FRAMES + 1 - first);
	int error;

	do
		error = frames_take_range(&frames, range.taken ? 2 : 0, &range);
	while (error == -EAGAIN);
	if (error)
		return;
	for (uint64_t frame = first; frame <= BLOCK_FRAMES; frame++)
		own(0, frame, 0, 0, 1);
	owners.got[0]++;
}

static void range_by_0(void)
{
	range_by_0_of(0);
}

static void range_of_2_by_0(void)
{
	range_by_0_of(BLOCK_FRAMES - 1);
}

/* The last free frame, which nobody else wants. */
static void range_of_one_by_0(void)
{
	uint64_t frame = FRAMES, busy;

	while (frame-- > 0 && owners.of[frame])
		;
	if (take_range(&frames, 0, frame, 1, &busy) != 0)
		return;
	own(0, frame, 0, 0, 1);
	owners.got[0]++;
}

static void get_many_by_0(void)
{
	uint64_t list[2];
	unsigned count = frames_get_many(&frames, 0, list, 2);

	for (unsigned i = 0; i < count; i++) {
		own(0, list[i], 0, 0, 1);
		owners.held[0][i + 1] = (struct held){list[i], 0};
		owners.got[0]++;
	}
}

/* A free block is taken for the host and comes back as one that it knows. */
static void report_by_0(void)
{
	uint64_t word = frames_report_next(&frames, 0);
	uint64_t uses[BLOCKS], bits, fresh;

	if (word == FRAMES_NONE)
		return;
	bits = frames_report_see(&frames, word, &fresh) | fresh;
	for (unsigned block = 0; block < BLOCKS; block++)
		explore_saw(uses[block] = owners.uses[block]);
	atomic_store(&owners.looks, 1);
	bits = frames_report_take(&frames, 0, word, bits);
	for (unsigned block = 0; block < BLOCKS; block++)
		if (bits >> block & 1) {
			own(0, block * BLOCK_FRAMES, 9, 0, 1);
			if (uses[block] != owners.uses[block])
				explore_fail("a block for the host was used since the look");
		}
	for (unsigned block = 0; block < BLOCKS; block++)
		if (bits >> block & 1)
			own(0, block * BLOCK_FRAMES, 9, 1, 0);
	if (bits)
		frames_report_give(&frames, 0, word, bits, true);
}

static void watch_by_0(void)
{
	struct frames_activity of[CPUS] = {{0}};
	uint64_t fresh = 0;
	bool armed;

	frames_activity_note(&frames, of);
	armed = frames_idle_return(&frames, of, true) && frames_watch_arm(&frames, of);
	if (armed && frames_report_next(&frames, 0) != FRAMES_NONE)
		(void)frames_report_see(&frames, 0, &fresh);
	owners.asleep = armed && !fresh;
	if (!owners.asleep)
		frames_watch_disarm(&frames);
}

static void put_inside_by_1(void)
{
	atomic_store(&owners.inside, 1);
	put(1, 1, 0);
	atomic_store(&owners.inside, 0);
}

static void put_of_2_inside_by_1(void)
{
	atomic_store(&owners.inside, 1);
	put(1, 2, 0);
	atomic_store(&owners.inside, 0);
}

static void use_inside_by_1(unsigned order)
{
	put_inside_by_1();
	atomic_store(&owners.inside, 1);
	if (get(1, order, 0))
		put(1, 1, 0);
	atomic_store(&owners.inside, 0);
}

static void use_9_inside_by_1(void)
{
	use_inside_by_1(9);
}

static void use_0_inside_by_1(void)
{
	use_inside_by_1(0);
}

static void release_by_1(void)
{
	(void)frames_cpu_revoke(&frames, 1, 1);
}

static void revoke_by_2(void)
{
	(void)frames_cpu_revoke(&frames, 2, 1);
}

/* The converted block goes back in two parts. */
static void split_by_0(void)
{
	struct held *held = &owners.held[0][0];

	frames_split(&frames, held->frame, 9);
	put_frame(0, held->frame, 8, 1);
	put_frame(0, held->frame + 256, 8, 1);
	held->frame = FRAMES_NONE;
}

#define SCENARIO(id, first, last, ...)                                                      \
	{                                                                                   \
		.name = #id, .prepare = (first), .finish = (last), .actors = {__VA_ARGS__}, \
		.memory = memory, .memory_count = sizeof(memory) / sizeof(memory[0]),       \
	}

static const struct explore_scenario scenarios[] = {
	SCENARIO(two_reserve_at_once, prepare_open, finish_2, get_0_by_0, get_0_by_1),
	SCENARIO(two_open_the_first_block, prepare_blocks, finish_2, get_9_by_0, get_9_by_1),
	SCENARIO(two_take_a_whole_block, prepare_open, finish_2, get_9_by_0, get_9_by_1),
	SCENARIO(order_10_undoes_order_9, prepare_open, finish_1, get_10_by_0, get_9_by_1),
	SCENARIO(order_10_against_one_frame, prepare_open, finish_1, get_10_by_0, get_0_by_1),
	SCENARIO(order_10_while_the_last_half_comes, prepare_one_whole, finish, get_10_by_2,
		 put_of_1_by_1),
	SCENARIO(reserved_block_is_wanted_whole, prepare_reserved, finish, put_of_1_by_1,
		 get_9_by_0),
	SCENARIO(revoked_while_its_cpu_gets_and_puts, prepare_reserved, finish_2, pair_0_by_1,
		 get_0_by_0),
	SCENARIO(given_back_by_another_than_its_cpu, prepare_reserved, finish_1, put_of_1_by_0,
		 get_0_by_1),
	SCENARIO(row_is_taken_whole_against_one_frame, prepare_reserved, finish_2, get_6_by_0,
		 get_0_by_1),
	SCENARIO(order_8_by_two, prepare_reserved, finish_1, get_8_by_0, get_8_by_1),
	SCENARIO(last_two_frames_free_a_block, prepare_two_out, finish, put_of_0_by_0,
		 put_of_1_by_1),
	SCENARIO(last_frame_comes_while_order_9_looks, prepare_one_out, finish, put_of_1_by_1,
		 get_9_by_0),
	SCENARIO(drained_while_its_cpu_gets, prepare_reserved, finish_1, drain_by_2,
		 get_0_by_1),
	SCENARIO(drained_while_its_cpu_puts, prepare_reserved, finish, drain_by_2,
		 put_of_1_by_1),
	SCENARIO(kept_block_against_order_10, prepare_kept, finish_1, get_9_by_0, get_10_by_2),
	SCENARIO(kept_block_against_order_9, prepare_kept, finish_2, pair_9_by_0, get_9_by_1),
	SCENARIO(converted_block_comes_back_in_parts, prepare_full, finish, split_by_0,
		 get_0_by_2),
	SCENARIO(converted_block_against_order_9, prepare_full, finish, split_by_0, get_9_by_1),
	SCENARIO(three_want_the_last_block, prepare_last_block, finish_1, get_9_by_0,
		 get_9_by_1, put_of_2_by_2),
	SCENARIO(three_make_one_of_two_blocks, prepare_full, finish, put_of_0_by_0,
		 put_of_1_by_1, get_10_by_2),
	SCENARIO(last_frame_comes_while_order_0_looks, prepare_one_out, finish_1, put_of_1_by_1,
		 get_0_by_0),
	SCENARIO(order_10_in_vain_against_order_9, prepare_one_whole, finish_1, get_9_by_0,
		 vain_10_by_2),
	SCENARIO(range_in_vain_against_order_9, prepare_last_block, finish_1, get_9_by_0,
		 vain_range_by_2),
	SCENARIO(range_of_two_blocks_against_order_9, prepare_open, finish_1, range_by_0,
		 get_9_by_1),
	SCENARIO(range_of_two_blocks_against_one_frame, prepare_two_rows, finish_1,
		 range_of_2_by_0, get_0_by_1),
	SCENARIO(range_beyond_the_frontier_against_order_9, prepare_blocks, finish_1,
		 range_of_2_by_0, get_9_by_1),
	SCENARIO(range_of_what_its_cpu_gives_back, prepare_row_reserved, finish_1,
		 range_of_one_by_0, release_by_1),
	SCENARIO(range_of_what_is_taken_from_its_cpu, prepare_row_reserved, finish_1,
		 range_of_one_by_0, revoke_by_2),
	SCENARIO(range_in_a_block_that_a_cpu_reserves, prepare_row_free, finish_2,
		 range_of_one_by_0, get_0_by_1),
	SCENARIO(many_at_once_against_one_frame, prepare_one_out, finish_2, get_many_by_0,
		 get_0_by_1),
	SCENARIO(report_against_order_9, prepare_last_block, finish, report_by_0, get_9_by_1),
	SCENARIO(report_against_order_9_and_back, prepare_last_block, finish, report_by_0,
		 use_9_by_1),
	SCENARIO(report_against_one_frame_and_back, prepare_last_block, finish, report_by_0,
		 use_0_by_1),
	SCENARIO(report_while_the_last_frame_comes, prepare_one_out, finish, report_by_0,
		 put_of_1_by_1),
	SCENARIO(report_of_two_against_order_10, prepare_open, finish, report_by_0,
		 get_10_by_2),
	SCENARIO(three_report_get_and_put, prepare_last_block, finish, report_by_0, get_9_by_1,
		 put_of_2_by_2),
	SCENARIO(watch_against_a_put, prepare_watch, finish_watch, watch_by_0, put_inside_by_1),
	SCENARIO(watch_against_order_9_and_back, prepare_watch, finish_watch, watch_by_0,
		 use_9_inside_by_1),
	SCENARIO(watch_against_one_frame_and_back, prepare_watch, finish_watch, watch_by_0,
		 use_0_inside_by_1),
	SCENARIO(watch_against_the_first_put_of_a_cpu, prepare_watch_first, finish_watch,
		 watch_by_0, put_of_2_inside_by_1),
	SCENARIO(revoked_while_another_cpu_gets, prepare_row_reserved, finish_1, get_0_by_0,
		 revoke_by_2),
	SCENARIO(three_on_a_reservation, prepare_row_reserved, finish_1, get_0_by_0,
		 release_by_1, revoke_by_2),
	SCENARIO(three_puts_and_a_search, prepare_two_out, finish, put_of_0_by_0, put_of_1_by_1,
		 get_9_by_2),
};

/* ---- what a repeated pair writes ---- */

#define PAIRS 1400

static const char pairs[] = "pairs_write_only_lines_of_their_cpu";
static unsigned writer;
static unsigned writes;
static const volatile void *strange_write; /* outside of the writer's lines */

static void note_write(const volatile void *address)
{
	const struct frames_cpu *own = &frames.cpus[writer];

	writes++;
	if ((uintptr_t)address < (uintptr_t)own || (uintptr_t)address >= (uintptr_t)(own + 1))
		strange_write = address;
}

/* Two CPUs with a block each, by turns, and all orders that lie in a row: every address that is
 * written by a get or a put is in lines of the CPU's own. */
static const char *pairs_write_own_lines(void)
{
	prepare_open();
	for (writer = 0; writer < 2; writer++)
		(void)get(writer, 0, 0);
	strange_write = NULL;
	writes = 0;
	explore_writes = note_write;
	for (unsigned pair = 0; pair < PAIRS; pair++) {
		writer = pair % 2;
		if (!get(writer, pair / 2 % (ROW_ORDER + 1), 1))
			return "a block that is there was not got";
		put(writer, writer, 1);
	}
	explore_writes = NULL;
	if ((uintptr_t)frames.cpus % CACHE_LINE || sizeof(frames.cpus[0]) % CACHE_LINE)
		return "two CPUs share a line";
	return strange_write ? "a pair writes where others look" : NULL;
}

static unsigned report_pairs(unsigned number)
{
	const char *problem = pairs_write_own_lines();

	printf("# running explore.%s\n", pairs);
	if (problem)
		printf("not ok %u explore.%s # %s\n", number, pairs, problem);
	else
		printf("ok %u explore.%s # %u checks\n", number, pairs, writes);
	return problem != NULL;
}

int main(int argc, char **argv)
{
	const unsigned count = sizeof(scenarios) / sizeof(scenarios[0]);
	static struct explore_result result;
	unsigned failed = 0;

	explore_ignores = is_statistic;
	printf("KTAP version 1\n1..%u\n", count + 1);
	for (unsigned i = 0; i < count; i++) {
		if (argc > 1 && strcmp(argv[1], scenarios[i].name) != 0)
			continue;
		printf("# running explore.%s\n", scenarios[i].name);
		fflush(stdout);
		explore(&scenarios[i], &result);
		printf("# %llu states, %llu ends, %.3g interleavings of up to %u steps on %u "
		       "words\n",
		       (unsigned long long)result.states, (unsigned long long)result.ends,
		       result.interleavings, result.longest, result.words);
		if (result.problem)
			printf("# order of the actors: %s\nnot ok %u explore.%s # %s\n",
			       result.order, i + 1, scenarios[i].name, result.problem);
		else
			printf("ok %u explore.%s # %llu checks\n", i + 1, scenarios[i].name,
			       (unsigned long long)result.ends);
		failed += result.problem != NULL;
	}
	if (argc == 1 || strcmp(argv[1], pairs) == 0)
		failed += report_pairs(count + 1);
	printf("# quire: %s, %u of %u failed\n", failed ? "FAIL" : "PASS", failed, count + 1);
	return failed ? 1 : 0;
}

// SPDX-License-Identifier: MIT
/*
 * What CPUs hold back for themselves: it is never lost to others, never free twice, and using
 * it writes nothing that others read.
 */
#include <tests/mm/frames_fixture.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/frames_internal.h>

#define BLOCKS 8
#define FRAMES (BLOCKS * BLOCK_FRAMES)

static void put_all(struct frames_fixture *f, unsigned cpu)
{
	for (uint64_t frame = 0; frame < f->frames->usable; frame++)
		CHECK(frames_put(f->frames, cpu, frame, 0));
}

TEST(frames_cpu, frames_that_other_cpus_hold_back_are_found)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t count = 0;

	/* Seven CPUs reserve seven blocks and take nothing but a frame each. */
	for (unsigned cpu = 1; cpu < 8; cpu++)
		REQUIRE(frames_get(f.frames, cpu, 0) != FRAMES_NONE);
	while (frames_get(f.frames, 0, 0) != FRAMES_NONE)
		count++;
	CHECK_EQ(count, FRAMES - 7);
	CHECK_EQ(frames_free(f.frames), 0);
	frames_expect_sound(&f);
	put_all(&f, 3);
	frames_fixture_end(&f);
}

TEST(frames_cpu, whole_blocks_that_other_cpus_hold_back_are_found)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame[BLOCKS];

	for (unsigned cpu = 0; cpu < BLOCKS; cpu++)
		frame[cpu] = frames_get(f.frames, cpu, cpu % 2 ? 9 : 0);
	for (unsigned cpu = 0; cpu < BLOCKS; cpu++)
		CHECK(frames_put(f.frames, cpu, frame[cpu], cpu % 2 ? 9 : 0));
	frames_expect_sound(&f);
	for (unsigned i = 0; i < BLOCKS / 2; i++)
		CHECK(frames_get(f.frames, BLOCKS, 10) != FRAMES_NONE);
	CHECK_EQ(frames_get(f.frames, BLOCKS, 0), FRAMES_NONE);
	for (unsigned i = 0; i < BLOCKS; i += 2)
		CHECK(frames_put(f.frames, 0, i * BLOCK_FRAMES, 10));
	frames_fixture_end(&f);
}

/* A CPU's block is reserved, one frame taken; the others are free in its words alone. */
TEST(frames_cpu, double_free_of_what_another_cpu_holds_back_is_refused)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 5, 0);

	REQUIRE(frame == 0);
	CHECK(!frames_put(f.frames, 0, 1, 0));
	CHECK(!frames_put(f.frames, 5, 1, 0));
	CHECK_EQ(frames_get(f.frames, 5, 0), 1);
	CHECK(!frames_put(f.frames, 2, 2, 1));
	CHECK(!frames_put(f.frames, 2, 64, 6));
	CHECK(!frames_put(f.frames, 2, 0, 7));
	CHECK(frames_put(f.frames, 0, 1, 0));
	frames_expect_sound(&f);
	/* Now 1 is free in the shared words of a block that is CPU 5's again. */
	CHECK_EQ(frames_get(f.frames, 5, 3), 8);
	CHECK(frames_put(f.frames, 0, 0, 0));
	CHECK(!frames_put(f.frames, 5, 0, 0));
	CHECK(frames_put(f.frames, 5, 8, 3));
	CHECK(!frames_put(f.frames, 5, 8, 3));
	frames_fixture_end(&f);
}

TEST(frames_cpu, what_others_give_back_to_a_reserved_block_is_used_again)
{
	struct frames_fixture f = frames_fixture_start(BLOCK_FRAMES, NULL, BLOCK_FRAMES);

	for (unsigned i = 0; i < BLOCK_FRAMES; i++)
		REQUIRE(frames_get(f.frames, 0, 0) == i);
	for (unsigned i = 0; i < BLOCK_FRAMES; i += 2)
		CHECK(frames_put(f.frames, 1, i, 0));
	for (unsigned i = 0; i < BLOCK_FRAMES; i += 2)
		CHECK(frames_get(f.frames, 0, 0) != FRAMES_NONE);
	CHECK_EQ(frames_get(f.frames, 0, 0), FRAMES_NONE);
	frames_expect_sound(&f);
	put_all(&f, 0);
	frames_fixture_end(&f);
}

TEST(frames_cpu, drain_puts_every_free_block_into_the_index)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t whole = frames_get(f.frames, 0, 9);
	uint64_t small = frames_get(f.frames, 1, 0);

	CHECK(frames_put(f.frames, 0, whole, 9));
	CHECK(frames_put(f.frames, 1, small, 0));
	CHECK_EQ(frames_index_word(f.frames, CLASS_FREE, 0), 0);
	frames_drain(f.frames);
	CHECK_EQ(frames_index_word(f.frames, CLASS_FREE, 0), 3);
	CHECK_EQ(frames_cpu_block(&f.frames->cpus[1]), BLOCK_UNKNOWN);
	frames_fixture_end(&f);
}

static uint64_t sum_bytes(const void *start, const void *end)
{
	uint64_t sum = 0;

	for (const uint8_t *at = start; at < (const uint8_t *)end; at++)
		sum = sum * 31 + *at;
	return sum;
}

/* All that the frames know but for one CPU's own lines. */
static uint64_t sum_shared(const struct frames_fixture *f, unsigned cpu)
{
	const struct frames *frames = f->frames;
	const char *state = f->state;

	return sum_bytes(frames, &frames->cpus[cpu]) +
	       sum_bytes(&frames->cpus[cpu + 1], frames + 1) +
	       sum_bytes(state, state + frames_state_size(FRAMES));
}

TEST(frames_cpu, a_repeated_pair_writes_only_lines_of_its_cpu)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 2, 0);
	uint64_t before;

	CHECK(is_aligned((uintptr_t)&f.frames->cpus[2], CACHE_LINE));
	CHECK(sizeof(struct frames_cpu) % CACHE_LINE == 0);
	before = sum_shared(&f, 2);
	for (unsigned order = 0; order < 4; order++) {
		for (unsigned i = 0; i < 100; i++) {
			uint64_t other = frames_get(f.frames, 2, order);

			REQUIRE(other != FRAMES_NONE && other != frame);
			REQUIRE(sum_shared(&f, 2) == before);
			REQUIRE(frames_put(f.frames, 2, other, order));
			REQUIRE(sum_shared(&f, 2) == before);
		}
	}
	CHECK(frames_put(f.frames, 2, frame, 0));
	frames_fixture_end(&f);
}

#ifdef QUIRE_TEST_HOOKS
/* The only free frame is taken by CPU 1 as each search of CPU 0 begins, and put by CPU 2 as it
 * ends. */
struct overtaker {
	struct hook begins;
	struct hook ends;
	struct frames *frames;
	unsigned times; /* to come */
	unsigned searches;
	bool taken;
};

static void take_before(struct hook *hook)
{
	struct overtaker *overtaker = hook->arg;

	overtaker->searches++;
	if (!overtaker->taken && overtaker->times)
		overtaker->taken = frames_get(overtaker->frames, 1, 0) == 0;
}

static void put_behind(struct hook *hook)
{
	struct overtaker *overtaker = hook->arg;

	if (overtaker->taken)
		overtaker->taken = !frames_put(overtaker->frames, 2, 0, 0);
	if (overtaker->times)
		overtaker->times--;
}

/* What CPU 0 gets when it is overtaken so often. */
static uint64_t get_overtaken(struct frames *frames, unsigned times)
{
	struct overtaker overtaker = {
		.begins = {.name = "frames_search_begins", .function = take_before},
		.ends = {.name = "frames_search_ends", .function = put_behind},
		.frames = frames,
		.times = times,
		.taken = true,
	};
	uint64_t frame;

	overtaker.begins.arg = overtaker.ends.arg = &overtaker;
	overtaker.begins.only = overtaker.ends.only = thread_current();
	hook_attach(&overtaker.begins);
	hook_attach(&overtaker.ends);
	frame = frames_get(frames, 0, 0);
	hook_detach(&overtaker.ends);
	hook_detach(&overtaker.begins);
	CHECK_EQ(overtaker.searches, FRAMES_SEARCHES);
	return frame;
}

TEST(frames_cpu, a_request_fails_when_it_is_overtaken_8_times_and_not_before)
{
	struct frames_fixture f = frames_fixture_start(BLOCK_FRAMES, NULL, BLOCK_FRAMES);

	REQUIRE(frames_get(f.frames, 2, BLOCK_ORDER) == 0);
	frames_split(f.frames, 0, BLOCK_ORDER);
	CHECK_EQ(get_overtaken(f.frames, FRAMES_SEARCHES - 1), 0);
	CHECK_EQ(get_overtaken(f.frames, FRAMES_SEARCHES), FRAMES_NONE);
	for (uint64_t frame = 1; frame < BLOCK_FRAMES; frame++)
		CHECK(frames_put(f.frames, 2, frame, 0));
	frames_fixture_end(&f);
}

static bool settles_not(unsigned cpu)
{
	return cpu != 1;
}

static void relax_not(void)
{
}

static const struct frames_waiting standing_still = {settles_not, relax_not};
static unsigned moves_left;

/* CPU 1 gives its block back and reserves the other one. */
static void reserve_other(struct hook *hook)
{
	struct frames *frames = hook->arg;
	uint64_t block = 1 - frames_cpu_block(&frames->cpus[1]);

	if (moves_left == 0)
		return;
	moves_left--;
	frames_cpu_release(frames, 1);
	CHECK(frames_cpu_reserve(frames, 1, block, 0));
}

/* The row is looked at while its CPU has another block, in which the frame is free; the CPU is
 * back before its block is looked at, and stands still. */
TEST(frames_cpu, frame_is_not_free_because_its_owner_has_one_like_it_in_another_block)
{
	struct frames_fixture f =
		frames_fixture_start(2 * BLOCK_FRAMES, NULL, 2 * BLOCK_FRAMES);
	struct hook hooks[] = {
		{.name = "frames_owner_known", .function = reserve_other, .arg = f.frames},
		{.name = "frames_owner_seen", .function = reserve_other, .arg = f.frames},
	};

	REQUIRE(frames_get(f.frames, 1, 0) == 0);
	REQUIRE(frames_get(f.frames, 2, 0) == BLOCK_FRAMES);
	CHECK(frames_put(f.frames, 2, BLOCK_FRAMES, 0));
	frames_drain_cpu(f.frames, 2);
	f.frames->waiting = &standing_still;
	moves_left = 2;
	for (unsigned i = 0; i < ARRAY_SIZE(hooks); i++) {
		hooks[i].only = thread_current();
		hook_attach(&hooks[i]);
	}
	CHECK(frames_put(f.frames, 0, 0, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(hooks); i++)
		hook_detach(&hooks[i]);
	f.frames->waiting = NULL;
	CHECK_EQ(moves_left, 0);
	CHECK_EQ(frames_cpu_block(&f.frames->cpus[1]), 0);
	frames_expect_sound(&f);
	frames_fixture_end(&f);
}
#endif

TEST(frames_cpu, state_is_a_quarter_byte_per_frame_of_a_gibibyte)
{
	uint64_t frames = UINT64_C(1) << 18;

	CHECK(frames_state_size(frames) + sizeof(struct frames) <= frames / 4);
}

TEST(frames_cpu, counters_are_by_order)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);

	for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++) {
		uint64_t frame = frames_get(f.frames, order, order);

		CHECK(frames_put(f.frames, 20, frame, order));
		CHECK_EQ(f.frames->cpus[order].got[order], 1);
		CHECK_EQ(f.frames->cpus[20].put[order], 1);
		CHECK_EQ(frames_cpu_got(f.frames, order), 1u << order);
	}
	CHECK_EQ(frames_cpu_put(f.frames, 20), 2047);
	frames_fixture_end(&f);
}

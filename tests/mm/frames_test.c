// SPDX-License-Identifier: MIT
/*
 * The frame allocator alone: every order, exhaustion, exact rollback, double frees, frontier.
 */
#include <tests/mm/frames_fixture.h>
#include <mm/frames_internal.h>

#define BLOCKS 8
#define FRAMES (BLOCKS * BLOCK_FRAMES)

TEST(frames, every_order_takes_everything_once_and_gives_it_back)
{
	for (unsigned order = 0; order <= FRAMES_ORDER_MAX; order++) {
		struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
		uint64_t blocks = FRAMES >> order;
		uint64_t seen[FRAMES / 64] = {0};

		for (uint64_t i = 0; i < blocks; i++) {
			uint64_t frame = frames_get(f.frames, 0, order);

			REQUIRE(frame != FRAMES_NONE && frame + (1u << order) <= FRAMES);
			REQUIRE(is_aligned(frame, UINT64_C(1) << order));
			REQUIRE(!(seen[frame / 64] >> frame % 64 & 1));
			seen[frame / 64] |= BIT64(frame % 64);
		}
		CHECK_EQ(frames_free(f.frames), 0);
		CHECK_EQ(frames_get(f.frames, 1, order), FRAMES_NONE);
		CHECK_EQ(frames_get(f.frames, 1, 0), FRAMES_NONE);
		frames_expect_sound(&f);
		for (uint64_t frame = 0; frame < FRAMES; frame += UINT64_C(1) << order)
			CHECK(frames_put(f.frames, 0, frame, order));
		CHECK_EQ(frames_available(f.frames, FRAMES_ORDER_MAX),
			 FRAMES >> FRAMES_ORDER_MAX);
		frames_fixture_end(&f);
	}
}

/* What the public C version of LLFree gets wrong: a failed order-10 request undoes the wrong
 * block, and the frame at 512 is handed out a second time. */
TEST(frames, failed_order_10_rolls_back_exactly)
{
	struct frames_fixture f = frames_fixture_start(1024, NULL, 1024);
	uint64_t a = frames_get(f.frames, 0, 9);
	uint64_t b = frames_get(f.frames, 0, 9);

	REQUIRE(a == 0 && b == 512);
	CHECK(frames_put(f.frames, 0, a, 9));
	/* The first half is free, the second is not: by search and by name. */
	CHECK_EQ(frames_get(f.frames, 0, 10), FRAMES_NONE);
	CHECK(!frames_take_whole(f.frames, &f.frames->cpus[0], 0, 10));
	frames_expect_sound(&f);
	CHECK_EQ(frames_free(f.frames), 512);
	a = frames_get(f.frames, 0, 9);
	CHECK_EQ(a, 0);
	CHECK_EQ(frames_get(f.frames, 0, 9), FRAMES_NONE);
	CHECK(frames_put(f.frames, 0, b, 9));
	CHECK_EQ(frames_get(f.frames, 0, 10), FRAMES_NONE);
	CHECK(!frames_take_whole(f.frames, &f.frames->cpus[0], 0, 10));
	frames_expect_sound(&f);
	CHECK(frames_put(f.frames, 0, a, 9));
	CHECK_EQ(frames_get(f.frames, 0, 10), 0);
	CHECK(frames_put(f.frames, 0, 0, 10));
	frames_fixture_end(&f);
}

TEST(frames, failed_order_8_rolls_back_exactly)
{
	struct frames_fixture f = frames_fixture_start(512, NULL, 512);
	uint64_t frames[8];

	/* A frame in the last row of each half: orders 8 and 7 find their first rows free. */
	for (unsigned i = 0; i < 8; i++) {
		frames[i] = frames_get(f.frames, 0, 6);
		REQUIRE(frames[i] == i * 64);
	}
	for (unsigned i = 0; i < 8; i++)
		if (i != 1 && i != 3 && i != 5 && i != 7)
			CHECK(frames_put(f.frames, 0, frames[i], 6));
	CHECK_EQ(frames_get(f.frames, 0, 8), FRAMES_NONE);
	CHECK_EQ(frames_get(f.frames, 0, 7), FRAMES_NONE);
	frames_expect_sound(&f);
	CHECK_EQ(frames_free(f.frames), 256);
	CHECK(frames_put(f.frames, 0, frames[5], 6));
	CHECK_EQ(frames_get(f.frames, 0, 7), 256);
	CHECK(frames_put(f.frames, 0, 256, 7));
	for (unsigned i = 1; i < 8; i += 2)
		if (i != 5)
			CHECK(frames_put(f.frames, 0, frames[i], 6));
	frames_fixture_end(&f);
}

TEST(frames, double_and_wrong_frees_are_refused_and_change_nothing)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t small = frames_get(f.frames, 0, 2);
	uint64_t middle = frames_get(f.frames, 0, 7);
	uint64_t huge = frames_get(f.frames, 0, 9);
	uint64_t free = frames_free(f.frames);

	CHECK(!frames_put(f.frames, 0, small, 3));
	CHECK(!frames_put(f.frames, 0, small + 1, 1));
	CHECK(!frames_put(f.frames, 0, middle, 8));
	CHECK(!frames_put(f.frames, 0, huge, 0));
	CHECK(!frames_put(f.frames, 0, huge, 8));
	CHECK(!frames_put(f.frames, 0, align_down(huge, 1024), 10));
	CHECK(!frames_put(f.frames, 0, small, 9));
	CHECK(!frames_put(f.frames, 0, FRAMES + 512, 0));
	CHECK(!frames_put(f.frames, 0, UINT64_MAX - 511, 9));
	CHECK_EQ(frames_free(f.frames), free);
	CHECK(frames_put(f.frames, 0, small, 2));
	CHECK(!frames_put(f.frames, 0, small, 2));
	CHECK(frames_put(f.frames, 0, middle, 7));
	CHECK(!frames_put(f.frames, 0, middle, 7));
	CHECK(frames_put(f.frames, 0, huge, 9));
	CHECK(!frames_put(f.frames, 0, huge, 9));
	frames_fixture_end(&f);
}

TEST(frames, split_makes_parts_puttable_and_they_merge_again)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 0, 10);

	REQUIRE(frame != FRAMES_NONE);
	frames_split(f.frames, frame, 10);
	frames_expect_sound(&f);
	for (uint64_t i = 0; i < 1024; i += 4)
		CHECK(frames_put(f.frames, 0, frame + i, 2));
	CHECK_EQ(frames_available(f.frames, 10), 1);
	frames_fixture_end(&f);
}

static uint64_t opened;

static void note_open(struct frames *frames, uint64_t block)
{
	(void)frames;
	CHECK_EQ(block, opened);
	opened++;
}

/* State is zeroed as the frontier moves, and it moves only when nothing below fits. */
TEST(frames, frontier_moves_one_block_at_a_time)
{
	struct frames_fixture f;
	uint64_t first;
	uint64_t small;

	opened = 0;
	f = frames_fixture_start(FRAMES, note_open, FRAMES);
	CHECK_EQ(opened, 0);
	CHECK_EQ(frames_free(f.frames), FRAMES);
	CHECK_EQ(frames_available(f.frames, 9), 0);
	CHECK(!frames_is_open(f.frames, 0));
	small = frames_get(f.frames, 0, 0);
	CHECK_EQ(opened, 1);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t frame = frames_get(f.frames, 0, 0);

		CHECK(frames_put(f.frames, 0, frame, 0));
	}
	CHECK_EQ(opened, 1);
	first = frames_get(f.frames, 0, 9);
	CHECK_EQ(opened, 2);
	CHECK(frames_put(f.frames, 0, first, 9));
	CHECK_EQ(frames_get(f.frames, 0, 9), first);
	CHECK_EQ(opened, 2);
	CHECK_EQ(((uint8_t *)f.frames->rows)[2 * 64], 0xa5);
	CHECK_EQ(((uint8_t *)f.frames->blocks)[2 * 4], 0xa5);
	CHECK(frames_put(f.frames, 0, first, 9));
	CHECK(frames_put(f.frames, 0, small, 0));
	frames_fixture_end(&f);
}

/* A hole of frames 100 to 599 and an odd end. */
static void open_with_hole(struct frames *frames, uint64_t block)
{
	if (block == 0)
		frames_exclude(frames, 0, 100, 412);
	if (block == 1)
		frames_exclude(frames, 1, 0, 88);
	if (block == BLOCKS - 1)
		frames_exclude(frames, block, 500, 12);
}

TEST(frames, holes_are_never_handed_out)
{
	struct frames_fixture f =
		frames_fixture_start(FRAMES, open_with_hole, FRAMES - 500 - 12);
	uint64_t count = 0;
	uint64_t frame;

	while ((frame = frames_get(f.frames, 0, 0)) != FRAMES_NONE) {
		CHECK(frame < 100 || frame >= 600);
		CHECK(frame < FRAMES - 12);
		count++;
	}
	CHECK_EQ(count, FRAMES - 512);
	CHECK_EQ(frames_free(f.frames), 0);
	frames_expect_sound(&f);
	for (frame = 0; frame < FRAMES - 12; frame++)
		if (frame < 100 || frame >= 600)
			CHECK(frames_put(f.frames, 3, frame, 0));
	/* Blocks 0, 1 and the last have holes; the pairs 1 and 2 are whole. */
	CHECK_EQ(frames_available(f.frames, 9), BLOCKS - 3);
	CHECK_EQ(frames_available(f.frames, 10), 2);
	frames_fixture_end(&f);
}

TEST(frames, cpus_take_small_frames_from_blocks_of_their_own)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frames[4][16];

	for (unsigned i = 0; i < 16; i++)
		for (unsigned cpu = 0; cpu < 4; cpu++)
			frames[cpu][i] = frames_get(f.frames, cpu, 0);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		for (unsigned i = 1; i < 16; i++)
			CHECK_EQ(frames[cpu][i] / BLOCK_FRAMES, frames[cpu][0] / BLOCK_FRAMES);
		for (unsigned other = 0; other < cpu; other++)
			CHECK(frames[cpu][0] / BLOCK_FRAMES != frames[other][0] / BLOCK_FRAMES);
	}
	frames_expect_sound(&f);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		for (unsigned i = 0; i < 16; i++)
			CHECK(frames_put(f.frames, 0, frames[cpu][i], 0));
	frames_fixture_end(&f);
}

TEST(frames, partly_taken_blocks_are_filled_before_free_ones)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);

	for (unsigned i = 0; i < FRAMES; i++)
		REQUIRE(frames_get(f.frames, 0, 0) == i);
	/* Block 2 free, block 5 half free, block 6 nearly full. */
	for (unsigned i = 0; i < BLOCK_FRAMES; i++)
		CHECK(frames_put(f.frames, 0, 2 * BLOCK_FRAMES + i, 0));
	for (unsigned i = 0; i < BLOCK_FRAMES / 2; i++)
		CHECK(frames_put(f.frames, 0, 5 * BLOCK_FRAMES + i, 0));
	for (unsigned i = 0; i < 4; i++)
		CHECK(frames_put(f.frames, 0, 6 * BLOCK_FRAMES + i, 0));
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(frames_get(f.frames, 1, 0) / BLOCK_FRAMES, 6);
	for (unsigned i = 0; i < BLOCK_FRAMES / 2; i++)
		CHECK_EQ(frames_get(f.frames, 1, 0) / BLOCK_FRAMES, 5);
	CHECK_EQ(frames_get(f.frames, 2, 9), 2 * BLOCK_FRAMES);
	frames_split(f.frames, 2 * BLOCK_FRAMES, 9);
	for (unsigned i = 0; i < FRAMES; i++)
		CHECK(frames_put(f.frames, 0, i, 0));
	frames_fixture_end(&f);
}

/* A block with room, but in single frames: the request goes elsewhere and leaves no mark. */
TEST(frames, failed_request_for_a_run_leaves_no_owner)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t run;

	for (unsigned i = 0; i < BLOCK_FRAMES; i++)
		REQUIRE(frames_get(f.frames, 0, 0) == i);
	CHECK_EQ(frames_get(f.frames, 0, 0), BLOCK_FRAMES);
	for (unsigned i = 0; i < BLOCK_FRAMES; i += 2)
		CHECK(frames_put(f.frames, 0, i, 0));
	run = frames_get(f.frames, 1, 3);
	CHECK(run >= 2 * BLOCK_FRAMES);
	frames_expect_sound(&f);
	for (unsigned i = 1; i < BLOCK_FRAMES; i += 2)
		CHECK(frames_put(f.frames, 0, i, 0));
	CHECK(frames_put(f.frames, 0, BLOCK_FRAMES, 0));
	CHECK(frames_put(f.frames, 0, run, 3));
	frames_fixture_end(&f);
}

TEST(frames, written_mark_survives_taking_and_giving)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 0, 9);

	CHECK(!frames_is_written(f.frames, frame + 17));
	frames_mark_written(f.frames, frame + 17);
	CHECK(frames_put(f.frames, 0, frame, 9));
	CHECK(frames_is_written(f.frames, frame));
	CHECK_EQ(frames_get(f.frames, 0, 9), frame);
	frames_clear_written(f.frames, frame + 400);
	CHECK(!frames_is_written(f.frames, frame + 17));
	CHECK(frames_put(f.frames, 0, frame, 9));
	frames_fixture_end(&f);
}

TEST(frames, check_finds_a_wrong_count_and_a_wrong_hint)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 0, 0);

	atomic_fetch_add(&f.frames->blocks[0], 1);
	CHECK(frames_check(f.frames) != NULL);
	atomic_fetch_sub(&f.frames->blocks[0], 1);
	atomic_fetch_xor(&f.frames->index[CLASS_FREE].words[0], 1);
	CHECK(frames_check(f.frames) != NULL);
	atomic_fetch_xor(&f.frames->index[CLASS_FREE].words[0], 1);
	atomic_fetch_xor(&f.frames->index[CLASS_PARTIAL].summary[0], 1);
	CHECK(frames_check(f.frames) != NULL);
	atomic_fetch_xor(&f.frames->index[CLASS_PARTIAL].summary[0], 1);
	atomic_fetch_add(&f.frames->cpus[0].put[0], 1);
	CHECK(frames_check(f.frames) != NULL);
	atomic_fetch_sub(&f.frames->cpus[0].put[0], 1);
	CHECK(frames_put(f.frames, 0, frame, 0));
	frames_fixture_end(&f);
}

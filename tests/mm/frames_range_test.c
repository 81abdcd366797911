// SPDX-License-Identifier: MIT
/*
 * Many frames at once, exactly those of a range, and blocks to tell the host about.
 */
#include <tests/mm/frames_fixture.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/frames_internal.h>
#include <tests/mm/take_range.h>
#include <errno.h>

#define BLOCKS 8
#define FRAMES (BLOCKS * BLOCK_FRAMES)

TEST(frames_range, many_frames_come_and_go_in_one_call)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t *list = kmalloc(FRAMES * sizeof(*list), 0);
	uint64_t seen[FRAMES / 64] = {0};

	REQUIRE(list);
	CHECK_EQ(frames_get_many(f.frames, 0, list, 100), 100);
	CHECK_EQ(frames_free(f.frames), FRAMES - 100);
	CHECK_EQ(frames_get_many(f.frames, 1, list + 100, FRAMES), FRAMES - 100);
	CHECK_EQ(frames_free(f.frames), 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		REQUIRE(!(seen[list[i] / 64] >> list[i] % 64 & 1));
		seen[list[i] / 64] |= BIT64(list[i] % 64);
	}
	CHECK_EQ(frames_get_many(f.frames, 2, seen, 1), 0);
	CHECK_EQ(frames_put_many(f.frames, 3, list, FRAMES / 2), FRAMES / 2);
	frames_expect_sound(&f);
	CHECK_EQ(frames_put_many(f.frames, 1, list + FRAMES / 2, FRAMES / 2), FRAMES / 2);
	kfree(list);
	frames_fixture_end(&f);
}

TEST(frames_range, bulk_free_stops_at_a_frame_that_is_free)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t list[6] = {600, 601, 602, 601, 603, 604};

	for (unsigned i = 0; i < 1024; i++)
		REQUIRE(frames_get(f.frames, 0, 0) == i);
	CHECK_EQ(frames_put_many(f.frames, 1, list, 6), 3);
	CHECK_EQ(frames_free(f.frames), FRAMES - 1021);
	CHECK_EQ(frames_put_many(f.frames, 1, list + 4, 2), 2);
	frames_expect_sound(&f);
	for (unsigned i = 0; i < 1024; i++)
		if (i < 600 || i > 604)
			CHECK(frames_put(f.frames, 0, i, 0));
	frames_fixture_end(&f);
}

TEST(frames_range, a_free_range_is_taken_whosever_it_is)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t small = frames_get(f.frames, 3, 0);
	uint64_t whole = frames_get(f.frames, 4, 9);
	uint64_t busy;

	/* Block 0 is CPU 3's, block 1 CPU 4 freed last, the others are beyond the frontier. */
	REQUIRE(small == 0 && whole == 512);
	CHECK(frames_put(f.frames, 4, whole, 9));
	CHECK_EQ(take_range(f.frames, 0, 3, 1500, &busy), 0);
	CHECK_EQ(frames_free(f.frames), FRAMES - 1501);
	frames_expect_sound(&f);
	for (unsigned i = 3; i < 1503; i++)
		CHECK(frames_is_taken(f.frames, i));
	CHECK(!frames_is_taken(f.frames, 2) && !frames_is_taken(f.frames, 1503));
	for (unsigned i = 0; i < 1500; i++)
		CHECK(frames_put(f.frames, 1, 3 + i, 0));
	CHECK(frames_put(f.frames, 3, small, 0));
	frames_fixture_end(&f);
}

TEST(frames_range, the_first_frame_in_use_is_named_and_nothing_changes)
{
	static const uint64_t in_use[] = {0, 511, 512, 700, 1023, 1024, 1530};

	for (unsigned i = 0; i < sizeof(in_use) / sizeof(in_use[0]); i++) {
		struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
		uint64_t busy = 0;

		CHECK_EQ(take_range(f.frames, 0, in_use[i], 1, &busy), 0);
		CHECK_EQ(take_range(f.frames, 0, 1531, 5, &busy), 0);
		CHECK_EQ(take_range(f.frames, 0, 0, 1535, &busy), -EBUSY);
		CHECK_EQ(busy, in_use[i]);
		CHECK_EQ(frames_free(f.frames), FRAMES - 6);
		frames_expect_sound(&f);
		CHECK(frames_put(f.frames, 0, in_use[i], 0));
		CHECK_EQ(take_range(f.frames, 0, 0, 1531, &busy), 0);
		for (uint64_t frame = 0; frame < 1536; frame++)
			CHECK(frames_put(f.frames, 0, frame, 0));
		frames_fixture_end(&f);
	}
}

TEST(frames_range, what_is_no_range_of_ours_is_refused)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t busy = 0;

	CHECK_EQ(take_range(f.frames, 0, 0, 0, &busy), -EINVAL);
	CHECK_EQ(take_range(f.frames, 0, FRAMES - 1, 2, &busy), -EINVAL);
	CHECK_EQ(take_range(f.frames, 0, 5, UINT64_MAX, &busy), -EINVAL);
	frames_fixture_end(&f);
}

/* Until the range is taken or given up: each step opens at most one block, and takes or gives
 * back frames of at most one. How many steps. */
static unsigned count_steps(struct frames *frames, struct frames_range *range, int expected)
{
	unsigned steps = 0;
	int error;

	do {
		uint64_t frontier = atomic_load(&frames->frontier);
		struct frames_range before = *range;
		uint64_t free = frames_free(frames);

		error = frames_take_range(frames, steps % 3, range);
		steps++;
		CHECK(atomic_load(&frames->frontier) - frontier <= 1);
		CHECK_EQ(frames_free(frames) + range->taken, free + before.taken);
		if (range->taken != before.taken)
			CHECK_EQ((MAX(range->taken, before.taken) - 1) / BLOCK_FRAMES,
				 MIN(range->taken, before.taken) / BLOCK_FRAMES);
	} while (error == -EAGAIN);
	CHECK_EQ(error, expected);
	return steps;
}

TEST(frames_range, a_step_is_one_block_of_work)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	struct frames_range range = frames_range_of(3 * BLOCK_FRAMES + 7, 2 * BLOCK_FRAMES);
	uint64_t block;

	/* Six blocks to open, three to look at, three to take from. */
	CHECK_EQ(count_steps(f.frames, &range, 0), 6 + 3 + 3);
	CHECK_EQ(atomic_load(&f.frames->frontier), 6);
	frames_expect_sound(&f);
	/* In use as the look shows: nothing is taken, and nothing opened beyond it. */
	range = frames_range_of(2 * BLOCK_FRAMES, 6 * BLOCK_FRAMES);
	CHECK_EQ(count_steps(f.frames, &range, -EBUSY), 2);
	CHECK_EQ(range.busy, 3 * BLOCK_FRAMES + 7);
	CHECK_EQ(atomic_load(&f.frames->frontier), 6);
	for (uint64_t i = 0; i < 2 * BLOCK_FRAMES; i++)
		CHECK(frames_put(f.frames, 0, 3 * BLOCK_FRAMES + 7 + i, 0));
	/* In use since the look: two parts go back, one after the other. */
	range = frames_range_of(BLOCK_FRAMES - 1, BLOCK_FRAMES + 2);
	while (range.seen < range.end)
		CHECK_EQ(frames_take_range(f.frames, 0, &range), -EAGAIN);
	CHECK(take_range(f.frames, 3, 2 * BLOCK_FRAMES, 1, &block) == 0);
	CHECK_EQ(count_steps(f.frames, &range, -EBUSY), 3 + 2);
	CHECK_EQ(range.busy, 2 * BLOCK_FRAMES);
	frames_expect_sound(&f);
	CHECK(frames_put(f.frames, 3, 2 * BLOCK_FRAMES, 0));
	frames_fixture_end(&f);
}

#ifdef QUIRE_TEST_HOOKS
struct overtaker {
	struct frames *frames;
	unsigned times; /* to come */
	unsigned got;
};

/* CPU 1 reserves the block whenever it was made to give it up. */
static void reserve_again(struct hook *hook)
{
	struct overtaker *overtaker = hook->arg;

	if (overtaker->times == 0 || overtaker->frames->cpus[1].first)
		return;
	overtaker->times--;
	CHECK_EQ(frames_get(overtaker->frames, 1, 0), overtaker->got++);
}

/* The last frames of a block, which nobody has, are taken while CPU 1 is faster so often. */
static int take_overtaken(unsigned times)
{
	struct frames_fixture f = frames_fixture_start(BLOCK_FRAMES, NULL, BLOCK_FRAMES);
	struct frames_range range = frames_range_of(500, 10);
	struct overtaker overtaker = {.frames = f.frames, .times = times};
	struct hook hook = {.name = "frames_range_part",
			    .function = reserve_again,
			    .arg = &overtaker,
			    .only = thread_current()};
	int error;

	while (range.seen < range.end)
		CHECK_EQ(frames_take_range(f.frames, 0, &range), -EAGAIN);
	hook_attach(&hook);
	error = frames_take_range(f.frames, 0, &range);
	hook_detach(&hook);
	CHECK_EQ(overtaker.times, 0);
	frames_expect_sound(&f);
	for (unsigned frame = 0; frame < overtaker.got; frame++)
		CHECK(frames_put(f.frames, 1, frame, 0));
	for (uint64_t frame = range.first; frame < range.taken; frame++)
		CHECK(frames_put(f.frames, 0, frame, 0));
	frames_fixture_end(&f);
	return error;
}

TEST(frames_range, free_frames_are_refused_when_others_are_faster_9_times_and_not_before)
{
	CHECK_EQ(take_overtaken(0), 0);
	CHECK_EQ(take_overtaken(1), 0);
	CHECK_EQ(take_overtaken(FRAMES_SEARCHES), 0);
	CHECK_EQ(take_overtaken(FRAMES_SEARCHES + 1), -EBUSY);
}
#endif

/* A look, and take the first block that the index knows: its frame, or FRAMES_NONE. */
static uint64_t report_take(struct frames *frames, unsigned cpu)
{
	uint64_t word = frames_report_next(frames, 0);
	uint64_t bits, fresh;

	if (word == FRAMES_NONE)
		return FRAMES_NONE;
	bits = frames_report_see(frames, word, &fresh) | fresh;
	CHECK(bits);
	bits &= -bits;
	CHECK_EQ(frames_report_take(frames, cpu, word, bits), bits);
	return (word * 64 + (unsigned)__builtin_ctzll(bits)) * BLOCK_FRAMES;
}

static void report_give(struct frames *frames, unsigned cpu, uint64_t frame, bool reported)
{
	uint64_t block = frame / BLOCK_FRAMES;

	frames_report_give(frames, cpu, block / 64, BIT64(block % 64), reported);
}

/* Every block that became free is told once; reported ones are used after all others. */
TEST(frames_range, reports_see_each_newly_free_block_once)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t told[BLOCKS];
	unsigned count = 0;

	for (unsigned i = 0; i < BLOCKS; i++)
		REQUIRE(frames_get(f.frames, 0, 9) == i * BLOCK_FRAMES);
	CHECK_EQ(report_take(f.frames, 1), FRAMES_NONE);
	for (unsigned i = 0; i < BLOCKS; i += 2)
		CHECK(frames_put(f.frames, 0, i * BLOCK_FRAMES, 9));
	frames_drain(f.frames);
	while (count < BLOCKS && (told[count] = report_take(f.frames, 1)) != FRAMES_NONE)
		count++;
	CHECK_EQ(count, BLOCKS / 2);
	CHECK_EQ(frames_state_of(f.frames, 0), FRAMES_TAKEN);
	for (unsigned i = 0; i < count; i++)
		report_give(f.frames, 1, told[i], i != 0);
	CHECK_EQ(frames_state_of(f.frames, 0), FRAMES_FREE);
	CHECK_EQ(frames_state_of(f.frames, 2), FRAMES_REPORTED);
	frames_expect_sound(&f);
	/* Only the one that was put back is still to be told. */
	CHECK_EQ(report_take(f.frames, 1), told[0]);
	CHECK_EQ(report_take(f.frames, 1), FRAMES_NONE);
	report_give(f.frames, 1, told[0], false);
	/* It is handed out first, and a reported one is forgotten to be that by use. */
	CHECK_EQ(frames_get(f.frames, 2, 9), told[0]);
	CHECK_EQ(frames_get(f.frames, 2, 0), told[1]);
	CHECK_EQ(frames_state_of(f.frames, told[1] / BLOCK_FRAMES), FRAMES_PARTIAL);
	CHECK(frames_put(f.frames, 2, told[1], 0));
	CHECK_EQ(frames_state_of(f.frames, told[1] / BLOCK_FRAMES), FRAMES_FREE);
	CHECK(frames_put(f.frames, 2, told[0], 9));
	for (unsigned i = 1; i < BLOCKS; i += 2)
		CHECK(frames_put(f.frames, 0, i * BLOCK_FRAMES, 9));
	frames_fixture_end(&f);
}

TEST(frames_range, pristine_blocks_are_known_and_used_before_reported_ones)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 0, 9);

	CHECK_EQ(frames_state_of(f.frames, 0), FRAMES_TAKEN);
	CHECK_EQ(frames_state_of(f.frames, 1), FRAMES_PRISTINE);
	CHECK(frames_put(f.frames, 0, frame, 9));
	frames_drain(f.frames);
	REQUIRE(report_take(f.frames, 0) == 0);
	report_give(f.frames, 0, 0, true);
	CHECK_EQ(frames_get(f.frames, 0, 9), BLOCK_FRAMES);
	CHECK_EQ(frames_get(f.frames, 1, 0), 2 * BLOCK_FRAMES);
	CHECK_EQ(frames_state_of(f.frames, 0), FRAMES_REPORTED);
	CHECK(frames_put(f.frames, 0, BLOCK_FRAMES, 9));
	CHECK(frames_put(f.frames, 0, 2 * BLOCK_FRAMES, 0));
	frames_fixture_end(&f);
}

static void expect_sight(struct frames *frames, uint64_t seen, uint64_t fresh)
{
	uint64_t found;

	CHECK_EQ(frames_report_see(frames, 0, &found), seen);
	CHECK_EQ(found, fresh);
}

TEST(frames_range, block_used_since_the_look_is_not_taken_for_a_report)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame = frames_get(f.frames, 0, 9);

	CHECK(frames_put(f.frames, 0, frame, 9));
	frames_drain(f.frames);
	CHECK_EQ(frames_report_take(f.frames, 1, 0, 1), 0);
	expect_sight(f.frames, 0, 1);
	expect_sight(f.frames, 1, 0);
	for (unsigned order = 0; order <= 9; order += 9) {
		CHECK_EQ(frames_get(f.frames, 0, order), frame);
		expect_sight(f.frames, 0, 0);
		CHECK_EQ(frames_report_take(f.frames, 1, 0, 1), 0);
		CHECK(frames_put(f.frames, 0, frame, order));
		frames_drain(f.frames);
		CHECK_EQ(frames_report_take(f.frames, 1, 0, 1), 0);
		CHECK_EQ(frames_state_of(f.frames, 0), FRAMES_FREE);
		expect_sight(f.frames, 0, 1);
	}
	CHECK_EQ(frames_report_take(f.frames, 1, 0, 1), 1);
	frames_report_give(f.frames, 1, 0, 1, true);
	expect_sight(f.frames, 0, 0);
	CHECK_EQ(frames_report_take(f.frames, 1, 0, 1), 0);
	frames_fixture_end(&f);
}

/* Of a word, those that stayed free are taken, and only they; who looks anew finds all fresh.
 */
TEST(frames_range, unused_blocks_of_a_word_are_taken_at_once)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	const uint64_t all = BIT64(BLOCKS) - 1;

	for (unsigned i = 0; i < BLOCKS; i++)
		REQUIRE(frames_get(f.frames, 0, 9) == i * BLOCK_FRAMES);
	for (unsigned i = 0; i < BLOCKS; i++)
		CHECK(frames_put(f.frames, 0, i * BLOCK_FRAMES, 9));
	frames_drain(f.frames);
	expect_sight(f.frames, 0, all);
	CHECK_EQ(frames_get(f.frames, 0, 9), 0);
	CHECK(frames_put(f.frames, 0, 0, 9));
	frames_drain(f.frames);
	CHECK_EQ(frames_report_take(f.frames, 1, 0, all), all - 1);
	CHECK_EQ(frames_free(f.frames), BLOCK_FRAMES);
	frames_expect_sound(&f);
	frames_report_give(f.frames, 1, 0, all - 1, false);
	expect_sight(f.frames, 0, all);
	frames_report_forget(f.frames);
	expect_sight(f.frames, 0, all);
	CHECK_EQ(frames_report_next(f.frames, 1), FRAMES_NONE);
	CHECK_EQ(frames_report_take(f.frames, 1, 0, 6), 6);
	frames_report_give(f.frames, 1, 0, 2, true);
	frames_report_give(f.frames, 1, 0, 4, false);
	CHECK_EQ(frames_state_of(f.frames, 1), FRAMES_REPORTED);
	CHECK_EQ(frames_state_of(f.frames, 2), FRAMES_FREE);
	CHECK_EQ(frames_report_next(f.frames, 0), 0);
	frames_fixture_end(&f);
}

static unsigned wakes, calls_taken_back;

static void count_wake(struct frames *frames)
{
	(void)frames;
	wakes++;
}

static void count_taken_back(struct frames *frames, uint64_t block)
{
	(void)frames;
	calls_taken_back += block == 0;
}

/* Nobody uses anything meanwhile, as far as is known. */
static bool watch_arm(struct frames *frames)
{
	static struct frames_activity of[CPUS_MAX];

	frames_activity_note(frames, of);
	return frames_watch_arm(frames, of);
}

static const struct frames_watch counting_watch = {count_wake, count_taken_back};

TEST(frames_range, watch_is_called_once_per_arming_and_for_each_block_taken_back)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame[4];

	wakes = calls_taken_back = 0;
	atomic_store(&f.frames->watch, &counting_watch);
	for (unsigned i = 0; i < 4; i++)
		frame[i] = frames_get(f.frames, 0, 9);
	CHECK(frames_put(f.frames, 0, frame[0], 9)); /* kept */
	CHECK(frames_put(f.frames, 0, frame[1], 9));
	CHECK(!watch_arm(f.frames));
	frames_watch_disarm(f.frames);
	frames_drain(f.frames);
	CHECK_EQ(wakes, 0);
	REQUIRE(watch_arm(f.frames));
	CHECK(frames_put(f.frames, 0, frame[2], 9));
	CHECK_EQ(wakes, 1);
	CHECK(frames_put(f.frames, 0, frame[3], 9));
	CHECK_EQ(wakes, 1);
	while (report_take(f.frames, 1) != FRAMES_NONE)
		;
	for (unsigned i = 0; i < 4; i++)
		report_give(f.frames, 1, i * BLOCK_FRAMES, true);
	CHECK_EQ(calls_taken_back, 0);
	for (unsigned i = 4; i <= BLOCKS; i++)
		CHECK(frames_get(f.frames, 0, 9) != FRAMES_NONE);
	CHECK_EQ(calls_taken_back, 1);
	CHECK(frames_put(f.frames, 0, 0, 9));
	frames_drain(f.frames);
	CHECK_EQ(calls_taken_back, 1);
	for (unsigned i = 4; i < BLOCKS; i++)
		CHECK(frames_put(f.frames, 0, i * BLOCK_FRAMES, 9));
	frames_fixture_end(&f);
}

/* A CPU that never got or put, below one that did: what it gets first is counted. */
TEST(frames_range, watch_gives_no_block_to_a_cpu_that_never_got_one)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame[3];

	frame[0] = frames_get(f.frames, 2, 9);
	REQUIRE(frame[0] == 0);
	REQUIRE(watch_arm(f.frames));
	frames_watch_disarm(f.frames);
	frame[1] = frames_get(f.frames, 2, 9); /* forgets what it did not keep */
	CHECK(frames_put(f.frames, 2, frame[0], 9));
	frame[2] = frames_get(f.frames, 0, 9);
	CHECK_EQ(frames_free(f.frames), FRAMES - 2 * BLOCK_FRAMES);
	CHECK_EQ(f.frames->cpus[0].got[9], 1);
	frames_expect_sound(&f);
	CHECK(frames_put(f.frames, 2, frame[1], 9));
	CHECK(frames_put(f.frames, 0, frame[2], 9));
	CHECK_EQ(f.frames->cpus[0].put[9], 1);
	frames_fixture_end(&f);
}

/* While the watch sleeps no CPU may get a free block that it gives to nobody. */
TEST(frames_range, watch_is_called_before_a_cpu_can_hold_a_block_back)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame[2];

	wakes = 0;
	atomic_store(&f.frames->watch, &counting_watch);
	frame[0] = frames_get(f.frames, 0, 9);
	REQUIRE(watch_arm(f.frames)); /* CPU 0 keeps nothing, and will not */
	CHECK_EQ(frames_get(f.frames, 0, 9), BLOCK_FRAMES);
	CHECK_EQ(wakes, 0);
	CHECK(frames_put(f.frames, 0, BLOCK_FRAMES, 9));
	CHECK_EQ(wakes, 1);
	REQUIRE(watch_arm(f.frames));
	frame[1] = frames_get(f.frames, 0, 0); /* has a block to itself */
	CHECK_EQ(wakes, 2);
	CHECK(!watch_arm(f.frames));
	frames_drain(f.frames);
	frames_watch_disarm(f.frames);
	REQUIRE(watch_arm(f.frames));
	CHECK(frames_put(f.frames, 0, frame[1], 0));
	CHECK_EQ(wakes, 3);
	REQUIRE(watch_arm(f.frames));
	frame[1] = frames_get(f.frames, 1, 9); /* a CPU that had nothing yet */
	CHECK_EQ(wakes, 4);
	CHECK(frames_put(f.frames, 1, frame[1], 9));
	CHECK(!watch_arm(f.frames));
	frames_watch_disarm(f.frames);
	CHECK(frames_put(f.frames, 0, frame[0], 9));
	frames_fixture_end(&f);
}

static struct frames *settled;
static uint64_t freed_meanwhile;

/* CPU 0 was about to keep the block when it was told that somebody watches. */
static bool settle_late(unsigned cpu)
{
	if (cpu == 0 && freed_meanwhile != FRAMES_NONE) {
		atomic_store(&settled->cpus[0].kept, 0);
		CHECK(frames_put(settled, 0, freed_meanwhile, 9));
		freed_meanwhile = FRAMES_NONE;
	}
	return cpu != 2;
}

static void settle_relax_none(void)
{
}

static const struct frames_waiting late = {settle_late, settle_relax_none};

TEST(frames_range, watch_is_not_armed_past_a_cpu_on_its_way)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t frame[3];

	settled = f.frames;
	frame[0] = frames_get(f.frames, 0, 9);
	freed_meanwhile = frame[0];
	f.frames->waiting = &late;
	CHECK(!watch_arm(f.frames));
	frames_watch_disarm(f.frames);
	CHECK_EQ(freed_meanwhile, FRAMES_NONE);
	frames_drain(f.frames);
	CHECK(watch_arm(f.frames));
	frames_watch_disarm(f.frames);
	frame[2] = frames_get(f.frames, 2, 9);
	CHECK(!watch_arm(f.frames)); /* CPU 2 does not answer */
	frames_watch_disarm(f.frames);
	f.frames->waiting = NULL;
	CHECK(frames_put(f.frames, 2, frame[2], 9));
	frames_fixture_end(&f);
}

/* Given up is what a CPU did not use since it was noted; of a reservation a free one, or any.
 */
TEST(frames_range, idle_cpus_give_up_what_they_hold_back)
{
	static struct frames_activity of[CPUS_MAX];
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t whole, one;

	memset(of, 0, sizeof(of));
	whole = frames_get(f.frames, 0, 9);
	one = frames_get(f.frames, 0, 0);
	CHECK(frames_put(f.frames, 0, whole, 9));
	CHECK(!frames_idle_return(f.frames, of, true));
	expect_sight(f.frames, 0, 0);
	frames_activity_note(f.frames, of);
	CHECK(frames_put(f.frames, 0, one, 0));
	CHECK(!frames_idle_return(f.frames, of, true)); /* gives the block up that it keeps */
	expect_sight(f.frames, 0, BIT64(whole / BLOCK_FRAMES));
	frames_activity_note(f.frames, of);
	CHECK(frames_idle_return(f.frames, of, false));
	expect_sight(f.frames, BIT64(whole / BLOCK_FRAMES), BIT64(one / BLOCK_FRAMES));
	one = frames_get(f.frames, 0, 0);
	frames_activity_note(f.frames, of);
	CHECK(!frames_idle_return(f.frames, of, false)); /* in use */
	CHECK(frames_idle_return(f.frames, of, true));
	CHECK_EQ(f.frames->cpus[0].first, 0);
	CHECK(frames_put(f.frames, 0, one, 0));
	frames_fixture_end(&f);
}

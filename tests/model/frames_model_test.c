// SPDX-License-Identifier: MIT
/*
 * The frame allocator beside an oracle that is too simple to be wrong: one byte per frame says
 * who has it. Alone, every answer is compared, failures too; in threads, no frame may have two
 * owners and none may get lost.
 */
#include <tests/kernel/threads.h>
#include <tests/mm/frames_fixture.h>
#include <kernel/scheduler.h>
#include <mm/settle.h>

#define BLOCKS 24
#define FRAMES (BLOCKS * BLOCK_FRAMES)
#define HELD   512

struct held {
	uint64_t frame;
	unsigned order;
};

struct oracle {
	_Atomic uint8_t owner[FRAMES]; /* 0: free */
};

static bool run_is_free(const struct oracle *oracle, uint64_t frame, unsigned order)
{
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
		if (oracle->owner[frame + i])
			return false;
	return true;
}

static bool any_run_is_free(const struct oracle *oracle, unsigned order)
{
	for (uint64_t frame = 0; frame < FRAMES; frame += UINT64_C(1) << order)
		if (run_is_free(oracle, frame, order))
			return true;
	return false;
}

/* Frames that had another owner than `from`. */
static unsigned change_owner(struct oracle *oracle, struct held run, uint8_t from, uint8_t to)
{
	unsigned wrong = 0;

	for (uint64_t i = 0; i < UINT64_C(1) << run.order; i++)
		wrong += atomic_exchange_explicit(&oracle->owner[run.frame + i], to,
						  memory_order_relaxed) != from;
	return wrong;
}

/* Small orders mostly, large ones often enough to meet. */
static unsigned pick_order(uint64_t random)
{
	return (unsigned)(random & 3 ? (random >> 8) % 4 : (random >> 8) % 11);
}

static void step_get(struct frames_fixture *f, struct oracle *oracle, struct held *held,
		     unsigned *count)
{
	unsigned order = pick_order(test_random());
	uint64_t frame = frames_get(f->frames, (unsigned)test_random_below(4), order);

	if (frame == FRAMES_NONE) {
		CHECK(!any_run_is_free(oracle, order));
		return;
	}
	held[*count] = (struct held){frame, order};
	CHECK_EQ(change_owner(oracle, held[*count], 0, 1), 0);
	*count += 1;
}

static void step_put(struct frames_fixture *f, struct oracle *oracle, struct held *held,
		     unsigned *count)
{
	unsigned at = (unsigned)test_random_below(*count);
	struct held run = held[at];

	CHECK_EQ(change_owner(oracle, run, 1, 0), 0);
	CHECK(frames_put(f->frames, (unsigned)test_random_below(4), run.frame, run.order));
	held[at] = held[--*count];
}

/* A put that must be refused: of a run of which a part is free. */
static void step_wrong_put(struct frames_fixture *f, struct oracle *oracle)
{
	unsigned order = pick_order(test_random());
	uint64_t frame = align_down(test_random_below(FRAMES), UINT64_C(1) << order);

	if (run_is_free(oracle, frame, order))
		CHECK(!frames_put(f->frames, 0, frame, order));
}

static void play(uint64_t steps, unsigned fill)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	struct oracle *oracle = kzalloc(sizeof(*oracle));
	struct held *held;
	unsigned count = 0;

	NEED(oracle, "no memory for the oracle");
	held = kmalloc(HELD * sizeof(*held), 0);
	NEED(held, "no memory for what is held");
	for (uint64_t step = 0; step < steps; step++) {
		uint64_t dice = test_random_below(100);

		if (count < HELD && dice < fill)
			step_get(&f, oracle, held, &count);
		else if (count && dice < 95)
			step_put(&f, oracle, held, &count);
		else
			step_wrong_put(&f, oracle);
		if (step % 64 == 0)
			frames_expect_sound(&f);
	}
	while (count)
		step_put(&f, oracle, held, &count);
	frames_fixture_end(&f);
	kfree(held);
	kfree(oracle);
}

TEST(frames_model, random_operations_agree_with_the_oracle)
{
	for (unsigned fill = 40; fill <= 80; fill += 10)
		play(1500, fill);
}

/* Two blocks only, orders 8 to 10: most requests fail after they took something. */
TEST(frames_model, failed_large_requests_leave_nothing_behind)
{
	struct frames_fixture f = frames_fixture_start(1024, NULL, 1024);
	struct held held[8];
	unsigned count = 0;

	for (unsigned step = 0; step < 3000; step++) {
		unsigned order = 8 + (unsigned)test_random_below(3);
		uint64_t frame = FRAMES_NONE;

		if (test_random_below(3) && count < 8)
			frame = frames_get(f.frames, 0, order);
		if (frame != FRAMES_NONE) {
			held[count++] = (struct held){frame, order};
		} else if (count) {
			count--;
			REQUIRE(frames_put(f.frames, 0, held[count].frame, held[count].order));
		}
		uint64_t taken = 0;

		for (unsigned i = 0; i < count; i++)
			taken += UINT64_C(1) << held[i].order;
		REQUIRE(frames_free(f.frames) == 1024 - taken);
		frames_expect_sound(&f);
	}
	while (count-- > 0)
		CHECK(frames_put(f.frames, 0, held[count].frame, held[count].order));
	frames_fixture_end(&f);
}

static void shuffle(uint64_t *frames, unsigned count)
{
	for (unsigned i = count; i > 1; i--) {
		unsigned j = (unsigned)test_random_below(i);
		uint64_t swap = frames[i - 1];

		frames[i - 1] = frames[j];
		frames[j] = swap;
	}
}

/*
 * Memory half taken in single frames at random, then a tenth of them given back and as many
 * taken, again and again: blocks must run empty instead of staying half full for ever.
 */
TEST(frames_model, churn_of_single_frames_frees_whole_blocks)
{
	struct frames_fixture f = frames_fixture_start(FRAMES, NULL, FRAMES);
	uint64_t *frames = kmalloc(FRAMES * sizeof(*frames), 0);
	unsigned kept = FRAMES / 2;

	NEED(frames, "no memory for the list of frames");
	for (unsigned i = 0; i < FRAMES; i++)
		frames[i] = frames_get(f.frames, 0, 0);
	shuffle(frames, FRAMES);
	for (unsigned i = kept; i < FRAMES; i++)
		CHECK(frames_put(f.frames, 0, frames[i], 0));
	for (unsigned round = 0; round < 120; round++) {
		shuffle(frames, kept);
		for (unsigned i = 0; i < kept / 10; i++)
			REQUIRE(frames_put(f.frames, 0, frames[i], 0));
		for (unsigned i = 0; i < kept / 10; i++)
			frames[i] = frames_get(f.frames, 0, 0);
	}
	CHECK(frames_available(f.frames, BLOCK_ORDER) >= BLOCKS / 2 * 85 / 100);
	frames_expect_sound(&f);
	for (unsigned i = 0; i < kept; i++)
		CHECK(frames_put(f.frames, 0, frames[i], 0));
	frames_fixture_end(&f);
	kfree(frames);
}

struct contest {
	struct frames *frames;
	struct oracle *oracle;
	uint64_t seed;
	unsigned steps;
	_Atomic unsigned next;
	_Atomic unsigned wrong;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool put_masked(struct frames *frames, unsigned self, struct held run)
{
	struct irq_state irq = irq_save();
	bool done = frames_put(frames, self, run.frame, run.order);

	irq_restore(irq);
	return done;
}

/* The number of a contender is no CPU: any may run it. */
static bool settle_all(unsigned number)
{
	bool settled = true;

	(void)number;
	cpumask_for_each (cpu, cpumask_load(&cpus_online))
		settled = settle_cpu(cpu) && settled;
	return settled;
}

static const struct frames_waiting contest_waiting = {settle_all, settle_relax};

static int contender(void *arg)
{
	struct contest *contest = arg;
	unsigned self = atomic_fetch_add(&contest->next, 1) + 1;
	uint64_t random = contest->seed * self | 1;
	struct held held[32];
	unsigned count = 0;

	for (unsigned step = 0; step < contest->steps || count; step++) {
		uint64_t dice = next_random(&random);
		struct held run = {FRAMES_NONE, pick_order(dice >> 8)};

		if (step < contest->steps && count < 32 && dice & 1) {
			struct irq_state irq = irq_save();

			run.frame = frames_get(contest->frames, self, run.order);
			irq_restore(irq);
		}
		if (run.frame != FRAMES_NONE) {
			contest->wrong += change_owner(contest->oracle, run, 0, (uint8_t)self);
			held[count++] = run;
		} else if (count) {
			unsigned at = (unsigned)(dice >> 40) % count;

			run = held[at];
			held[at] = held[--count];
			contest->wrong += change_owner(contest->oracle, run, (uint8_t)self, 0);
			contest->wrong += !put_masked(contest->frames, self, run);
		}
	}
	return 0;
}

static void contest(unsigned threads, unsigned blocks, unsigned steps)
{
	struct frames_fixture f =
		frames_fixture_start(blocks * BLOCK_FRAMES, NULL, blocks * BLOCK_FRAMES);
	struct contest contest = {
		.frames = f.frames,
		.oracle = kzalloc(sizeof(struct oracle)),
		.seed = test_random(),
		.steps = steps,
	};

	NEED(contest.oracle, "no memory for the oracle");
	f.frames->waiting = &contest_waiting;
	test_threads_run(threads, contender, &contest);
	CHECK_EQ(contest.wrong, 0);
	frames_fixture_end(&f);
	kfree(contest.oracle);
}

TEST(frames_model, threads_never_share_a_frame)
{
	for (unsigned threads = 1; threads <= 8; threads++)
		contest(threads, BLOCKS, 10000);
}

/* So little memory that every search meets the others. */
TEST(frames_model, threads_on_two_blocks_never_share_a_frame)
{
	for (unsigned threads = 2; threads <= 8; threads += 2)
		contest(threads, 2, 4000);
}

// SPDX-License-Identifier: MIT
/*
 * The VMware balloon against a model of its host (tests/drivers/vmware_model.c), step by step
 * without a thread, so that every call is at its place. After each step both accounts must be
 * equal, frame by frame. No real VMware host was ever there.
 */
#include <drivers/balloon/vmware_balloon.h>
#include <drivers/balloon/vmware_move.h>

#include <errno.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/balloon_budget.h>
#include <tests/drivers/vmware_fixture.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>
#include <tests/wait.h>

#define BASIC_BATCHED (VMWARE_BASIC | VMWARE_BATCHED)

static struct vmware_model *const host = &vmware_model;

TEST(vmware_balloon, W_T1_blocks_and_batches_of_512_are_used_where_offered)
{
	vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	vmware_resize(2 * BALLOON_BLOCK_PAGES + 100);
	CHECK_EQ(vmware_tested->host.capabilities, BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	CHECK_EQ(vmware_host_capacity(&vmware_tested->host), 512);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_BLOCK_LOCK], 1);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_LOCK], 1);
	CHECK_EQ(host->last_count, 100);
	CHECK_EQ(balloon_pages(&vmware_tested->blocks), 2 * BALLOON_BLOCK_PAGES);
	CHECK_EQ(balloon_pages(&vmware_tested->pages), 100);
	CHECK_EQ(host->guest_id, 1);
	vmware_destroy();
	vmware_create(BASIC_BATCHED);
	vmware_resize(1100);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_LOCK], 3);
	CHECK_EQ(host->largest_batch, 512);
	CHECK_EQ(host->last_count, 1100 - 1024);
	vmware_destroy();
}

TEST(vmware_balloon, W_T2_plain_ok_means_single_pages)
{
	vmware_create(0);
	vmware_resize(40);
	CHECK_EQ(vmware_tested->host.capabilities, VMWARE_BASIC);
	CHECK(vmware_tested->host.batch == NULL);
	CHECK_EQ(host->calls_of[VMWARE_LOCK], 40);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_LOCK], 0);
	CHECK_EQ(vmware_tested->size, 40);
	vmware_resize(0);
	CHECK_EQ(host->calls_of[VMWARE_UNLOCK], 40);
	CHECK_EQ(vmware_tested->size, 0);
	vmware_destroy();
}

TEST(vmware_balloon, blocks_without_batches_are_not_used)
{
	vmware_create(VMWARE_BASIC | VMWARE_BATCHED_BLOCK);
	vmware_resize(600);
	CHECK_EQ(host->calls_of[VMWARE_LOCK], 600);
	vmware_destroy();
}

TEST(vmware_balloon, capabilities_nobody_asked_for_are_not_used)
{
	vmware_create(UINT32_MAX);
	vmware_resize(600);
	CHECK_EQ(vmware_tested->host.capabilities & VMWARE_WAKEUP, 0);
	CHECK_EQ(host->calls_of[VMWARE_SET_DOORBELL], 0);
	vmware_destroy();
}

static uint32_t refuse_3_and_9(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)frame;
	return command == VMWARE_BATCHED_LOCK && (nr == 3 || nr == 9) ? VMWARE_PINNED
								      : VMWARE_OK;
}

TEST(vmware_balloon, W_T4_refused_entries_do_not_count)
{
	struct mm_statistics before, after;

	vmware_create(BASIC_BATCHED);
	vmware_step();
	mm_statistics(&before);
	host->judge = refuse_3_and_9;
	host->target = 20;
	mutex_lock(&vmware_tested->lock);
	vmware_inflate(vmware_tested, 12);
	mutex_unlock(&vmware_tested->lock);
	vmware_compare();
	/* The rest of the wish is a second batch of two. */
	CHECK_EQ(vmware_tested->refused, 2);
	CHECK_EQ(vmware_tested->size, 12);
	mm_drain();
	mm_statistics(&after);
	CHECK_EQ(before.free - after.free, 12);
	vmware_destroy();
}

TEST(vmware_balloon, W_T5_failure_of_the_batch_is_the_failure_of_all)
{
	static const uint32_t failures[] = {VMWARE_FAILURE,    VMWARE_BAD_COMMAND, VMWARE_BUSY,
					    VMWARE_NOT_NEEDED, VMWARE_PINNED,      0x12345678};

	for (unsigned i = 0; i < ARRAY_SIZE(failures); i++) {
		vmware_create(BASIC_BATCHED);
		vmware_resize(100);
		host->judge_call = vmware_answer_call;
		vmware_answered = VMWARE_BATCHED_LOCK;
		vmware_answer = failures[i];
		host->calls_of[VMWARE_BATCHED_LOCK] = 0;
		vmware_resize(2000);
		CHECK_EQ(vmware_tested->size, 100);
		CHECK_EQ(vmware_tested->refused, 512);
		CHECK_EQ(host->calls_of[VMWARE_BATCHED_LOCK], 1);
		host->judge_call = NULL;
		vmware_step();
		CHECK_EQ(vmware_tested->size, 2000);
		vmware_destroy();
	}
}

TEST(vmware_balloon, every_status_of_an_entry_is_survived)
{
	for (vmware_answer = 1; vmware_answer <= VMWARE_ENTRY_STATUS; vmware_answer++) {
		vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
		host->judge = vmware_answer_call;
		vmware_answered = VMWARE_BATCHED_LOCK;
		vmware_resize(600);
		CHECK_EQ(vmware_tested->size, 512);
		vmware_answered = VMWARE_BATCHED_UNLOCK;
		vmware_resize(700);
		vmware_resize(1);
		host->judge = NULL;
		vmware_resize(0);
		CHECK_EQ(vmware_tested->size, 0);
		vmware_destroy();
	}
}

TEST(vmware_balloon, failed_unlock_leaves_the_pages_with_the_host)
{
	struct balloon_events before, after;

	vmware_create(BASIC_BATCHED);
	vmware_resize(700);
	balloon_events(&before);
	host->judge_call = vmware_answer_call;
	vmware_answered = VMWARE_BATCHED_UNLOCK;
	vmware_answer = VMWARE_BUSY;
	vmware_resize(0);
	CHECK_EQ(vmware_tested->size, 700);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_UNLOCK], 1);
	balloon_events(&after);
	CHECK_EQ(after.inflate - before.inflate, after.deflate - before.deflate);
	host->judge_call = NULL;
	vmware_step();
	CHECK_EQ(vmware_tested->size, 0);
	vmware_destroy();
}

static uint32_t keep_few(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)nr;
	return command == VMWARE_BATCHED_UNLOCK && frame % 64 == 0 ? VMWARE_PINNED : VMWARE_OK;
}

TEST(vmware_balloon, pages_the_host_keeps_are_asked_for_once_in_a_step)
{
	uint64_t kept;

	vmware_create(BASIC_BATCHED);
	vmware_resize(400);
	host->judge = keep_few;
	vmware_resize(0);
	kept = vmware_tested->size;
	CHECK(kept > 0 && kept <= 400 / 64 + 1);
	CHECK_EQ(vmware_tested->refused, kept);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_UNLOCK], 1);
	vmware_step();
	CHECK_EQ(vmware_tested->size, kept);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_UNLOCK], 2);
	host->judge = NULL;
	vmware_step();
	CHECK_EQ(vmware_tested->size, 0);
	vmware_destroy();
}

TEST(vmware_balloon, shell_lists_it)
{
	const char *text;

	vmware_create(BASIC_BATCHED);
	host->target = 700;
	REQUIRE(vmware_balloon_run(vmware_tested) == 0);
	WAIT_FOR(vmware_tested->size == 700);
	text_sink_open();
	shell_run_line("balloon");
	text = text_sink_close();
	CHECK(strstr(text,
		     "vmware: idle, target 700 pages, 700 at the host, 0 isolated, resets 1") !=
	      NULL);
	text_sink_open();
	shell_run_line("balloon -j");
	text = text_sink_close();
	CHECK(strstr(text, "\"device\":\"vmware\",\"state\":\"idle\",\"target\":700,"
			   "\"actual\":700,\"isolated\":0,\"resets\":1") != NULL);
	vmware_destroy();
}

static uint64_t most_frames; /* that the host takes singly */

static uint32_t refuse_blocks(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)nr;
	(void)frame;
	if (command == VMWARE_BATCHED_BLOCK_LOCK)
		return VMWARE_PINNED;
	if (command == VMWARE_BATCHED_LOCK && host->nr_held >= most_frames)
		return VMWARE_PINNED;
	return VMWARE_OK;
}

static void refused_blocks_become_pages(uint64_t frames)
{
	struct mm_statistics before, after;

	vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	vmware_step();
	mm_drain();
	mm_statistics(&before);
	host->judge = refuse_blocks;
	most_frames = frames;
	vmware_resize(16 * BALLOON_BLOCK_PAGES);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_BLOCK_LOCK], 1);
	CHECK_EQ(vmware_tested->size, frames);
	CHECK_EQ(balloon_pages(&vmware_tested->pages), frames);
	mm_drain();
	mm_statistics(&after);
	CHECK_EQ(before.free - after.free, frames);
	vmware_destroy();
}

TEST(vmware_balloon, W_T6_refused_blocks_are_tried_as_pages)
{
	refused_blocks_become_pages(16 * BALLOON_BLOCK_PAGES);
	refused_blocks_become_pages(1000);
	refused_blocks_become_pages(0);
}

/* One life with blocks and pages both ways. */
static void live(uint32_t offers)
{
	vmware_create(offers);
	for (unsigned i = 0; i < 2; i++) {
		vmware_step();
		vmware_resize(2 * BALLOON_BLOCK_PAGES + 10);
		vmware_resize(1200);
		vmware_resize(0);
	}
}

static void reset_at_each_call_of(uint32_t offers)
{
	unsigned calls;

	live(offers);
	calls = host->calls;
	vmware_destroy();
	for (unsigned at = 2; at <= calls + 1; at++) {
		vmware_create(offers);
		host->reset_at = at;
		vmware_resize(700);
		vmware_resize(30);
		vmware_resize(BALLOON_BLOCK_PAGES + 90);
		if (vmware_tested->host.reset_required) {
			CHECK_EQ(host->nr_held, 0);
			vmware_resize(0);
			CHECK_EQ(vmware_tested->size, 0);
			CHECK(!vmware_tested->host.reset_required);
		}
		host->reset_at = 0;
		vmware_step();
		vmware_resize(1200); /* more than it can have now: no slack */
		CHECK_EQ(vmware_tested->size, 1200);
		vmware_destroy();
	}
}

TEST(vmware_balloon, W_T7_reset_at_any_call_gives_all_pages_back_and_starts_again)
{
	vmware_create(BASIC_BATCHED);
	vmware_resize(100);
	host->reset_at = host->calls + 1;
	vmware_resize(200);
	CHECK(vmware_tested->host.reset_required);
	CHECK_EQ(vmware_tested->size, 100);
	host->target = 50;
	host->calls_of[VMWARE_BATCHED_UNLOCK] = 0;
	vmware_step();
	CHECK_EQ(host->calls_of[VMWARE_START], 2);
	CHECK_EQ(host->calls_of[VMWARE_BATCHED_UNLOCK], 0);
	CHECK_EQ(vmware_tested->size, 50);
	CHECK_EQ(vmware_tested->resets, 2);
	vmware_destroy();
	reset_at_each_call_of(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	reset_at_each_call_of(BASIC_BATCHED);
}

TEST(vmware_balloon, W_T8_a_few_pages_too_many_stay_unless_all_are_wanted)
{
	vmware_create(BASIC_BATCHED);
	vmware_resize(1000);
	vmware_tested->host.target = 600;
	CHECK_EQ(vmware_balloon_change(vmware_tested), 0);
	vmware_tested->host.target = 1000 - 512;
	CHECK_EQ(vmware_balloon_change(vmware_tested), -512);
	vmware_tested->host.target = 0;
	CHECK_EQ(vmware_balloon_change(vmware_tested), -1000);
	vmware_tested->host.target = 1001;
	CHECK_EQ(vmware_balloon_change(vmware_tested), 1);
	vmware_tested->host.reset_required = true;
	CHECK_EQ(vmware_balloon_change(vmware_tested), 0);
	vmware_tested->host.reset_required = false;
	vmware_destroy();
}

TEST(vmware_balloon, W_T9_host_that_counts_in_32_bits_is_not_asked_beyond)
{
	vmware_create(BASIC_BATCHED);
	vmware_step();
	host->target = 77;
	host->calls_of[VMWARE_GET_TARGET] = 0;
	CHECK_EQ(vmware_host_get_target(&vmware_tested->host, BIT64(32)), -EINVAL);
	CHECK_EQ(host->calls_of[VMWARE_GET_TARGET], 0);
	CHECK_EQ(vmware_tested->host.target, 0);
	CHECK_EQ(vmware_host_get_target(&vmware_tested->host, UINT32_MAX), 0);
	CHECK_EQ(vmware_tested->host.target, 77);
	vmware_destroy();
	vmware_create(BASIC_BATCHED | VMWARE_TARGET_64);
	vmware_step();
	CHECK_EQ(vmware_host_get_target(&vmware_tested->host, BIT64(32)), 0);
	CHECK_EQ(host->total_pages, BIT64(32));
	vmware_destroy();
}

TEST(vmware_balloon, W_T13_frame_above_32_bits_is_refused_in_single_mode)
{
	struct vmware_entry entry = {.frame = BIT64(32)};

	vmware_create(0);
	vmware_step();
	CHECK_EQ(vmware_host_move(&vmware_tested->host, true, false, &entry, 1), VMWARE_OK);
	CHECK_EQ(entry.status, VMWARE_BAD_FRAME);
	CHECK_EQ(host->calls_of[VMWARE_LOCK], 0);
	vmware_destroy();
}

TEST(vmware_balloon, start_that_is_refused_is_tried_again)
{
	vmware_create(BASIC_BATCHED);
	host->start_status = VMWARE_FAILURE;
	vmware_resize(100);
	vmware_step();
	CHECK_EQ(host->calls, 2);
	CHECK_EQ(vmware_tested->size, 0);
	host->start_status = VMWARE_OK;
	vmware_step();
	CHECK_EQ(vmware_tested->size, 100);
	vmware_destroy();
}

TEST(vmware_balloon, shortage_gives_pages_back_and_pauses)
{
	vmware_create(BASIC_BATCHED);
	vmware_resize(1000);
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 300), 300);
	vmware_compare();
	CHECK_EQ(vmware_tested->size, 700);
	CHECK_EQ(vmware_balloon_change(vmware_tested), 0);
	CHECK(vmware_tested->paused_until > clock_ns());
	vmware_tested->paused_until = clock_ns();
	CHECK_EQ(vmware_balloon_change(vmware_tested), 300);
	vmware_tested->host.reset_required = true;
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 300), 0);
	vmware_tested->host.reset_required = false;
	vmware_destroy();
}

#ifdef QUIRE_TEST_HOOKS
static void shrink(struct hook *hook)
{
	(void)hook;
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 300), 300);
}

/* Between the look at the target and the way there: what came back is not taken back once more,
 * nor given again before the pause is over. */
TEST(vmware_balloon, step_goes_by_the_size_that_a_shortage_left)
{
	struct hook hook = {.name = "vmware_targeted", .function = shrink};

	vmware_create(BASIC_BATCHED);
	vmware_resize(3000);
	hook_attach(&hook);
	vmware_resize(2400);
	CHECK_EQ(vmware_tested->size, 2700);
	vmware_resize(1800);
	CHECK_EQ(vmware_tested->size, 1800);
	vmware_resize(2000);
	CHECK_EQ(vmware_tested->size, 1500);
	hook_detach(&hook);
	vmware_destroy();
}
#endif

TEST(vmware_balloon, doorbell_is_hung_up_and_taken_down)
{
	vmware_model_create();
	vmware_tested =
		vmware_balloon_create(vmware_model_call, (struct vmware_doorbell){7, 9});
	NEED(vmware_tested, "no memory for the balloon");
	vmware_step();
	CHECK_EQ(host->doorbell[0], 7);
	CHECK_EQ(host->doorbell[1], 9);
	vmware_destroy();
	CHECK_EQ(host->doorbell[0], UINT32_MAX);
}

TEST(vmware_balloon, thread_follows_the_doorbell)
{
	vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	REQUIRE(vmware_balloon_run(vmware_tested) == 0);
	spin_lock(&vmware_tested->host.lock);
	host->target = 700;
	spin_unlock(&vmware_tested->host.lock);
	vmware_balloon_ring(vmware_tested);
	WAIT_FOR(vmware_tested->size == 700);
	vmware_destroy();
}

/* What the host holds when the machine starts again it would never give back. */
TEST(vmware_balloon, host_has_forgotten_all_when_the_machine_starts_again)
{
	struct page *source, *destination;

	vmware_model_create();
	vmware_tested =
		vmware_balloon_create(vmware_model_call, (struct vmware_doorbell){7, 9});
	NEED(vmware_tested, "no memory for the balloon");
	host->target = 700;
	REQUIRE(vmware_balloon_run(vmware_tested) == 0);
	WAIT_FOR(vmware_tested->size == 700);
	for (unsigned i = 0; i < 2; i++) { /* once more is harmless */
		CHECK_EQ(vmware_tested->shutdown.run(&vmware_tested->shutdown), 0);
		CHECK(vmware_tested->thread == NULL);
		CHECK_EQ(host->nr_held, 0);
		CHECK_EQ(host->agreed, 0);
		CHECK_EQ(host->doorbell[0], UINT32_MAX);
		CHECK_EQ(host->calls_of[VMWARE_BATCHED_UNLOCK], 0);
		CHECK_EQ(host->calls_of[VMWARE_BATCHED_BLOCK_UNLOCK], 0);
	}
	/* Nobody asks it for anything on the way down. */
	host->calls = 0;
	CHECK_EQ(vmware_tested->size, 700);
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 300), 0);
	source = vmware_first_page();
	destination = vmware_fresh_page();
	REQUIRE(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
	movable_putback(source);
	page_free(destination, 0);
	CHECK_EQ(host->calls, 0);
	vmware_destroy();
}

TEST(vmware_balloon, nobody_starts_without_a_host)
{
	struct balloon_events before, after;

	balloon_events(&before);
	vmware_balloon_probe(NULL);
	balloon_events(&after);
	CHECK_EQ(after.inflate, before.inflate);
}

static uint32_t random_entry(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)command;
	(void)nr;
	(void)frame;
	return test_random_below(20) ? VMWARE_OK : 1 + (uint32_t)test_random_below(6);
}

static uint32_t random_call(uint32_t command, unsigned nr, uint64_t frame)
{
	static const uint32_t failures[] = {VMWARE_FAILURE, VMWARE_BUSY, VMWARE_BAD_COMMAND};

	(void)command;
	(void)nr;
	(void)frame;
	return test_random_below(10) ? VMWARE_OK : failures[test_random_below(3)];
}

/* A page moves, or does not. */
static void migrate_one(void)
{
	struct page *source, *destination;
	int error;

	if (list_is_empty(&vmware_tested->pages.pages))
		return;
	source = vmware_first_page();
	destination = vmware_fresh_page();
	REQUIRE(movable_isolate(source));
	error = movable_migrate(destination, source);
	CHECK(error == 0 || error == -EBUSY || error == -EAGAIN);
	if (error)
		movable_putback(source);
	page_free(destination, 0);
	vmware_compare();
}

TEST(vmware_balloon, random_hosts_never_disagree)
{
	for (unsigned life = 0; life < 8; life++) {
		vmware_create(life % 4 == 0 ? 0
					    : (uint32_t)test_random_below(64) | VMWARE_BASIC);
		host->judge = random_entry;
		host->judge_call = random_call;
		for (unsigned i = 0; i < 60; i++) {
			if (test_random_below(8) == 0)
				host->reset_at =
					host->calls + 1 + (unsigned)test_random_below(6);
			if (test_random_below(8) == 0)
				vmware_balloon_shrink(vmware_tested, test_random_below(400));
			vmware_tested->paused_until = 0;
			if (test_random_below(2) == 0)
				migrate_one();
			vmware_resize(test_random_below(4) ? test_random_below(2500) : 0);
		}
		vmware_destroy();
	}
}

#ifdef QUIRE_TEST_HOOKS

static void fail_next(struct hook *hook)
{
	(void)hook;
	fault_arm(1);
}

TEST(vmware_balloon, W_T3_without_a_batch_page_it_starts_with_nothing_and_tries_again)
{
	struct hook dry = {.name = "vmware_batch_alloc", .function = fail_next};

	vmware_create(BASIC_BATCHED);
	hook_attach(&dry);
	vmware_resize(100);
	hook_detach(&dry);
	CHECK(fault_disarm());
	CHECK_EQ(host->calls_of[VMWARE_START], 2);
	CHECK_EQ(host->agreed, 0);
	CHECK(vmware_tested->host.reset_required);
	CHECK_EQ(vmware_tested->size, 0);
	vmware_step();
	CHECK_EQ(host->calls_of[VMWARE_START], 3);
	CHECK_EQ(vmware_tested->size, 100);
	vmware_destroy();
}

TEST(vmware_balloon, absurd_target_takes_what_there_is_and_no_more)
{
	vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	vmware_step();
	balloon_budget_start(5);
	vmware_resize(UINT64_MAX);
	balloon_budget_end();
	fault_disarm();
	CHECK_EQ(vmware_tested->size, 5 * BALLOON_BLOCK_PAGES);
	CHECK_EQ(vmware_tested->shortages, 1);
	vmware_destroy();
}

TEST(vmware_balloon, every_failed_allocation_of_its_making_is_undone)
{
	bool injected = true;

	vmware_model_create();
	for (unsigned n = 1; injected && n < 20; n++) {
		fault_arm(n);
		vmware_tested = vmware_balloon_create(vmware_model_call, VMWARE_NO_DOORBELL);
		injected = fault_disarm();
		CHECK(injected == (vmware_tested == NULL));
		if (vmware_tested)
			vmware_balloon_destroy(vmware_tested);
	}
	CHECK(!injected);
	vmware_model_destroy();
}

#endif

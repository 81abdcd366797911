// SPDX-License-Identifier: MIT
/*
 * Pages of the VMware balloon that move (spec-balloon C4), and resets beside them by forced
 * interleaving; both accounts compared after each.
 */
#include <errno.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <platform/clock.h>
#include <tests/drivers/vmware_fixture.h>
#include <tests/kernel/threads.h>
#include <tests/wait.h>

#define BASIC_BATCHED (VMWARE_BASIC | VMWARE_BATCHED)

static struct vmware_model *const host = &vmware_model;

static void give_up(void)
{
	vmware_destroy();
	NEED(false, "no memory for the balloon's pages");
}

/* All of it, or the test ends with nothing in the balloon. */
static void fill(uint64_t target)
{
	vmware_resize(target);
	if (vmware_tested->size != target)
		give_up();
}

TEST(vmware_migrate, pages_move_with_both_accounts)
{
	static const uint32_t offers[] = {0, BASIC_BATCHED};

	for (unsigned i = 0; i < ARRAY_SIZE(offers); i++) {
		struct page *source, *destination;

		vmware_create(offers[i]);
		fill(10);
		destination = vmware_fresh_page();
		source = vmware_first_page();
		REQUIRE(movable_isolate(source));
		vmware_compare();
		/* It has all it wants: only the right order of both calls works. */
		CHECK_EQ(movable_migrate(destination, source), 0);
		page_free(destination, 0);
		CHECK(vmware_model_holds(destination));
		CHECK(!vmware_model_holds(source));
		CHECK_EQ(vmware_tested->size, 10);
		vmware_compare();
		vmware_destroy();
	}
}

/* Refusal by the entry, then by the call. */
static void refuse_unlock(vmware_judge_fn **judge)
{
	struct page *source, *destination = vmware_fresh_page();

	vmware_create(BASIC_BATCHED);
	fill(10);
	source = vmware_first_page();
	REQUIRE(movable_isolate(source));
	*judge = vmware_answer_call;
	vmware_answered = VMWARE_BATCHED_UNLOCK;
	vmware_answer = VMWARE_PINNED;
	CHECK_EQ(movable_migrate(destination, source), -EBUSY);
	CHECK(vmware_model_holds(source));
	CHECK(!vmware_model_holds(destination));
	movable_putback(source);
	*judge = NULL;
	page_free(destination, 0);
	CHECK_EQ(vmware_tested->size, 10);
	vmware_compare();
	vmware_destroy();
}

TEST(vmware_migrate, W_T10_page_the_host_keeps_stays_in_the_balloon)
{
	refuse_unlock(&host->judge);
	refuse_unlock(&host->judge_call);
}

TEST(vmware_migrate, W_T11_destination_not_needed_makes_the_balloon_smaller)
{
	struct page *source, *destination = vmware_fresh_page();
	struct balloon_events before, after;

	vmware_create(BASIC_BATCHED);
	fill(10);
	host->target = 9;
	source = vmware_first_page();
	REQUIRE(movable_isolate(source));
	balloon_events(&before);
	REQUIRE(movable_migrate(destination, source) == 0);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, 1);
	CHECK_EQ(after.migrate, before.migrate);
	CHECK_EQ(vmware_tested->size, 9);
	CHECK(!vmware_model_holds(source));
	CHECK(!vmware_model_holds(destination));
	CHECK_EQ(folio_references((struct folio *)destination), 1);
	CHECK_EQ(page_type(source), PAGE_TYPE_NONE);
	page_free(destination, 0);
	vmware_compare();
	vmware_destroy();
}

TEST(vmware_migrate, W_T14_blocks_are_not_isolated_and_count_512_on_release)
{
	struct balloon_events before, after;
	struct page *block;

	vmware_create(BASIC_BATCHED | VMWARE_BATCHED_BLOCK);
	fill(BALLOON_BLOCK_PAGES);
	if (list_is_empty(&vmware_tested->blocks.pages))
		give_up();
	block = list_first(&vmware_tested->blocks.pages, struct page, list);
	CHECK(!movable_isolate(block));
	CHECK_EQ(balloon_entry_pages(block), BALLOON_BLOCK_PAGES);
	balloon_events(&before);
	vmware_resize(0);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, 512);
	vmware_destroy();
}

#ifdef QUIRE_TEST_HOOKS

static int step_beside(void *arg)
{
	(void)arg;
	vmware_balloon_step(vmware_tested);
	return 0;
}

static struct thread *beside(int (*function)(void *), void *arg)
{
	struct thread_attributes attributes = {
		.name = "beside", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *thread = thread_create(&attributes, function, arg);

	NEED(thread, "no thread");
	return thread;
}

TEST(vmware_migrate, W_T12_no_page_moves_during_a_reset)
{
	struct page *source, *destination = vmware_fresh_page();
	struct hook_gate gate;
	struct thread *thread;

	vmware_create(BASIC_BATCHED);
	fill(10);
	source = vmware_first_page();
	REQUIRE(movable_isolate(source));
	vmware_tested->host.reset_required = true;
	CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
	/* The same while it is under way, even if nothing is required any more. */
	hook_gate_attach(&gate, "vmware_reset", NULL);
	thread = beside(step_beside, NULL);
	hook_gate_wait(&gate);
	vmware_tested->host.reset_required = false;
	host->calls = 0;
	CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 5), 0);
	CHECK_EQ(host->calls, 0);
	movable_putback(source);
	hook_gate_detach(&gate);
	thread_join(thread);
	page_free(destination, 0);
	vmware_compare();
	CHECK_EQ(vmware_tested->size, 10);
	vmware_destroy();
}

TEST(vmware_migrate, who_is_out_of_memory_does_not_wait_for_an_inflation)
{
	struct hook_gate gate;
	struct thread *thread;

	vmware_create(BASIC_BATCHED);
	fill(10);
	host->target = 1000;
	hook_gate_attach(&gate, "balloon_alloc", NULL);
	thread = beside(step_beside, NULL);
	hook_gate_wait(&gate);
	CHECK_EQ(vmware_balloon_shrink(vmware_tested, 5), 0);
	CHECK_EQ(vmware_tested->paused_until, 0);
	hook_gate_detach(&gate);
	thread_join(thread);
	CHECK_EQ(vmware_tested->oom.give(&vmware_tested->oom, 1), VMWARE_GIVE_PAGES);
	CHECK_EQ(vmware_tested->size, 1000 - VMWARE_GIVE_PAGES);
	CHECK(vmware_tested->paused_until > 0);
	vmware_compare();
	vmware_destroy();
}

struct journey {
	struct page *destination;
	struct page *source;
	int error;
};

static int travel(void *arg)
{
	struct journey *journey = arg;

	journey->error = movable_migrate(journey->destination, journey->source);
	return 0;
}

static bool is_resetting(void)
{
	struct irq_state irq = wait_queue_lock(&vmware_tested->news);
	bool resetting = vmware_tested->resetting;

	wait_queue_unlock(&vmware_tested->news, irq);
	return resetting;
}

TEST(vmware_migrate, reset_waits_for_a_page_on_its_way)
{
	struct journey journey = {.destination = vmware_fresh_page()};
	struct thread *traveller, *resetter;
	struct hook_gate gate;

	vmware_create(BASIC_BATCHED);
	fill(10);
	journey.source = vmware_first_page();
	REQUIRE(movable_isolate(journey.source));
	hook_gate_attach(&gate, "vmware_source_unlocked", NULL);
	traveller = beside(travel, &journey);
	hook_gate_wait(&gate);
	vmware_tested->host.reset_required = true;
	resetter = test_thread_try(step_beside, NULL, THREAD_ANY_CPU);
	if (resetter) {
		WAIT_FOR(is_resetting());
		thread_sleep_ns(5 * NSEC_PER_MSEC);
		CHECK_EQ(host->calls_of[VMWARE_START], 1);
		CHECK_EQ(vmware_tested->size, 10);
	}
	hook_gate_detach(&gate);
	thread_join(traveller);
	CHECK_EQ(journey.error, 0);
	page_free(journey.destination, 0);
	if (!resetter)
		give_up();
	thread_join(resetter);
	CHECK_EQ(host->calls_of[VMWARE_START], 2);
	vmware_compare();
	vmware_destroy();
}

static struct page *isolated;

static void put_back(struct hook *hook)
{
	(void)hook;
	if (!isolated)
		return;
	CHECK_EQ(vmware_tested->size, 1);
	movable_putback(isolated);
	isolated = NULL;
}

TEST(vmware_migrate, reset_and_end_wait_for_an_isolated_page)
{
	struct hook hook = {.name = "vmware_isolated", .function = put_back};

	vmware_create(BASIC_BATCHED);
	fill(10);
	hook_attach(&hook);
	isolated = vmware_first_page();
	REQUIRE(movable_isolate(isolated));
	vmware_tested->host.reset_required = true;
	vmware_step();
	CHECK(isolated == NULL);
	if (vmware_tested->size != 10) {
		hook_detach(&hook);
		give_up();
	}
	isolated = vmware_first_page();
	REQUIRE(movable_isolate(isolated));
	vmware_destroy();
	CHECK(isolated == NULL);
	hook_detach(&hook);
}

#endif

// SPDX-License-Identifier: MIT
/*
 * Collaborative memory against a model of its hypervisor (tests/drivers/cmm_model.c), step by
 * step without a worker. After each step both accounts must be equal, page by page. No pseries
 * was ever there.
 */
#include <drivers/balloon/cmm_balloon.h>

#include <errno.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/balloon_budget.h>
#include <tests/drivers/cmm_model.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>
#include <tests/wait.h>

static struct cmm_model *const host = &cmm_model;
static struct cmm_balloon *balloon;

static void create_with(unsigned page_shift)
{
	balloon = cmm_balloon_create(cmm_model_create(page_shift));
	NEED(balloon, "no memory for the balloon");
	balloon->minimum_pages = 0;
}

static void create(void)
{
	create_with(PAGE_SHIFT);
}

static void compare(void)
{
	const char *problem = cmm_model_compare(balloon);

	CHECK_STR(problem ? problem : "equal", "equal");
}

static void step(void)
{
	CHECK_EQ(cmm_balloon_step(balloon), CMM_DELAY_NS);
	compare();
}

static void resize(uint64_t wanted)
{
	host->wanted = wanted;
	step();
}

/* The hypervisor asks for this whatever it has. */
static void request(int64_t pages)
{
	host->request_is_fixed = true;
	host->request = pages * (int64_t)PAGE_SIZE;
	step();
	host->request_is_fixed = false;
}

static void destroy(void)
{
	cmm_balloon_stop(balloon);
	compare();
	CHECK_EQ(balloon->loaned, 0);
	cmm_balloon_destroy(balloon);
	CHECK_EQ(host->nr_loaned, host->nr_stray);
	CHECK_EQ(host->errors, 0);
	cmm_model_destroy();
}

TEST(cmm_balloon, C_T1_parts_done_are_undone_when_one_fails)
{
	struct mm_statistics before, after;

	create_with(PAGE_SHIFT - 4);
	mm_drain();
	mm_statistics(&before);
	host->fail_from = host->fail_to = 10;
	resize(3);
	CHECK_EQ(host->calls, 10 + 9);
	CHECK_EQ(host->loans, 9);
	CHECK_EQ(host->activations, 9);
	CHECK_EQ(host->nr_loaned, 0);
	CHECK_EQ(balloon->loaned, 0);
	mm_drain();
	mm_statistics(&after);
	CHECK_EQ(after.free, before.free);
	resize(3);
	CHECK_EQ(balloon->loaned, 3);
	destroy();
}

TEST(cmm_balloon, C_T2_request_adds_to_what_is_on_loan)
{
	create();
	resize(50);
	request(100);
	CHECK_EQ(balloon->target, 150);
	CHECK_EQ(balloon->loaned, 150);
	destroy();
}

TEST(cmm_balloon, C_T3_request_for_more_than_there_is_ends_at_zero)
{
	create();
	resize(50);
	request(-80);
	CHECK_EQ(balloon->target, 0);
	CHECK_EQ(balloon->loaned, 0);
	destroy();
}

TEST(cmm_balloon, C_T4_minimum_stays_with_the_guest)
{
	const uint64_t mib = MIB(1) >> PAGE_SHIFT;
	struct mm_statistics now;

	CHECK_EQ(cmm_target((int64_t)MIB(100), 0, 300 * mib, 256 * mib, 0), 44 * mib);
	CHECK_EQ(cmm_target((int64_t)MIB(100), 10 * mib, 300 * mib, 256 * mib, 0), 44 * mib);
	CHECK_EQ(cmm_target((int64_t)MIB(100), 0, 255 * mib, 256 * mib, 0), 0);
	CHECK_EQ(cmm_target((int64_t)MIB(100), 0, 256 * mib, 256 * mib, 0), 0);
	CHECK_EQ(cmm_target(INT64_MAX, 0, 300 * mib, 256 * mib, 0), 44 * mib);
	CHECK_EQ(cmm_target(INT64_MIN, 7, 300 * mib, 256 * mib, 0), 0);
	CHECK_EQ(cmm_target((int64_t)MIB(30), 0, 300 * mib, 256 * mib, 5), 30 * mib - 5);
	CHECK_EQ(cmm_target((int64_t)MIB(1), 0, 300 * mib, 256 * mib, 1000), 0);
	create();
	mm_statistics(&now);
	balloon->minimum_pages = now.managed - 440;
	resize(1000);
	CHECK_EQ(balloon->target, 440);
	CHECK_EQ(balloon->loaned, 440);
	step();
	CHECK_EQ(balloon->loaned, 440);
	destroy();
}

TEST(cmm_balloon, C_T5_what_went_back_for_want_of_memory_is_not_taken_again)
{
	create();
	resize(1000);
	CHECK_EQ(cmm_balloon_oom(balloon), 256);
	compare();
	CHECK_EQ(balloon->loaned, 744);
	CHECK_EQ(balloon->target, 744);
	step();
	CHECK_EQ(balloon->target, 744);
	CHECK_EQ(balloon->loaned, 744);
	CHECK_EQ(cmm_balloon_set_oom_freed(balloon, 0), 0);
	step();
	CHECK_EQ(balloon->loaned, 1000);
	destroy();
}

TEST(cmm_balloon, C_T6_only_zero_may_be_written)
{
	create();
	resize(300);
	CHECK_EQ(cmm_balloon_oom(balloon), 256);
	CHECK_EQ(cmm_balloon_set_oom_freed(balloon, 5), -EINVAL);
	CHECK_EQ(balloon->oom_freed, 256);
	CHECK_EQ(cmm_balloon_oom(balloon), 44);
	CHECK_EQ(balloon->oom_freed, 300);
	destroy();
}

static int step_beside(void *arg)
{
	uint64_t *delay = arg;

	*delay = cmm_balloon_step(balloon);
	return 0;
}

static uint64_t step_in_other_thread(void)
{
	struct thread_attributes attributes = {
		.name = "step", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	uint64_t delay = 0;
	struct thread *thread = thread_create(&attributes, step_beside, &delay);

	NEED(thread, "no thread");
	thread_join(thread);
	return delay;
}

TEST(cmm_balloon, C_T7_nothing_moves_while_memory_goes_offline)
{
	create();
	resize(10);
	host->wanted = 100;
	cmm_balloon_hotplug_begin(balloon);
	CHECK_EQ(step_in_other_thread(), CMM_DELAY_NS);
	CHECK_EQ(balloon->loaned, 10);
	cmm_balloon_hotplug_end(balloon);
	CHECK_EQ(cmm_balloon_step(balloon), CMM_HOTPLUG_DELAY_NS);
	CHECK_EQ(balloon->loaned, 10);
	step();
	CHECK_EQ(balloon->loaned, 100);
	destroy();
}

TEST(cmm_balloon, C_T7_loaned_page_in_a_range_that_goes_offline_moves_out)
{
	struct page *source;
	struct pfn busy;

	create();
	resize(50);
	offline_notifier_register(&balloon->offline);
	source = list_first(&balloon->core.pages, struct page, list);
	REQUIRE(memory_offline(page_to_pfn(source), 1, &busy) == 0);
	CHECK(!cmm_model_holds(source));
	CHECK_EQ(balloon->loaned, 50);
	compare();
	memory_online(page_to_pfn(source), 1);
	offline_notifier_unregister(&balloon->offline);
	CHECK_EQ(cmm_balloon_step(balloon), CMM_HOTPLUG_DELAY_NS);
	destroy();
}

TEST(cmm_balloon, C_T9_destination_that_cannot_be_loaned_changes_nothing)
{
	struct page *source, *destination = page_alloc(NODE_ANY, 0, 0);

	NEED(destination, "no page");
	create();
	resize(5);
	source = list_first(&balloon->core.pages, struct page, list);
	REQUIRE(movable_isolate(source));
	host->fail_from = host->fail_to = host->calls + 1;
	CHECK_EQ(movable_migrate(destination, source), -EBUSY);
	CHECK(cmm_model_holds(source));
	CHECK(!cmm_model_holds(destination));
	movable_putback(source);
	compare();
	CHECK_EQ(balloon->loaned, 5);
	REQUIRE(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	CHECK(!cmm_model_holds(source));
	CHECK(cmm_model_holds(destination));
	page_free(destination, 0);
	compare();
	destroy();
}

TEST(cmm_balloon, C_T10_source_that_stays_on_loan_at_the_host_has_moved_all_the_same)
{
	struct page *source, *destination = page_alloc(NODE_ANY, 0, 0);

	NEED(destination, "no page");
	create();
	resize(5);
	source = list_first(&balloon->core.pages, struct page, list);
	REQUIRE(movable_isolate(source));
	host->fail_from = host->fail_to = host->calls + 2;
	REQUIRE(movable_migrate(destination, source) == 0);
	CHECK_EQ(balloon->failures, 1);
	CHECK_EQ(balloon->loaned, 5);
	CHECK_EQ(host->nr_stray, 1);
	CHECK(cmm_model_holds(destination));
	page_free(destination, 0);
	compare();
	destroy();
}

/* Is it there for who ends the machine? */
static bool is_shutdown_hook(const struct shutdown_hook *wanted)
{
	struct irq_state irq = spin_lock_irqsave(&shutdown_hooks.lock);
	const struct shutdown_hook *hook;
	bool found = false;

	list_for_each_entry (hook, &shutdown_hooks.hooks, link)
		found |= hook == wanted;
	spin_unlock_irqrestore(&shutdown_hooks.lock, irq);
	return found;
}

TEST(cmm_balloon, C_T11_nothing_is_on_loan_when_the_machine_starts_again)
{
	create();
	host->wanted = 300;
	REQUIRE(cmm_balloon_run(balloon) == 0);
	CHECK_EQ(cmm_balloon_run(balloon), -EALREADY);
	WAIT_FOR(balloon->loaned == 300);
	CHECK(is_shutdown_hook(&balloon->shutdown));
	CHECK_EQ(balloon->shutdown.run(&balloon->shutdown), 0);
	CHECK(balloon->thread == NULL);
	CHECK_EQ(balloon->loaned, 0);
	CHECK_EQ(host->nr_loaned, 0);
	compare();
	/* Once more is harmless. */
	shutdown_hook_unregister(&shutdown_hooks, &balloon->shutdown);
	cmm_balloon_stop(balloon);
	CHECK(!is_shutdown_hook(&balloon->shutdown));
	CHECK_EQ(balloon->loaned, 0);
	CHECK_EQ(host->nr_loaned, 0);
	compare();
	/* Switched on again it follows again. */
	REQUIRE(cmm_balloon_run(balloon) == 0);
	WAIT_FOR(balloon->loaned == 300);
	CHECK_EQ(balloon->oom.give(&balloon->oom, 1), CMM_OOM_PAGES);
	destroy();
}

/* Migration is always built in: what the row means is a record ready from its first moment. */
TEST(cmm_balloon, C_T12_record_is_ready_before_its_first_use)
{
	create();
	CHECK(list_is_empty(&balloon->core.pages));
	CHECK_EQ(balloon_pages(&balloon->core), 0);
	CHECK_EQ(cmm_balloon_oom(balloon), 0);
	compare();
	resize(1);
	CHECK_EQ(balloon->loaned, 1);
	destroy();
}

TEST(cmm_balloon, failed_query_changes_nothing)
{
	create();
	resize(70);
	host->performance_error = -EIO;
	resize(0);
	CHECK_EQ(balloon->loaned, 70);
	CHECK_EQ(balloon->target, 70);
	CHECK_EQ(balloon->failures, 1);
	host->performance_error = 0;
	step();
	CHECK_EQ(balloon->loaned, 0);
	destroy();
}

TEST(cmm_balloon, simulated_host_is_nobody)
{
	create();
	destroy();
	balloon = cmm_balloon_create(NULL);
	NEED(balloon, "no memory for the balloon");
	balloon->minimum_pages = 0;
	balloon->loan_wanted = 600;
	CHECK_EQ(cmm_balloon_step(balloon), CMM_DELAY_NS);
	CHECK_EQ(balloon_pages(&balloon->core), 600);
	balloon->loan_wanted = 0;
	cmm_balloon_step(balloon);
	CHECK_EQ(balloon_pages(&balloon->core), 0);
	cmm_balloon_destroy(balloon);
}

static bool fails_at_random(bool loaned)
{
	return test_random_below(loaned ? 300 : 60) == 0;
}

/* A page moves, or does not. */
static void migrate_one(void)
{
	struct page *source, *destination;
	int error;

	if (list_is_empty(&balloon->core.pages))
		return;
	source = list_first(&balloon->core.pages, struct page, list);
	destination = page_alloc(NODE_ANY, 0, 0);
	if (!destination || !movable_isolate(source))
		ERROR("no page to migrate");
	error = movable_migrate(destination, source);
	CHECK(error == 0 || error == -EBUSY);
	if (error)
		movable_putback(source);
	page_free(destination, 0);
	compare();
}

TEST(cmm_balloon, random_hosts_never_disagree)
{
	create_with(PAGE_SHIFT - 2);
	host->fails = fails_at_random;
	for (unsigned i = 0; i < 300; i++) {
		if (test_random_below(10) == 0)
			cmm_balloon_oom(balloon);
		if (test_random_below(10) == 0)
			CHECK_EQ(cmm_balloon_set_oom_freed(balloon, 0), 0);
		if (test_random_below(3) == 0)
			migrate_one();
		resize(test_random_below(4) ? test_random_below(1000) : 0);
	}
	destroy();
}

#ifdef QUIRE_TEST_HOOKS

TEST(cmm_balloon, C_T8_target_is_what_could_be_had)
{
	create();
	resize(10);
	balloon_budget_start(25);
	resize(100);
	balloon_budget_end();
	CHECK(fault_disarm());
	CHECK_EQ(balloon->loaned, 35);
	CHECK_EQ(balloon->target, 35);
	CHECK_EQ(balloon->shortages, 1);
	destroy();
}

static void begin_hotplug(struct hook *hook)
{
	(void)hook;
	if (balloon->loaned == 20) {
		cmm_balloon_hotplug_begin(balloon);
		cmm_balloon_hotplug_end(balloon);
	}
}

TEST(cmm_balloon, C_T7_memory_that_goes_offline_ends_a_loan_under_way)
{
	struct hook offline = {.name = "cmm_loan", .function = begin_hotplug};

	create();
	hook_attach(&offline);
	resize(100);
	hook_detach(&offline);
	CHECK_EQ(balloon->loaned, 20);
	CHECK_EQ(cmm_balloon_step(balloon), CMM_HOTPLUG_DELAY_NS);
	step();
	CHECK_EQ(balloon->loaned, 100);
	destroy();
}

static struct page *isolated;

static void put_back(struct hook *hook)
{
	(void)hook;
	if (!isolated)
		return;
	CHECK_EQ(balloon->loaned, 1);
	movable_putback(isolated);
	isolated = NULL;
}

TEST(cmm_balloon, stop_waits_for_an_isolated_page)
{
	struct hook stop = {.name = "cmm_stop", .function = put_back};

	create();
	resize(30);
	isolated = list_first(&balloon->core.pages, struct page, list);
	REQUIRE(movable_isolate(isolated));
	hook_attach(&stop);
	cmm_balloon_stop(balloon);
	hook_detach(&stop);
	CHECK(isolated == NULL);
	CHECK_EQ(balloon->loaned, 0);
	destroy();
}

static _Atomic bool go;

static void wait_to_go(void)
{
	uint64_t begin = clock_ns();

	while (!go && wait_a_little(begin))
		;
}

static int step_then(void *arg)
{
	(void)arg;
	wait_to_go();
	CHECK_EQ(cmm_balloon_step(balloon), CMM_DELAY_NS);
	return 0;
}

static int need_then(void *arg)
{
	(void)arg;
	wait_to_go();
	CHECK_EQ(cmm_balloon_oom(balloon), 256);
	return 0;
}

/* Let the other thread begin at that point, and give it time to end. */
static void go_on(struct hook *hook)
{
	(void)hook;
	go = true;
	thread_sleep_ns(20 * NSEC_PER_MSEC);
}

TEST(cmm_balloon, C_T5_look_while_pages_go_back_does_not_take_them_again)
{
	struct hook given = {.name = "cmm_given", .function = go_on};
	struct thread *worker;

	create();
	go = false;
	worker = test_thread(step_then, NULL, THREAD_ANY_CPU);
	resize(1000);
	hook_attach(&given);
	CHECK_EQ(cmm_balloon_oom(balloon), 256);
	hook_detach(&given);
	thread_join(worker);
	CHECK_EQ(balloon->loaned, 744);
	CHECK_EQ(balloon->target, 744);
	compare();
	destroy();
}

TEST(cmm_balloon, C_T5_pages_that_go_back_during_a_look_are_counted_once)
{
	struct hook requested = {.name = "cmm_requested", .function = go_on};
	struct thread *needy;

	create();
	go = false;
	needy = test_thread(need_then, NULL, THREAD_ANY_CPU);
	resize(1000);
	hook_attach(&requested);
	CHECK_EQ(cmm_balloon_step(balloon), CMM_DELAY_NS);
	hook_detach(&requested);
	thread_join(needy);
	CHECK_EQ(balloon->loaned, 744);
	compare();
	destroy();
}

#endif

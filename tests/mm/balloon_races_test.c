// SPDX-License-Identifier: MIT
/*
 * Races of isolation, dequeue and migration of ballooned pages (spec-balloon A8), by forced
 * interleaving.
 */
#include <tests/mm/balloon_fixture.h>

#ifdef QUIRE_TEST_HOOKS
#include <errno.h>
#include <kernel/hook.h>
#include <mm/migrate.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

/* What another CPU does in the middle of an isolation is done by the hook itself: the hooks lie
 * where a single CPU could not let another thread run. */
static struct page *met;

static void inflate_now(struct hook *hook)
{
	(void)hook;
	balloon_enqueue(&mover, met);
}

static void deflate_now(struct hook *hook)
{
	(void)hook;
	CHECK(balloon_dequeue(&mover) == met);
	page_put(met);
}

static bool isolate_while(const char *point, void (*meanwhile)(struct hook *hook),
			  struct page *page)
{
	struct hook hook = {.name = point, .function = meanwhile};
	bool isolated;

	met = page;
	hook_attach(&hook);
	isolated = movable_isolate(page);
	hook_detach(&hook);
	return isolated;
}

TEST(balloon_races, B_T12_isolation_meets_inflation)
{
	struct page *page;

	/* Before: no flag yet. */
	mover_create(true);
	page = mover_page(0);
	CHECK(!movable_isolate(page));
	/* During: the flag is seen from an earlier life of the page, nothing is linked yet. */
	page_flag_set(page, PAGE_MOVABLE_OPS);
	page_set_type(page, PAGE_TYPE_OFFLINE);
	CHECK(!movable_isolate(page));
	/* Asked before the page is linked, answered after. */
	CHECK(isolate_while("balloon_isolate", inflate_now, page));
	CHECK_EQ(page->private, (uintptr_t)&mover);
	CHECK_EQ(mover.isolated, 1);
	movable_putback(page);
	mover_destroy(&mover);
}

/* The page is dequeued and freed when its isolation has come to `point`. */
static void deflate_before(const char *point, bool expected)
{
	struct page *page;

	mover_create(true);
	page = mover_inflated(&mover);
	CHECK_EQ(isolate_while(point, deflate_now, page), expected);
	CHECK_EQ(balloon_pages(&mover), 0);
	mover_destroy(&mover);
}

TEST(balloon_races, page_deflated_under_way_is_let_go)
{
	deflate_before("movable_isolate_seen", false);
	deflate_before("movable_isolate_held", false);
	deflate_before("balloon_isolate", false);
}

/* ---- B-T14: the last page leaves by ENOENT while a dequeue has found nothing ---- */

static struct hook_gate vacating;
static _Atomic bool migration_done;
static struct page *last_destination;

static int migrate_last(void *arg)
{
	CHECK_EQ(movable_migrate(last_destination, arg), 0);
	page_put(last_destination);
	atomic_store(&migration_done, true);
	return 0;
}

/* The dequeue has found the list empty: let the migration run as far as it can. In one section
 * of the list lock it cannot end before that section does. */
static void let_migration_go(struct hook *hook)
{
	(void)hook;
	hook_gate_open(&vacating);
	for (unsigned i = 0; i < 5000 && !atomic_load(&migration_done); i++)
		cpu_relax();
}

TEST(balloon_races, B_T14_last_page_leaves_between_attempt_and_test)
{
	static struct hook found_nothing = {.name = "balloon_dequeued",
					    .function = let_migration_go};
	struct thread *thread;
	struct page *page;

	mover_create(true);
	mover_answers[0] = -ENOENT;
	atomic_store(&migration_done, false);
	page = mover_inflated(&mover);
	last_destination = mover_page(0);
	REQUIRE(movable_isolate(page));
	hook_gate_attach(&vacating, "balloon_vacate", NULL);
	thread = test_thread(migrate_last, page, THREAD_ANY_CPU);
	hook_gate_wait(&vacating);
	hook_attach(&found_nothing);
	CHECK(balloon_dequeue(&mover) == NULL);
	hook_detach(&found_nothing);
	thread_join(thread);
	hook_gate_detach(&vacating);
	CHECK(atomic_load(&migration_done));
	CHECK_EQ(balloon_pages(&mover), 0);
	mover_destroy(&mover);
}

#endif

// SPDX-License-Identifier: MIT
/*
 * Ballooned pages under random steps (B-T15), and under a client and several movers at once,
 * for the sanitizers.
 */
#include <tests/mm/balloon_fixture.h>

#include <errno.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <mm/zone.h>
#include <tests/kernel/threads.h>
#include <tests/mm/reclaim_hold.h>
#include <tests/test.h>

static struct page *out[64]; /* isolated */
static unsigned out_count;

static void stress_isolate(struct balloon_device *which)
{
	struct page *page;

	if (which->listed == 0 || out_count == ARRAY_SIZE(out))
		return;
	page = list_first(&which->pages, struct page, list);
	if (movable_isolate(page))
		out[out_count++] = page;
}

static void stress_end_one(void)
{
	static const int codes[] = {0, 0, -EAGAIN, -EBUSY, -ENOENT, -EIO};
	struct page *page, *destination;
	unsigned nr;

	if (out_count == 0)
		return;
	nr = (unsigned)test_random_below(out_count);
	page = out[nr];
	out[nr] = out[--out_count];
	mover_answers[0] = codes[test_random_below(ARRAY_SIZE(codes))];
	atomic_store(&mover_asked, 0);
	destination = page_alloc(NODE_ANY, 0, test_random_below(2) ? FOLIO_DMA : 0);
	if (!destination || movable_migrate(destination, page))
		movable_putback(page);
	if (destination)
		page_put(destination);
}

static void stress_step(struct balloon_device *which)
{
	struct list_head entries = LIST_INIT(entries);
	struct page *page;

	switch (test_random_below(5)) {
	case 0:
	case 1:
		page = page_alloc(NODE_ANY, 0, test_random_below(2) ? FOLIO_DMA : 0);
		if (page)
			balloon_enqueue(which, page);
		break;
	case 2:
		balloon_dequeue_list(which, &entries, test_random_below(3));
		balloon_free_list(&entries);
		break;
	case 3:
		stress_isolate(which);
		break;
	default:
		stress_end_one();
	}
}

TEST(balloon_stress, B_T15_random_steps_on_two_nodes_keep_the_invariants)
{
	struct mm_statistics before, after;
	struct page *probe = mover_page(FOLIO_DMA);
	struct zone *zone = page_zone(probe);
	struct reclaim_hold hold;

	page_put(probe);
	mm_statistics(&before);
	mover_create(true);
	balloon_device_init(&mover_other, "other", true, mover_answer);
	reclaim_hold(&hold); /* it reads the zone's node */
	zone->node += 1;
	for (int i = 0; i < 1000; i++) {
		stress_step(test_random_below(2) ? &mover : &mover_other);
		if (balloon_check())
			CHECK_STR(balloon_check(), "");
		mm_statistics(&after);
		if (after.managed + balloon_pages(&mover) + balloon_pages(&mover_other) !=
		    before.managed)
			CHECK(false);
	}
	while (out_count > 0)
		stress_end_one();
	CHECK_EQ(mover.isolated + mover_other.isolated, 0);
	mover_destroy(&mover);
	mover_destroy(&mover_other);
	zone->node -= 1;
	reclaim_let_go(&hold);
	mm_statistics(&after);
	CHECK_EQ(after.managed, before.managed);
}

/* ---- everybody at once, for the sanitizers ---- */

#define CROWD_PAGES 64

static struct page *crowd_pages[CROWD_PAGES]; /* any of them may be anything at any time */
static _Atomic bool crowd_ends;

static int crowd_answer(struct balloon_device *asking, struct page *destination,
			struct page *source)
{
	static const int codes[] = {0, -EAGAIN, -EBUSY, -ENOENT};

	CHECK(asking == &mover && destination != source);
	return codes[atomic_fetch_add(&mover_asked, 1) % ARRAY_SIZE(codes)];
}

static int crowd_client(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2000; i++) {
		struct list_head entries = LIST_INIT(entries);
		struct page *page = page_alloc(NODE_ANY, 0, 0);

		if (page)
			balloon_enqueue(&mover, page);
		balloon_dequeue_list(&mover, &entries, i % 3);
		balloon_free_list(&entries);
	}
	atomic_store(&crowd_ends, true);
	return 0;
}

static int crowd_mover(void *arg)
{
	unsigned at = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&crowd_ends)) {
		struct page *page = crowd_pages[at++ % CROWD_PAGES];
		struct list_head pages = LIST_INIT(pages);

		if (!movable_isolate(page))
			continue;
		list_add_tail(&pages, &page->list);
		(void)migrate_pages(&pages);
		migrate_putback(&pages);
	}
	return 0;
}

/* False: memory was short for one of the threads; none is left, and the client, which changes
 * how much the balloon has, was not there. */
static bool crowd_plays(void)
{
	struct thread *movers[2] = {NULL}, *client = NULL;

	movers[0] = test_thread_try(crowd_mover, (void *)0, THREAD_ANY_CPU);
	if (movers[0])
		movers[1] = test_thread_try(crowd_mover, (void *)7, THREAD_ANY_CPU);
	if (movers[1])
		client = test_thread_try(crowd_client, NULL, THREAD_ANY_CPU);
	if (client)
		thread_join(client);
	atomic_store(&crowd_ends, true);
	for (unsigned i = 0; i < ARRAY_SIZE(movers); i++) {
		if (movers[i])
			thread_join(movers[i]);
	}
	return client != NULL;
}

TEST(balloon_stress, client_and_movers_at_once_keep_the_invariants)
{
	struct mm_statistics before, after;

	mm_statistics(&before);
	atomic_store(&mover_asked, 0);
	atomic_store(&crowd_ends, false);
	balloon_device_init(&mover, "test", true, crowd_answer);
	for (unsigned i = 0; i < CROWD_PAGES; i++)
		crowd_pages[i] = mover_inflated(&mover);
	NEED(crowd_plays(), "no memory for a thread");
	CHECK_EQ(mover.isolated, 0);
	CHECK(balloon_check() == NULL);
	mm_statistics(&after);
	CHECK_EQ(after.managed + balloon_pages(&mover), before.managed);
	mover_destroy(&mover);
}

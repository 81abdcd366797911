// SPDX-License-Identifier: MIT
/*
 * Requests that may sleep, when all memory is taken: only on targets, whose memory is small.
 */
#include <kernel/kmem.h>
#include <kernel/thread.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>
#include <mm/zone.h>
#include <tests/test.h>

/* All of memory as single pages, but what is kept for others. */
static uint64_t take_all(struct list_head *taken)
{
	struct page *pages[64];
	uint64_t count = 0;
	unsigned got;

	do {
		got = page_alloc_bulk(NODE_ANY, FOLIO_NOWARN | FOLIO_NORETRY, pages, 64);
		for (unsigned i = 0; i < got; i++)
			list_add_tail(taken, &pages[i]->list);
		count += got;
	} while (got > 0);
	return count;
}

static void give_all(struct list_head *taken)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, taken, list) {
		list_del(&page->list);
		page_put(page);
	}
}

static struct balloon_device device;

static int agree(struct balloon_device *asking, struct page *destination, struct page *source)
{
	CHECK(asking == &device && destination != source);
	return 0;
}

/* Every page of memory is in a balloon, but each fourth, which is free. */
TEST(reclaim, order_9_request_is_satisfied_by_moving_ballooned_pages)
{
	struct list_head taken = LIST_INIT(taken), entries = LIST_INIT(entries);
	struct reclaim_statistics before, after;
	struct page *page, *next;
	struct folio *folio;
	uint64_t pages;

	balloon_device_init(&device, "test", false, agree);
	(void)take_all(&taken);
	list_for_each_entry_safe (page, next, &taken, list) {
		list_del(&page->list);
		if (page_to_pfn(page).nr % 4)
			list_add_tail(&entries, &page->list);
		else
			page_put(page);
	}
	pages = balloon_enqueue_list(&device, &entries);
	reclaim_statistics(&before);
	/* What was left as a reserve lies in whole blocks. */
	while ((folio = folio_alloc(NODE_ANY, 9, FOLIO_NOWARN, NULL)) != NULL)
		list_add_tail(&taken, &folio->page.list);
	folio = folio_alloc(NODE_ANY, 9, FOLIO_NOWARN | FOLIO_MAY_SLEEP, NULL);
	reclaim_statistics(&after);
	CHECK(folio != NULL);
	CHECK_EQ(after.by_compaction, before.by_compaction + 1);
	CHECK_EQ(balloon_pages(&device), pages);
	CHECK_EQ(device.isolated, 0);
	if (folio)
		folio_put(folio);
	give_all(&taken);
	balloon_dequeue_list(&device, &entries, UINT64_MAX);
	balloon_free_list(&entries);
	CHECK(balloon_check() == NULL);
	balloon_device_destroy(&device);
}

/* Out-of-memory hook that gives back what it holds. */
static struct list_head held = LIST_INIT(held);
static unsigned hook_calls;

static uint64_t give_held(struct oom_hook *hook, uint64_t pages)
{
	(void)hook;
	hook_calls++;
	CHECK(pages >= 1);
	/* A request of its own is not helped, and does not end here again. */
	if (list_is_empty(&held))
		return 0;
	give_all(&held);
	return pages;
}

static struct oom_hook hook = {.name = "test", .give = give_held};

/* What is kept for others, too. CPUs that this thread was moved away from keep nothing. */
static void take_rest(struct list_head *taken)
{
	struct page *page;

	while ((page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN)) != NULL)
		list_add_tail(taken, &page->list);
	zones_drain();
}

/* All memory is taken; so many pages of it are what the hook has to give. */
static void exhaust(struct list_head *taken, unsigned for_hook)
{
	struct page *page;

	oom_hook_register(&hook);
	hook_calls = 0;
	(void)take_all(taken);
	for (unsigned i = 0; i < for_hook; i++) {
		page = list_first(taken, struct page, list);
		list_del(&page->list);
		list_add_tail(&held, &page->list);
	}
	take_rest(taken);
	CHECK_EQ(hook_calls, 0);
}

static void relieve(struct list_head *taken)
{
	give_all(&held);
	give_all(taken);
	oom_hook_unregister(&hook);
}

static const struct thread *asker;

/* What somebody else frees while the request asks the caches, which have nothing. The reclaim
 * thread asks them, too. */
static uint64_t freed_by_another(struct shrinker *shrinker,
				 const struct shrink_request *request)
{
	(void)shrinker;
	(void)request;
	if (thread_current() == asker)
		give_all(&held);
	return SHRINK_EMPTY;
}

static uint64_t scan_nothing(struct shrinker *shrinker, struct shrink_request *request)
{
	(void)shrinker;
	(void)request;
	return SHRINK_STOP;
}

TEST(reclaim, request_finds_what_another_freed_while_the_caches_had_nothing)
{
	static const struct shrinker_attributes attributes = {
		.name = "test", .count = freed_by_another, .scan = scan_nothing, .seeks = 2};
	struct shrinker *shrinker = shrinker_alloc(&attributes);
	struct list_head taken = LIST_INIT(taken);
	struct reclaim_statistics before, after;
	struct page *page;

	NEED(shrinker, "no memory for a shrinker");
	exhaust(&taken, 4096);
	oom_hook_unregister(&hook); /* it would be asked, and have nothing */
	while (shrink_node(0, 0) > 0)
		;
	take_rest(&taken);
	asker = thread_current();
	shrinker_register(shrinker);
	reclaim_statistics(&before);
	page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_MAY_SLEEP);
	reclaim_statistics(&after);
	CHECK(page != NULL);
	CHECK_EQ(after.failed, before.failed);
	CHECK_EQ(after.by_shrinkers, before.by_shrinkers + 1);
	CHECK(list_is_empty(&held));
	if (page)
		page_put(page);
	shrinker_free(shrinker);
	oom_hook_register(&hook);
	relieve(&taken);
}

TEST(reclaim, request_that_may_sleep_asks_the_hooks_before_it_fails)
{
	struct list_head taken = LIST_INIT(taken);
	struct reclaim_statistics before, after;
	struct page *page;

	exhaust(&taken, 4096);
	reclaim_statistics(&before);
	page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_MAY_SLEEP);
	reclaim_statistics(&after);
	CHECK(page != NULL);
	CHECK(after.by_hooks + after.by_shrinkers == before.by_hooks + before.by_shrinkers + 1);
	if (page)
		page_put(page);
	relieve(&taken);
}

/* What malloc() stands on: helped where the caller may sleep, not helped where it may not. */
TEST(reclaim, object_of_a_thread_is_helped_and_one_of_a_busy_cpu_is_not)
{
	struct list_head taken = LIST_INIT(taken);
	void *object;

	exhaust(&taken, 4096);
	preempt_disable();
	object = kmem_alloc(4 * PAGE_SIZE);
	preempt_enable();
	CHECK(object == NULL);
	CHECK_EQ(hook_calls, 0);
	object = kmem_alloc(4 * PAGE_SIZE);
	CHECK(object != NULL);
	CHECK_EQ(hook_calls, 1);
	kmem_free(object);
	relieve(&taken);
}

/* The hook gave less than the reserve lacks: the request takes its page from there. */
TEST(reclaim, what_was_given_to_a_request_is_its_own_below_the_reserve)
{
	struct list_head taken = LIST_INIT(taken);
	struct page *page;

	exhaust(&taken, 16);
	while ((page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_ATOMIC)) != NULL)
		list_add_tail(&taken, &page->list);
	page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_MAY_SLEEP);
	CHECK(page != NULL);
	CHECK_EQ(hook_calls, 1);
	if (page)
		page_put(page);
	relieve(&taken);
}

static unsigned scans;
static const struct thread *asking;

static uint64_t count_some(struct shrinker *shrinker, const struct shrink_request *request)
{
	(void)shrinker;
	(void)request;
	return 10;
}

static uint64_t scan_and_ask(struct shrinker *shrinker, struct shrink_request *request)
{
	(void)shrinker;
	(void)request;
	/* The thread that works ahead comes here too, while there is memory yet. */
	if (thread_current() == asking) {
		CHECK(page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_MAY_SLEEP) == NULL);
		scans++;
	}
	return SHRINK_STOP;
}

TEST(reclaim, shrinker_that_asks_for_memory_does_not_call_itself)
{
	struct shrinker_attributes attributes = {
		.name = "test", .count = count_some, .scan = scan_and_ask, .batch = 1};
	struct shrinker *shrinker = shrinker_alloc(&attributes);
	struct list_head taken = LIST_INIT(taken);
	struct reclaim_statistics before, after;

	NEED(shrinker, "no memory for a shrinker");
	shrinker_register(shrinker);
	exhaust(&taken, 0);
	scans = 0;
	asking = thread_current();
	reclaim_statistics(&before);
	CHECK(page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_MAY_SLEEP) == NULL);
	reclaim_statistics(&after);
	CHECK(scans > 0 && scans <= SHRINK_PRIORITY_LIGHT + 1);
	CHECK_EQ(after.requests, before.requests + 1);
	CHECK_EQ(after.failed, before.failed + 1);
	shrinker_free(shrinker);
	relieve(&taken);
}

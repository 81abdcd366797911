// SPDX-License-Identifier: MIT
/*
 * Moving ballooned pages (spec-balloon A4 to A8) with a client that answers what the test
 * wants: isolate, migrate, putback, and every race of them by forced interleaving.
 */
#include <mm/balloon.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <mm/zone.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

#define ANSWERS_MAX 8

/* What the client answers, in this order; then 0. */
static int answers[ANSWERS_MAX];
static _Atomic unsigned asked;
static struct balloon_device device, other;

static int answer(struct balloon_device *asking, struct page *destination, struct page *source)
{
	unsigned nr = atomic_fetch_add(&asked, 1);

	CHECK(asking == &device || asking == &other);
	CHECK(destination != source);
	CHECK_EQ(source->private, (uintptr_t)asking);
	return nr < ANSWERS_MAX ? answers[nr] : 0;
}

static int answer_wrong(struct balloon_device *asking, struct page *destination,
			struct page *source)
{
	CHECK(asking && destination != source);
	return 1;
}

static void set_up_with(bool adjust)
{
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		answers[i] = 0;
	atomic_store(&asked, 0);
	balloon_device_init(&device, "test", adjust, answer);
}

static struct page *fresh(unsigned flags)
{
	struct page *page = page_alloc(NODE_ANY, 0, flags);

	NEED(page, "no page");
	return page;
}

/* A page of the device, not the only one the allocator would give again. */
static struct page *inflated(struct balloon_device *into)
{
	struct page *page = fresh(0);

	balloon_enqueue(into, page);
	return page;
}

static void tear_down(struct balloon_device *which)
{
	struct list_head entries = LIST_INIT(entries);

	balloon_dequeue_list(which, &entries, UINT64_MAX);
	balloon_free_list(&entries);
	CHECK(balloon_check() == NULL);
	balloon_device_destroy(which);
}

struct books {
	struct balloon_events events;
	int64_t source_managed;
	int64_t destination_managed;
	uint64_t source_node;
	uint64_t destination_node;
};

static struct books books(const struct page *source, const struct page *destination)
{
	struct books now;

	balloon_events(&now.events);
	now.source_managed = atomic_load(&page_zone(source)->managed);
	now.destination_managed = atomic_load(&page_zone(destination)->managed);
	now.source_node = balloon_node_pages(page_node(source));
	now.destination_node = balloon_node_pages(page_node(destination));
	return now;
}

static void check_unchanged(const struct books *before, const struct books *after)
{
	CHECK_EQ(after->events.inflate, before->events.inflate);
	CHECK_EQ(after->events.deflate, before->events.deflate);
	CHECK_EQ(after->events.migrate, before->events.migrate);
	CHECK_EQ(after->source_managed, before->source_managed);
	CHECK_EQ(after->destination_managed, before->destination_managed);
	CHECK_EQ(after->source_node, before->source_node);
	CHECK_EQ(after->destination_node, before->destination_node);
}

static bool is_free(const struct page *page)
{
	return folio_references((const struct folio *)page) == 0 &&
	       page_type(page) == PAGE_TYPE_NONE;
}

TEST(balloon_movable, operations_are_registered_once)
{
	static const struct movable_ops none;

	CHECK_EQ(movable_ops_register(PAGE_TYPE_OFFLINE, &none), -EBUSY);
}

TEST(balloon_movable, B_T3_isolated_page_cannot_be_dequeued)
{
	struct balloon_events before, after;
	struct page *page;

	set_up_with(true);
	page = inflated(&device);
	balloon_events(&before);
	REQUIRE(movable_isolate(page));
	CHECK_EQ(folio_references((struct folio *)page), 2);
	CHECK(balloon_dequeue(&device) == NULL);
	balloon_events(&after);
	CHECK_EQ(after.deflate, before.deflate);
	CHECK_EQ(after.inflate, before.inflate);
	CHECK_EQ(balloon_pages(&device), 1);
	CHECK_EQ(device.isolated, 1);
	movable_putback(page);
	tear_down(&device);
}

TEST(balloon_movable, B_T5_page_moves_to_another_zone_and_node)
{
	struct page *source, *destination;
	struct books before, after;
	struct zone *zone;

	set_up_with(true);
	source = inflated(&device);
	destination = fresh(FOLIO_DMA);
	zone = page_zone(destination);
	REQUIRE(zone != page_zone(source));
	zone->node += 1; /* as if it were another's */
	before = books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = books(source, destination);
	CHECK_EQ(folio_references((struct folio *)destination), 2);
	page_put(destination);
	CHECK_EQ(folio_references((struct folio *)destination), 1);
	CHECK_EQ(destination->private, (uintptr_t)&device);
	CHECK(page_flag_test(destination, PAGE_MOVABLE_OPS));
	CHECK(list_first(&device.pages, struct page, list) == destination);
	CHECK(is_free(source));
	CHECK_EQ(after.events.migrate, before.events.migrate + 1);
	CHECK_EQ(after.events.inflate, before.events.inflate);
	CHECK_EQ(after.events.deflate, before.events.deflate);
	CHECK_EQ(after.source_managed, before.source_managed + 1);
	CHECK_EQ(after.destination_managed, before.destination_managed - 1);
	CHECK_EQ(after.source_node, before.source_node - 1);
	CHECK_EQ(after.destination_node, before.destination_node + 1);
	CHECK_EQ(device.isolated, 0);
	CHECK_EQ(device.listed, 1);
	tear_down(&device);
	zone->node -= 1;
}

TEST(balloon_movable, B_T6_same_zone_changes_no_account)
{
	struct page *source, *destination;
	struct books before, after;

	set_up_with(true);
	source = inflated(&device);
	destination = fresh(0);
	REQUIRE(page_zone(source) == page_zone(destination));
	before = books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = books(source, destination);
	before.events.migrate++;
	check_unchanged(&before, &after);
	page_put(destination);
	tear_down(&device);
}

TEST(balloon_movable, B_T7_again_and_again_then_moved)
{
	struct page *source, *destination;
	struct books before, after;

	set_up_with(true);
	for (unsigned i = 0; i < 3; i++)
		answers[i] = -EAGAIN;
	source = inflated(&device);
	destination = fresh(0);
	before = books(source, destination);
	CHECK(movable_isolate(source));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
		after = books(source, destination);
		check_unchanged(&before, &after);
		CHECK(page_flag_test(source, PAGE_MOVABLE_OPS_ISOLATED));
		CHECK_EQ(device.isolated, 1);
		CHECK_EQ(folio_references((struct folio *)source), 2);
		CHECK_EQ(folio_references((struct folio *)destination), 1);
		CHECK(!page_flag_test(source, PAGE_LOCKED));
	}
	CHECK_EQ(movable_migrate(destination, source), 0);
	page_put(destination);
	CHECK_EQ(destination->private, (uintptr_t)&device);
	CHECK(is_free(source));
	CHECK_EQ(device.isolated, 0);
	tear_down(&device);
}

TEST(balloon_movable, B_T8_busy_page_is_put_back)
{
	struct page *source, *destination;
	struct books before, after;

	set_up_with(true);
	answers[0] = -EBUSY;
	source = inflated(&device);
	destination = fresh(0);
	before = books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), -EBUSY);
	movable_putback(source);
	after = books(source, destination);
	check_unchanged(&before, &after);
	CHECK(list_first(&device.pages, struct page, list) == source);
	CHECK_EQ(device.isolated, 0);
	CHECK_EQ(folio_references((struct folio *)source), 1);
	CHECK(!page_flag_test(source, PAGE_MOVABLE_OPS_ISOLATED));
	page_put(destination);
	tear_down(&device);
}

static void deflated_only(bool adjust)
{
	struct page *source, *kept, *destination;
	struct books before, after;

	set_up_with(adjust);
	answers[0] = -ENOENT;
	kept = inflated(&device);
	source = inflated(&device);
	destination = fresh(0);
	before = books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = books(source, source);
	CHECK_EQ(folio_references((struct folio *)destination), 1);
	page_put(destination);
	CHECK(is_free(source));
	CHECK(is_free(destination));
	CHECK_EQ(after.events.deflate, before.events.deflate + 1);
	CHECK_EQ(after.events.migrate, before.events.migrate);
	CHECK_EQ(after.source_managed, before.source_managed + (adjust ? 1 : 0));
	CHECK_EQ(after.source_node, before.source_node - 1);
	CHECK_EQ(device.isolated, 0);
	CHECK_EQ(balloon_pages(&device), 1);
	CHECK_EQ(kept->private, (uintptr_t)&device);
	CHECK(balloon_check() == NULL);
	tear_down(&device);
}

TEST(balloon_movable, B_T9_page_that_was_only_deflated_leaves_the_balloon)
{
	deflated_only(true);
}

TEST(balloon_movable, B_T10_managed_stays_without_the_adjust_flag)
{
	deflated_only(false);
}

TEST(balloon_movable, B_T11_deflated_page_is_not_isolated)
{
	struct page *page;

	set_up_with(true);
	page = inflated(&device);
	REQUIRE(balloon_dequeue(&device) == page);
	CHECK(page_flag_test(page, PAGE_MOVABLE_OPS));
	CHECK(!movable_isolate(page));
	CHECK_EQ(folio_references((struct folio *)page), 1);
	page_put(page);
	CHECK(!movable_isolate(page));
	tear_down(&device);
}

TEST(balloon_movable, B_T13_isolated_page_is_not_isolated_again)
{
	struct page *page;

	set_up_with(true);
	page = inflated(&device);
	REQUIRE(movable_isolate(page));
	CHECK(!movable_isolate(page));
	CHECK_EQ(device.isolated, 1);
	CHECK_EQ(folio_references((struct folio *)page), 2);
	movable_putback(page);
	tear_down(&device);
}

TEST(balloon_movable, B_T17_device_without_callback_keeps_its_pages)
{
	struct page *page, *block;

	balloon_device_init(&device, "test", true, NULL);
	page = inflated(&device);
	CHECK(!page_flag_test(page, PAGE_MOVABLE_OPS));
	CHECK(!movable_isolate(page));
	tear_down(&device);
	set_up_with(true);
	block = page_alloc(NODE_ANY, BALLOON_BLOCK_ORDER, 0);
	NEED(block, "no free block of 2 MiB");
	balloon_enqueue(&device, block);
	CHECK(!movable_isolate(block));
	page = balloon_dequeue(&device);
	CHECK(page == block);
	page_put(page);
	CHECK(movable_isolate(block + 1));
	movable_putback(block + 1);
	tear_down(&device);
}

TEST(balloon_movable, B_T18_putback_of_a_page_of_no_balloon_is_reported)
{
	struct page *page;
	const char *text;

	set_up_with(true);
	page = inflated(&device);
	REQUIRE(movable_isolate(page));
	page->private = 0; /* what no client can do */
	text_sink_open();
	movable_putback(page);
	text = text_sink_close();
	CHECK(strstr(text, "putback of frame") != NULL);
	CHECK(list_is_empty(&device.pages));
	CHECK_EQ(device.isolated, 1);
	page->private = (uintptr_t)&device;
	page_flag_set(page, PAGE_MOVABLE_OPS_ISOLATED);
	page_get(page);
	movable_putback(page);
	tear_down(&device);
}

TEST_PANICS(balloon_movable, B_T19_code_above_zero_is_a_bug, "error <= 0")
{
	/* The device stays registered for ever, empty; the pages are records without memory. */
	static struct balloon_device wrong;
	static struct page source, destination;

	balloon_device_init(&wrong, "wrong", true, answer_wrong);
	atomic_init(&source.shape, page_shape_of(PAGE_KIND_SINGLE, 0));
	atomic_init(&source.flags, BIT(PAGE_MOVABLE_OPS) | BIT(PAGE_MOVABLE_OPS_ISOLATED));
	atomic_init(&destination.shape, page_shape_of(PAGE_KIND_SINGLE, 0));
	source.type = PAGE_TYPE_OFFLINE;
	source.private = (uintptr_t)&wrong;
	CHECK_EQ(movable_migrate(&destination, &source), 1);
}

TEST(balloon_movable, passes_over_pages_that_cannot_move_now_are_bounded)
{
	struct list_head pages = LIST_INIT(pages);
	struct page *page;

	set_up_with(true);
	page = inflated(&device);
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		answers[i] = i < 3 ? -EAGAIN : -EBUSY;
	REQUIRE(movable_isolate(page));
	list_add_tail(&pages, &page->list);
	CHECK_EQ(migrate_pages(&pages), 0);
	CHECK_EQ(atomic_load(&asked), 4);
	CHECK(list_first(&pages, struct page, list) == page);
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		answers[i] = -EAGAIN;
	atomic_store(&asked, 0);
	CHECK_EQ(migrate_pages(&pages), 1);
	CHECK_EQ(atomic_load(&asked), ANSWERS_MAX + 1);
	CHECK(list_is_empty(&pages));
	CHECK_EQ(balloon_pages(&device), 1);
	tear_down(&device);
}

/* ---- the stress row ---- */

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
	answers[0] = codes[test_random_below(ARRAY_SIZE(codes))];
	atomic_store(&asked, 0);
	destination = page_alloc(NODE_ANY, 0, test_random_below(2) ? FOLIO_DMA : 0);
	if (!destination || movable_migrate(destination, page))
		movable_putback(page);
	if (destination)
		page_put(destination);
}

static void stress_step(struct balloon_device *which)
{
	struct list_head entries = LIST_INIT(entries);

	switch (test_random_below(5)) {
	case 0:
	case 1:
		balloon_enqueue(which, fresh(test_random_below(2) ? FOLIO_DMA : 0));
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

TEST(balloon_movable, B_T15_random_steps_on_two_nodes_keep_the_invariants)
{
	struct mm_statistics before, after;
	struct page *probe = fresh(FOLIO_DMA);
	struct zone *zone = page_zone(probe);

	page_put(probe);
	mm_statistics(&before);
	set_up_with(true);
	balloon_device_init(&other, "other", true, answer);
	zone->node += 1;
	for (int i = 0; i < 1000; i++) {
		stress_step(test_random_below(2) ? &device : &other);
		if (balloon_check())
			CHECK_STR(balloon_check(), "");
		mm_statistics(&after);
		if (after.managed + balloon_pages(&device) + balloon_pages(&other) !=
		    before.managed)
			CHECK(false);
	}
	while (out_count > 0)
		stress_end_one();
	CHECK_EQ(device.isolated + other.isolated, 0);
	tear_down(&device);
	tear_down(&other);
	zone->node -= 1;
	mm_statistics(&after);
	CHECK_EQ(after.managed, before.managed);
}

#ifdef QUIRE_TEST_HOOKS

/* What another CPU does in the middle of an isolation is done by the hook itself: the hooks lie
 * where a single CPU could not let another thread run. */
static struct page *met;

static void inflate_now(struct hook *hook)
{
	(void)hook;
	balloon_enqueue(&device, met);
}

static void deflate_now(struct hook *hook)
{
	(void)hook;
	CHECK(balloon_dequeue(&device) == met);
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

TEST(balloon_movable, B_T12_isolation_meets_inflation)
{
	struct page *page;

	/* Before: no flag yet. */
	set_up_with(true);
	page = fresh(0);
	CHECK(!movable_isolate(page));
	/* During: the flag is seen from an earlier life of the page, nothing is linked yet. */
	page_flag_set(page, PAGE_MOVABLE_OPS);
	page_set_type(page, PAGE_TYPE_OFFLINE);
	CHECK(!movable_isolate(page));
	/* Asked before the page is linked, answered after. */
	CHECK(isolate_while("balloon_isolate", inflate_now, page));
	CHECK_EQ(page->private, (uintptr_t)&device);
	CHECK_EQ(device.isolated, 1);
	movable_putback(page);
	tear_down(&device);
}

/* The page is dequeued and freed when its isolation has come to `point`. */
static void deflate_before(const char *point, bool expected)
{
	struct page *page;

	set_up_with(true);
	page = inflated(&device);
	CHECK_EQ(isolate_while(point, deflate_now, page), expected);
	CHECK_EQ(balloon_pages(&device), 0);
	tear_down(&device);
}

TEST(balloon_movable, page_deflated_under_way_is_let_go)
{
	deflate_before("movable_isolate_seen", false);
	deflate_before("movable_isolate_held", false);
	deflate_before("balloon_isolate", false);
}

/* ---- B-T14: the last page leaves by ENOENT while a dequeue has found nothing ---- */

static struct hook_gate vacating;
static _Atomic bool migration_done;

static int migrate_last(void *arg)
{
	struct page *destination = fresh(0);

	CHECK_EQ(movable_migrate(destination, arg), 0);
	page_put(destination);
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

TEST(balloon_movable, B_T14_last_page_leaves_between_attempt_and_test)
{
	static struct hook found_nothing = {.name = "balloon_dequeued",
					    .function = let_migration_go};
	struct thread *thread;
	struct page *page;

	set_up_with(true);
	answers[0] = -ENOENT;
	atomic_store(&migration_done, false);
	page = inflated(&device);
	REQUIRE(movable_isolate(page));
	hook_gate_attach(&vacating, "balloon_vacate", NULL);
	thread = test_thread(migrate_last, page, THREAD_ANY_CPU);
	hook_gate_wait(&vacating);
	hook_attach(&found_nothing);
	CHECK(balloon_dequeue(&device) == NULL);
	hook_detach(&found_nothing);
	thread_join(thread);
	hook_gate_detach(&vacating);
	CHECK(atomic_load(&migration_done));
	CHECK_EQ(balloon_pages(&device), 0);
	tear_down(&device);
}

#endif

/* ---- everybody at once, for the sanitizers ---- */

#define CROWD_PAGES 64

static struct page *crowd_pages[CROWD_PAGES]; /* any of them may be anything at any time */
static _Atomic bool crowd_ends;

static int crowd_answer(struct balloon_device *asking, struct page *destination,
			struct page *source)
{
	static const int codes[] = {0, -EAGAIN, -EBUSY, -ENOENT};

	CHECK(asking == &device && destination != source);
	return codes[atomic_fetch_add(&asked, 1) % ARRAY_SIZE(codes)];
}

static int crowd_client(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2000; i++) {
		struct list_head entries = LIST_INIT(entries);
		struct page *page = page_alloc(NODE_ANY, 0, 0);

		if (page)
			balloon_enqueue(&device, page);
		balloon_dequeue_list(&device, &entries, i % 3);
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

TEST(balloon_movable, client_and_movers_at_once_keep_the_invariants)
{
	struct thread *client, *movers[2];
	struct mm_statistics before, after;

	mm_statistics(&before);
	atomic_store(&asked, 0);
	atomic_store(&crowd_ends, false);
	balloon_device_init(&device, "test", true, crowd_answer);
	for (unsigned i = 0; i < CROWD_PAGES; i++)
		crowd_pages[i] = inflated(&device);
	client = test_thread(crowd_client, NULL, THREAD_ANY_CPU);
	for (uintptr_t i = 0; i < ARRAY_SIZE(movers); i++)
		movers[i] = test_thread(crowd_mover, (void *)(i * 7), THREAD_ANY_CPU);
	thread_join(client);
	for (unsigned i = 0; i < ARRAY_SIZE(movers); i++)
		thread_join(movers[i]);
	CHECK_EQ(device.isolated, 0);
	CHECK(balloon_check() == NULL);
	mm_statistics(&after);
	CHECK_EQ(after.managed + balloon_pages(&device), before.managed);
	tear_down(&device);
}

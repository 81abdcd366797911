// SPDX-License-Identifier: MIT
/*
 * Moving ballooned pages (spec-balloon A4 to A7), one step after the other: isolate, migrate,
 * putback, with each answer of the client.
 */
#include <tests/mm/balloon_fixture.h>

#include <errno.h>
#include <mm/migrate.h>
#include <mm/zone.h>
#include <tests/kernel/text_sink.h>
#include <tests/mm/reclaim_hold.h>
#include <tests/test.h>

TEST(balloon_movable, operations_are_registered_once)
{
	static const struct movable_ops none;

	CHECK_EQ(movable_ops_register(PAGE_TYPE_OFFLINE, &none), -EBUSY);
}

TEST(balloon_movable, B_T3_isolated_page_cannot_be_dequeued)
{
	struct balloon_events before, after;
	struct page *page;

	mover_create(true);
	page = mover_inflated(&mover);
	balloon_events(&before);
	REQUIRE(movable_isolate(page));
	CHECK_EQ(folio_references((struct folio *)page), 2);
	CHECK(balloon_dequeue(&mover) == NULL);
	balloon_events(&after);
	CHECK_EQ(after.deflate, before.deflate);
	CHECK_EQ(after.inflate, before.inflate);
	CHECK_EQ(balloon_pages(&mover), 1);
	CHECK_EQ(mover.isolated, 1);
	movable_putback(page);
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T5_page_moves_to_another_zone_and_node)
{
	struct page *source, *destination;
	struct mover_books before, after;
	struct reclaim_hold hold;
	struct zone *zone;

	mover_create(true);
	source = mover_inflated(&mover);
	destination = mover_page(FOLIO_DMA);
	zone = page_zone(destination);
	REQUIRE(zone != page_zone(source));
	reclaim_hold(&hold);
	zone->node += 1; /* as if it were another's */
	before = mover_books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = mover_books(source, destination);
	CHECK_EQ(folio_references((struct folio *)destination), 2);
	page_put(destination);
	CHECK_EQ(folio_references((struct folio *)destination), 1);
	CHECK_EQ(destination->private, (uintptr_t)&mover);
	CHECK(page_flag_test(destination, PAGE_MOVABLE_OPS));
	CHECK(list_first(&mover.pages, struct page, list) == destination);
	CHECK(mover_page_is_free(source));
	CHECK_EQ(after.events.migrate, before.events.migrate + 1);
	CHECK_EQ(after.events.inflate, before.events.inflate);
	CHECK_EQ(after.events.deflate, before.events.deflate);
	CHECK_EQ(after.source_managed, before.source_managed + 1);
	CHECK_EQ(after.destination_managed, before.destination_managed - 1);
	CHECK_EQ(after.source_node, before.source_node - 1);
	CHECK_EQ(after.destination_node, before.destination_node + 1);
	CHECK_EQ(mover.isolated, 0);
	CHECK_EQ(mover.listed, 1);
	mover_destroy(&mover);
	zone->node -= 1;
	reclaim_let_go(&hold);
}

TEST(balloon_movable, B_T6_same_zone_changes_no_account)
{
	struct page *source, *destination;
	struct mover_books before, after;

	mover_create(true);
	source = mover_inflated(&mover);
	destination = mover_page(0);
	REQUIRE(page_zone(source) == page_zone(destination));
	before = mover_books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = mover_books(source, destination);
	before.events.migrate++;
	mover_books_equal(&before, &after);
	page_put(destination);
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T7_again_and_again_then_moved)
{
	struct page *source, *destination;
	struct mover_books before, after;

	mover_create(true);
	for (unsigned i = 0; i < 3; i++)
		mover_answers[i] = -EAGAIN;
	source = mover_inflated(&mover);
	destination = mover_page(0);
	before = mover_books(source, destination);
	CHECK(movable_isolate(source));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
		after = mover_books(source, destination);
		mover_books_equal(&before, &after);
		CHECK(page_flag_test(source, PAGE_MOVABLE_OPS_ISOLATED));
		CHECK_EQ(mover.isolated, 1);
		CHECK_EQ(folio_references((struct folio *)source), 2);
		CHECK_EQ(folio_references((struct folio *)destination), 1);
		CHECK(!page_flag_test(source, PAGE_LOCKED));
	}
	CHECK_EQ(movable_migrate(destination, source), 0);
	page_put(destination);
	CHECK_EQ(destination->private, (uintptr_t)&mover);
	CHECK(mover_page_is_free(source));
	CHECK_EQ(mover.isolated, 0);
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T8_busy_page_is_put_back)
{
	struct page *source, *destination;
	struct mover_books before, after;

	mover_create(true);
	mover_answers[0] = -EBUSY;
	source = mover_inflated(&mover);
	destination = mover_page(0);
	before = mover_books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), -EBUSY);
	movable_putback(source);
	after = mover_books(source, destination);
	mover_books_equal(&before, &after);
	CHECK(list_first(&mover.pages, struct page, list) == source);
	CHECK_EQ(mover.isolated, 0);
	CHECK_EQ(folio_references((struct folio *)source), 1);
	CHECK(!page_flag_test(source, PAGE_MOVABLE_OPS_ISOLATED));
	page_put(destination);
	mover_destroy(&mover);
}

static void deflated_only(bool adjust)
{
	struct page *source, *kept, *destination;
	struct mover_books before, after;

	mover_create(adjust);
	mover_answers[0] = -ENOENT;
	kept = mover_inflated(&mover);
	source = mover_inflated(&mover);
	destination = mover_page(0);
	before = mover_books(source, destination);
	CHECK(movable_isolate(source));
	CHECK_EQ(movable_migrate(destination, source), 0);
	after = mover_books(source, source);
	CHECK_EQ(folio_references((struct folio *)destination), 1);
	page_put(destination);
	CHECK(mover_page_is_free(source));
	CHECK(mover_page_is_free(destination));
	CHECK_EQ(after.events.deflate, before.events.deflate + 1);
	CHECK_EQ(after.events.migrate, before.events.migrate);
	CHECK_EQ(after.source_managed, before.source_managed + (adjust ? 1 : 0));
	CHECK_EQ(after.source_node, before.source_node - 1);
	CHECK_EQ(mover.isolated, 0);
	CHECK_EQ(balloon_pages(&mover), 1);
	CHECK_EQ(kept->private, (uintptr_t)&mover);
	CHECK(balloon_check() == NULL);
	mover_destroy(&mover);
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

	mover_create(true);
	page = mover_inflated(&mover);
	REQUIRE(balloon_dequeue(&mover) == page);
	CHECK(page_flag_test(page, PAGE_MOVABLE_OPS));
	CHECK(!movable_isolate(page));
	CHECK_EQ(folio_references((struct folio *)page), 1);
	page_put(page);
	CHECK(!movable_isolate(page));
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T13_isolated_page_is_not_isolated_again)
{
	struct page *page;

	mover_create(true);
	page = mover_inflated(&mover);
	REQUIRE(movable_isolate(page));
	CHECK(!movable_isolate(page));
	CHECK_EQ(mover.isolated, 1);
	CHECK_EQ(folio_references((struct folio *)page), 2);
	movable_putback(page);
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T17_device_without_callback_keeps_its_pages)
{
	struct page *page, *block;

	balloon_device_init(&mover, "test", true, NULL);
	page = mover_inflated(&mover);
	CHECK(!page_flag_test(page, PAGE_MOVABLE_OPS));
	CHECK(!movable_isolate(page));
	mover_destroy(&mover);
	mover_create(true);
	block = page_alloc(NODE_ANY, BALLOON_BLOCK_ORDER, 0);
	NEED(block, "no free block of 2 MiB");
	balloon_enqueue(&mover, block);
	CHECK(!movable_isolate(block));
	page = balloon_dequeue(&mover);
	CHECK(page == block);
	page_put(page);
	CHECK(movable_isolate(block + 1));
	movable_putback(block + 1);
	mover_destroy(&mover);
}

TEST(balloon_movable, B_T18_putback_of_a_page_of_no_balloon_is_reported)
{
	struct page *page;
	const char *text;

	mover_create(true);
	page = mover_inflated(&mover);
	REQUIRE(movable_isolate(page));
	page->private = 0; /* what no client can do */
	text_sink_open();
	movable_putback(page);
	text = text_sink_close();
	CHECK(strstr(text, "putback of frame") != NULL);
	CHECK(list_is_empty(&mover.pages));
	CHECK_EQ(mover.isolated, 1);
	page->private = (uintptr_t)&mover;
	page_flag_set(page, PAGE_MOVABLE_OPS_ISOLATED);
	page_get(page);
	movable_putback(page);
	mover_destroy(&mover);
}

static int answer_wrong(struct balloon_device *asking, struct page *destination,
			struct page *source)
{
	CHECK(asking && destination != source);
	return 1;
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

	mover_create(true);
	page = mover_inflated(&mover);
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		mover_answers[i] = i < 3 ? -EAGAIN : -EBUSY;
	REQUIRE(movable_isolate(page));
	list_add_tail(&pages, &page->list);
	CHECK_EQ(migrate_pages(&pages), 0);
	CHECK_EQ(atomic_load(&mover_asked), 4);
	CHECK(list_first(&pages, struct page, list) == page);
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		mover_answers[i] = -EAGAIN;
	atomic_store(&mover_asked, 0);
	CHECK_EQ(migrate_pages(&pages), 1);
	CHECK_EQ(atomic_load(&mover_asked), ANSWERS_MAX + 1);
	CHECK(list_is_empty(&pages));
	CHECK_EQ(balloon_pages(&mover), 1);
	migrate_putback(&pages); /* there is one when memory was short */
	mover_destroy(&mover);
}

// SPDX-License-Identifier: MIT
/*
 * The balloon core without a host: lists, counters, managed pages and node gauges, base pages
 * and whole blocks (spec-balloon.md part A).
 */
#include <mm/balloon.h>

#include <mm/folio.h>
#include <mm/mm.h>
#include <tests/test.h>

static struct balloon_device one, two;

struct snapshot {
	struct balloon_events events;
	uint64_t managed;
	uint64_t gauge; /* node 0 */
};

static struct snapshot snapshot(void)
{
	struct mm_statistics statistics;
	struct snapshot now;

	balloon_events(&now.events);
	mm_statistics(&statistics);
	now.managed = statistics.managed;
	now.gauge = balloon_node_pages(0);
	return now;
}

static void set_up(struct balloon_device *device)
{
	balloon_device_init(device, "test", true, NULL);
}

static struct page *page_get_one(void)
{
	struct page *page = page_alloc(0, 0, FOLIO_THIS_NODE);

	NEED(page, "no page");
	return page;
}

static struct page *block_get_one(void)
{
	struct page *block = page_alloc(0, BALLOON_BLOCK_ORDER, FOLIO_THIS_NODE);

	NEED(block, "no free block of 2 MiB");
	return block;
}

static void tear_down(struct balloon_device *device)
{
	struct list_head entries = LIST_INIT(entries);

	device->isolated = 0;
	balloon_dequeue_list(device, &entries, UINT64_MAX);
	balloon_free_list(&entries);
	balloon_device_destroy(device);
}

TEST(balloon, B_T1_enqueue_accounts_one_page)
{
	struct snapshot before, after;
	struct page *page;

	set_up(&one);
	page = page_get_one();
	before = snapshot();
	balloon_enqueue(&one, page);
	after = snapshot();
	CHECK_EQ(after.events.inflate, before.events.inflate + 1);
	CHECK_EQ(after.events.deflate, before.events.deflate);
	CHECK_EQ(after.managed, before.managed - 1);
	CHECK_EQ(after.gauge, before.gauge + 1);
	CHECK_EQ(page->private, (uintptr_t)&one);
	CHECK_EQ(page_type(page), PAGE_TYPE_OFFLINE);
	CHECK_EQ(folio_references((struct folio *)page), 1);
	CHECK_EQ(balloon_pages(&one), 1);
	CHECK(balloon_check() == NULL);
	tear_down(&one);
	CHECK_EQ(snapshot().managed, before.managed);
}

TEST(balloon, managed_count_stays_without_the_adjust_flag)
{
	uint64_t managed;

	balloon_device_init(&one, "test", false, NULL);
	managed = snapshot().managed;
	balloon_enqueue(&one, page_get_one());
	CHECK_EQ(snapshot().managed, managed);
	tear_down(&one);
	CHECK_EQ(snapshot().managed, managed);
}

TEST(balloon, B_T2_dequeue_list_gives_what_there_is)
{
	struct list_head pages = LIST_INIT(pages);
	struct snapshot before, after;
	struct page *page;

	set_up(&one);
	before = snapshot();
	for (int i = 0; i < 3; i++)
		balloon_enqueue(&one, page_get_one());
	CHECK_EQ(balloon_dequeue_list(&one, &pages, 5), 3);
	after = snapshot();
	list_for_each_entry (page, &pages, list) {
		CHECK_EQ(page->private, 0);
		CHECK_EQ(page_type(page), PAGE_TYPE_OFFLINE);
	}
	CHECK_EQ(after.events.deflate, before.events.deflate + 3);
	CHECK_EQ(after.managed, before.managed);
	CHECK_EQ(after.gauge, before.gauge);
	CHECK_EQ(balloon_pages(&one), 0);
	balloon_free_list(&pages);
	CHECK(list_is_empty(&pages));
	tear_down(&one);
}

TEST(balloon, dequeue_one_gives_none_while_all_are_isolated)
{
	struct page *page;

	set_up(&one);
	balloon_enqueue(&one, page_get_one());
	page = balloon_dequeue(&one);
	REQUIRE(page != NULL);
	one.isolated = 1;
	CHECK(balloon_dequeue(&one) == NULL);
	CHECK_EQ(balloon_pages(&one), 1);
	one.isolated = 0;
	page_free(page, 0);
	tear_down(&one);
}

TEST_PANICS(balloon, B_T4_dequeue_from_an_empty_balloon_is_fatal, "empty balloon")
{
	/* It stays registered for ever, empty. */
	static struct balloon_device empty;

	set_up(&empty);
	CHECK(balloon_dequeue(&empty) == NULL);
}

TEST(balloon, B_T16_two_devices_have_separate_lists)
{
	struct list_head pages = LIST_INIT(pages);
	struct page *mine, *other;

	set_up(&one);
	set_up(&two);
	mine = page_get_one();
	other = page_get_one();
	balloon_enqueue(&one, mine);
	balloon_enqueue(&two, other);
	two.isolated = 4;
	CHECK_EQ(balloon_pages(&one), 1);
	CHECK_EQ(balloon_pages(&two), 5);
	CHECK_EQ(mine->private, (uintptr_t)&one);
	CHECK_EQ(other->private, (uintptr_t)&two);
	CHECK_EQ(balloon_dequeue_list(&one, &pages, 5), 1);
	CHECK(list_first(&pages, struct page, list) == mine);
	CHECK_EQ(balloon_pages(&two), 5);
	balloon_free_list(&pages);
	tear_down(&one);
	tear_down(&two);
	CHECK(balloon_check() == NULL);
}

TEST_PANICS(balloon, B_T20_record_without_init_is_caught, "before balloon_device_init")
{
	static struct balloon_device fresh;
	struct page page = {.private = 0};

	balloon_enqueue(&fresh, &page);
}

TEST(balloon, block_counts_as_its_pages)
{
	struct list_head entries = LIST_INIT(entries);
	struct snapshot before, after;

	set_up(&one);
	before = snapshot();
	balloon_enqueue(&one, block_get_one());
	after = snapshot();
	CHECK_EQ(after.events.inflate, before.events.inflate + BALLOON_BLOCK_PAGES);
	CHECK_EQ(after.managed, before.managed - BALLOON_BLOCK_PAGES);
	CHECK_EQ(after.gauge, before.gauge + BALLOON_BLOCK_PAGES);
	CHECK_EQ(balloon_dequeue_list(&one, &entries, BALLOON_BLOCK_PAGES),
		 BALLOON_BLOCK_PAGES);
	CHECK_EQ(balloon_entry_pages(list_first(&entries, struct page, list)),
		 BALLOON_BLOCK_PAGES);
	CHECK_EQ(snapshot().managed, before.managed);
	balloon_free_list(&entries);
	tear_down(&one);
}

TEST(balloon, part_of_a_block_explodes_it)
{
	struct list_head entries = LIST_INIT(entries);
	struct snapshot before, after;
	struct page *block, *page;
	uint64_t i = 0;

	set_up(&one);
	block = block_get_one();
	before = snapshot();
	balloon_enqueue(&one, block);
	CHECK_EQ(balloon_dequeue_list(&one, &entries, 100), 100);
	after = snapshot();
	CHECK_EQ(after.events.deflate, before.events.deflate + 100);
	CHECK_EQ(after.managed, before.managed - BALLOON_BLOCK_PAGES + 100);
	CHECK_EQ(balloon_pages(&one), BALLOON_BLOCK_PAGES - 100);
	CHECK(balloon_check() == NULL);
	list_for_each_entry (page, &entries, list)
		CHECK(page == block + i++);
	CHECK_EQ(i, 100);
	balloon_free_list(&entries);
	CHECK(mm_check_all() == NULL);
	CHECK_EQ(balloon_dequeue_list(&one, &entries, UINT64_MAX), BALLOON_BLOCK_PAGES - 100);
	balloon_free_list(&entries);
	tear_down(&one);
	CHECK_EQ(snapshot().managed, before.managed);
}

TEST(balloon, list_keeps_its_order_and_goes_to_the_head)
{
	struct list_head entries = LIST_INIT(entries);
	struct page *pages[4], *page;
	unsigned i = 0;

	set_up(&one);
	for (i = 0; i < 4; i++)
		pages[i] = page_get_one();
	balloon_enqueue(&one, pages[3]);
	for (i = 0; i < 3; i++)
		list_add_tail(&entries, &pages[i]->list);
	CHECK_EQ(balloon_enqueue_list(&one, &entries), 3);
	CHECK(list_is_empty(&entries));
	CHECK_EQ(balloon_dequeue_list(&one, &entries, 4), 4);
	i = 0;
	list_for_each_entry (page, &entries, list)
		CHECK(page == pages[i++]);
	balloon_free_list(&entries);
	tear_down(&one);
}

TEST(balloon, check_sees_a_page_of_another_device)
{
	struct page *page;

	set_up(&one);
	page = page_get_one();
	balloon_enqueue(&one, page);
	page->private = (uintptr_t)&two;
	CHECK_STR(balloon_check(), "balloon: a page on the list belongs to another device");
	page->private = (uintptr_t)&one;
	one.listed++;
	CHECK_STR(balloon_check(), "balloon: list shorter than its count");
	one.listed--;
	CHECK(balloon_check() == NULL);
	tear_down(&one);
}

static void random_step(struct balloon_device *device)
{
	struct list_head entries = LIST_INIT(entries);
	struct page *page;

	switch (test_random_below(4)) {
	case 0:
		page = balloon_block_alloc(device);
		break;
	case 1:
		page = balloon_page_alloc(device);
		break;
	default:
		balloon_dequeue_list(device, &entries, test_random_below(700));
		balloon_free_list(&entries);
		return;
	}
	if (page)
		balloon_enqueue(device, page);
}

TEST(balloon, random_steps_on_two_devices_keep_the_invariants)
{
	struct snapshot before = snapshot(), after;
	uint64_t held;

	set_up(&one);
	set_up(&two);
	for (int i = 0; i < 1000; i++) {
		random_step(test_random_below(2) ? &one : &two);
		if (balloon_check())
			REQUIRE(balloon_check() == NULL);
		after = snapshot();
		held = balloon_pages(&one) + balloon_pages(&two);
		if (after.managed + held != before.managed)
			REQUIRE(after.managed + held == before.managed);
	}
	tear_down(&one);
	tear_down(&two);
	after = snapshot();
	CHECK_EQ(after.managed, before.managed);
	CHECK_EQ(after.gauge, before.gauge);
}

TEST(balloon, reserve_keeps_small_and_large_guests_alive)
{
	CHECK_EQ(balloon_reserve(MIB(64) / PAGE_SIZE), MIB(4) / PAGE_SIZE);
	CHECK_EQ(balloon_reserve(GIB(1) / PAGE_SIZE), MIB(32) / PAGE_SIZE);
	CHECK_EQ(balloon_reserve(GIB(64) / PAGE_SIZE), MIB(64) / PAGE_SIZE);
}

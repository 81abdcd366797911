// SPDX-License-Identifier: MIT
/*
 * Evacuating ranges, and requests that get their block by it: pages of a balloon in the way,
 * with a client that agrees, refuses, or cannot now.
 */
#include <errno.h>
#include <mm/balloon.h>
#include <mm/compaction.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <tests/test.h>

#define BLOCK 512u

static struct balloon_device device;
static int refusal; /* what the client says from page number `refused_at` on */
static unsigned asked, refused_at;

static int answer(struct balloon_device *asking, struct page *destination, struct page *source)
{
	CHECK(asking == &device && destination != source);
	return asked++ >= refused_at ? refusal : 0;
}

/* A block of which every other page is in the balloon and the others are free. */
static struct page *fragmented_block(void)
{
	struct page *block = page_alloc(NODE_ANY, BALLOON_BLOCK_ORDER, 0);

	NEED(block, "no free block of 2 MiB");
	REQUIRE(page_explode(block, BALLOON_BLOCK_ORDER) == 0);
	for (unsigned i = 0; i < BLOCK; i += 2)
		balloon_enqueue(&device, block + i);
	for (unsigned i = 1; i < BLOCK; i += 2)
		page_put(block + i);
	return block;
}

static struct page *set_up(int code, unsigned at)
{
	balloon_device_init(&device, "test", true, answer);
	refusal = code;
	refused_at = at;
	asked = 0;
	return fragmented_block();
}

static void tear_down(void)
{
	struct list_head entries = LIST_INIT(entries);

	CHECK_EQ(device.isolated, 0);
	CHECK_EQ(balloon_dequeue_list(&device, &entries, UINT64_MAX), BLOCK / 2);
	balloon_free_list(&entries);
	CHECK(balloon_check() == NULL);
	balloon_device_destroy(&device);
}

static void free_range(struct page *first)
{
	for (unsigned i = 0; i < BLOCK; i++) {
		CHECK_EQ(folio_references((struct folio *)(first + i)), 1);
		page_put(first + i);
	}
}

TEST(compaction, range_with_ballooned_pages_is_evacuated_and_taken)
{
	struct page *block = set_up(0, 0);
	struct page *page;
	struct pfn busy;

	REQUIRE(page_alloc_evacuated(page_to_pfn(block), BLOCK, &busy) == 0);
	CHECK_EQ(asked, BLOCK / 2);
	list_for_each_entry (page, &device.pages, list)
		CHECK(page < block || page >= block + BLOCK);
	for (unsigned i = 0; i < BLOCK; i++)
		CHECK_EQ(page_type(block + i), PAGE_TYPE_NONE);
	free_range(block);
	tear_down();
}

TEST(compaction, page_that_cannot_move_is_named_and_nothing_moves)
{
	struct page *block = set_up(0, 0), *page;
	struct list_head entries = LIST_INIT(entries);
	struct pfn busy;

	/* One ballooned page becomes somebody's. */
	REQUIRE(balloon_dequeue_list(&device, &entries, 1) == 1);
	page = list_first(&entries, struct page, list);
	CHECK_EQ(page_alloc_evacuated(page_to_pfn(block), BLOCK, &busy), -EBUSY);
	CHECK_EQ(busy.nr, page_to_pfn(page).nr);
	CHECK_EQ(asked, 0);
	CHECK_EQ(device.isolated, 0);
	balloon_enqueue_list(&device, &entries);
	tear_down();
}

TEST(compaction, client_that_refuses_half_way_loses_nothing)
{
	struct page *block = set_up(-EBUSY, 100);
	struct pfn busy;

	CHECK_EQ(page_alloc_evacuated(page_to_pfn(block), BLOCK, &busy), -EBUSY);
	CHECK_EQ(asked, 101);
	CHECK_EQ(balloon_pages(&device), BLOCK / 2);
	CHECK(mm_check_all() == NULL);
	tear_down();
}

TEST(compaction, client_that_never_can_is_asked_a_bounded_number_of_times)
{
	struct page *block = set_up(-EAGAIN, 0);
	struct pfn busy;

	CHECK_EQ(page_alloc_evacuated(page_to_pfn(block), BLOCK, &busy), -EBUSY);
	CHECK_EQ(asked, MIGRATE_PASSES);
	tear_down();
}

TEST(compaction, page_that_was_only_deflated_makes_room_too)
{
	struct list_head entries = LIST_INIT(entries);
	struct page *block = set_up(-ENOENT, 0);
	struct pfn busy;

	REQUIRE(page_alloc_evacuated(page_to_pfn(block), BLOCK, &busy) == 0);
	CHECK_EQ(balloon_pages(&device), 0);
	free_range(block);
	CHECK(balloon_check() == NULL);
	balloon_device_destroy(&device);
}

TEST(compaction, ranges_that_are_no_ram_are_refused)
{
	struct pfn busy;

	CHECK_EQ(page_alloc_evacuated(pfn(UINT64_MAX >> PAGE_SHIFT), 1, &busy), -EINVAL);
	CHECK_EQ(page_alloc_evacuated(pfn(0x1000), 0, &busy), -EINVAL);
}

// SPDX-License-Identifier: MIT
/*
 * Memory that goes offline and comes back, and who is told (spec-balloon D3, for C-T7).
 */
#include <errno.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/offline.h>
#include <tests/test.h>

#define BLOCK 512u

static enum offline_event told[8];
static unsigned told_count;
static struct pfn told_start;

static void tell(struct offline_notifier *notifier, enum offline_event event, struct pfn start,
		 uint64_t count)
{
	CHECK(notifier != NULL && count == BLOCK);
	told_start = start;
	if (told_count < 8)
		told[told_count++] = event;
}

static struct offline_notifier notifier = {.tell = tell};
static struct balloon_device device;

static int agree(struct balloon_device *asking, struct page *destination, struct page *source)
{
	CHECK(asking == &device && destination != source);
	return 0;
}

/* Single pages, the first of them in the balloon, the others as the caller likes. */
static struct page *single_pages(void)
{
	struct page *block = page_alloc(NODE_ANY, BALLOON_BLOCK_ORDER, 0);

	NEED(block, "no free block of 2 MiB");
	REQUIRE(page_explode(block, BALLOON_BLOCK_ORDER) == 0);
	balloon_device_init(&device, "test", true, agree);
	balloon_enqueue(&device, block);
	told_count = 0;
	return block;
}

static void tear_down(void)
{
	struct page *page = balloon_dequeue(&device);

	REQUIRE(page != NULL);
	page_put(page);
	balloon_device_destroy(&device);
	offline_notifier_unregister(&notifier);
}

TEST(offline, range_goes_and_comes_back_and_everybody_is_told)
{
	struct page *block = single_pages();
	struct mm_statistics before, without, after;
	struct pfn busy;

	for (unsigned i = 1; i < BLOCK; i++)
		page_put(block + i);
	offline_notifier_register(&notifier);
	mm_statistics(&before);
	REQUIRE(memory_offline(page_to_pfn(block), BLOCK, &busy) == 0);
	mm_statistics(&without);
	CHECK_EQ(told_count, 2);
	CHECK_EQ(told[0], OFFLINE_GOING);
	CHECK_EQ(told[1], OFFLINE_DONE);
	CHECK_EQ(told_start.nr, page_to_pfn(block).nr);
	CHECK_EQ(without.managed, before.managed - BLOCK);
	CHECK_EQ(without.free, before.free - BLOCK);
	CHECK(list_first(&device.pages, struct page, list) != block);
	CHECK(mm_check_all() == NULL);
	memory_online(page_to_pfn(block), BLOCK);
	mm_statistics(&after);
	CHECK_EQ(after.managed, before.managed);
	CHECK_EQ(after.free, before.free);
	tear_down();
}

TEST(offline, page_that_cannot_move_cancels_it)
{
	struct page *block = single_pages();
	struct mm_statistics before, after;
	struct pfn busy;

	for (unsigned i = 1; i < BLOCK; i++)
		if (i != 77)
			page_put(block + i);
	offline_notifier_register(&notifier);
	mm_statistics(&before);
	CHECK_EQ(memory_offline(page_to_pfn(block), BLOCK, &busy), -EBUSY);
	mm_statistics(&after);
	CHECK_EQ(busy.nr, page_to_pfn(block).nr + 77);
	CHECK_EQ(told_count, 2);
	CHECK_EQ(told[0], OFFLINE_GOING);
	CHECK_EQ(told[1], OFFLINE_CANCELLED);
	CHECK_EQ(after.managed, before.managed);
	CHECK_EQ(after.free, before.free);
	CHECK_EQ(balloon_pages(&device), 1);
	page_put(block + 77);
	tear_down();
}

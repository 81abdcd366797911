// SPDX-License-Identifier: MIT
/*
 * Raw, exploded and exact blocks: spec-folio sections 2 and 4.2.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/zone.h>
#include <errno.h>

static struct page *get_pages(unsigned order, unsigned flags)
{
	struct page *page = page_alloc(NODE_ANY, order, flags);

	NEED(page, "no memory for a block");
	return page;
}

TEST(page_alloc, raw_block_counts_on_its_first_page_alone)
{
	struct page *page = get_pages(2, 0);

	CHECK_EQ(atomic_load(&page->refcount), 1);
	for (unsigned i = 1; i < 4; i++) {
		CHECK_EQ(atomic_load(&page[i].refcount), 0);
		CHECK(&page_folio(page + i)->page == page + i);
	}
	page_free(page, 2);
}

TEST(page_alloc, F_T3_part_of_a_raw_block_through_get_and_put_is_reported)
{
	struct page *page = get_pages(1, 0);

	reports_expect();
	page_get(page + 1);
	page_put(page + 1);
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "freed part of a raw block"));
	CHECK_EQ(atomic_load(&page[1].refcount), 0);
	CHECK_EQ(atomic_load(&page->refcount), 1);
	CHECK_EQ(page_kind(page), PAGE_KIND_RAW);
	/* The owner's later free is a normal one (B-2). */
	reports_expect();
	page_free(page, 1);
	CHECK_EQ(reports_end(), 0);
}

TEST(page_alloc, F_T4_exploded_pages_are_freed_one_by_one_and_merge)
{
	struct zone *zone;
	struct page *page = get_pages(2, 0);
	uint64_t free = pages_free();
	uint64_t frame;

	zone = page_zone(page);
	frame = zone_frame(zone, page_to_pfn(page));
	REQUIRE(page_explode(page, 2) == 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(atomic_load(&page[i].refcount), 1);
	page_put(page + 3);
	page_put(page + 1);
	page_put(page + 0);
	CHECK_EQ(pages_free(), free + 3);
	page_put(page + 2);
	CHECK_EQ(pages_free(), free + 4);
	for (unsigned i = 0; i < 4; i++)
		CHECK(!frames_is_taken(&zone->frames, frame + i));
}

TEST(page_alloc, F_T5_explode_of_a_compound_block_is_refused)
{
	struct page *page = get_pages(3, FOLIO_COMPOUND);
	struct page before = *page;

	CHECK_EQ(page_explode(page, 3), -EINVAL);
	CHECK_EQ(page_explode(page, 0), -EINVAL);
	CHECK_EQ(page_explode(page + 1, 0), -EINVAL);
	CHECK(memcmp(&before, page, sizeof(before)) == 0);
	page_free(page, 3);
}

TEST(page_alloc, explode_of_order_0_does_nothing)
{
	struct page *page = get_pages(0, 0);

	CHECK_EQ(page_explode(page, 0), 0);
	CHECK_EQ(atomic_load(&page->refcount), 1);
	page_put(page);
}

TEST(page_alloc, exact_block_gives_the_surplus_back_at_once)
{
	uint64_t free;

	mm_drain();
	free = pages_free();
	for (unsigned count = 1; count <= 1024; count = count * 3 + 2) {
		struct page *page = page_alloc_exact(NODE_ANY, count, 0);

		REQUIRE(page);
		CHECK_EQ(pages_free(), free - count);
		page_free_exact(page, count);
		CHECK_EQ(pages_free(), free);
	}
	reports_expect();
	CHECK(!page_alloc_exact(NODE_ANY, 0, 0));
	CHECK(!page_alloc_exact(NODE_ANY, 1025, 0));
	CHECK_EQ(reports_end(), 0);
}

/* Where somebody debugs it is an error, elsewhere five pages without the flag. */
TEST(page_alloc, F_T6_exact_compound_block_is_refused)
{
	uint64_t free = pages_free();
	struct page *page;

	reports_expect();
	page = page_alloc_exact(NODE_ANY, 5, FOLIO_COMPOUND);
	CHECK_EQ(reports_end(), 0);
#ifdef QUIRE_TEST_HOOKS
	CHECK(!page);
#else
	NEED(page != NULL, "no five pages");
	for (unsigned i = 0; i < 5; i++) {
		CHECK_EQ(atomic_load(&page[i].refcount), 1);
		page_put(page + i);
	}
#endif
	CHECK(strstr(reports_text(), "cannot be compound"));
	CHECK_EQ(pages_free(), free);
}

static void free_with_transient_reference(unsigned order)
{
	struct page *page = get_pages(order, 0);
	uint64_t pages = UINT64_C(1) << order;
	uint64_t free = pages_free();

	page_get(page);
	page_free(page, order);
	CHECK_EQ(pages_free(), free + pages - 1);
	CHECK_EQ(atomic_load(&page->refcount), 1);
	CHECK_EQ(page_kind(page), PAGE_KIND_SINGLE);
	page_put(page);
	CHECK_EQ(pages_free(), free + pages);
}

TEST(page_alloc, F_T7_raw_block_with_a_transient_reference_frees_the_rest)
{
	reports_expect();
	free_with_transient_reference(3);
	free_with_transient_reference(1);
	free_with_transient_reference(9);
	free_with_transient_reference(10);
	CHECK_EQ(reports_end(), 0);
}

#ifdef QUIRE_TEST_HOOKS
static void let_go(struct hook *hook)
{
	page_put(hook->arg);
}

/* Whoever looked at the block by its frame number lets go between the owner's two looks. */
TEST(page_alloc, raw_block_is_freed_when_the_transient_reference_goes_meanwhile)
{
	struct page *page = get_pages(3, 0);
	struct hook hook = {.name = "page_free_shared",
			    .function = let_go,
			    .arg = page,
			    .only = thread_current()};
	uint64_t free = pages_free();

	page_get(page);
	reports_expect();
	hook_attach(&hook);
	page_free(page, 3);
	hook_detach(&hook);
	CHECK_EQ(reports_end(), 0);
	CHECK_EQ(pages_free(), free + 8);
}
#endif

TEST(page_alloc, wrong_order_at_free_is_reported_and_the_recorded_one_used)
{
	uint64_t free;
	struct page *page;

	mm_drain();
	free = pages_free();
	page = get_pages(2, FOLIO_COMPOUND);
	reports_expect();
	page_free(page, 4);
	(void)reports_end();
	CHECK(strstr(reports_text(), "freed with order 4, but it has order 2"));
	CHECK_EQ(pages_free(), free);
}

TEST(page_alloc, double_free_of_a_block_is_reported_and_changes_nothing)
{
	struct page *page = get_pages(2, 0);
	uint64_t free;

	page_free(page, 2);
	free = pages_free();
	reports_expect();
	page_free(page, 2);
	CHECK_EQ(reports_end(), 1);
	CHECK_EQ(pages_free(), free);
}

TEST(page_alloc, huge_block_explodes_into_1024_pages)
{
	struct page *page = get_pages(10, 0);
	uint64_t free = pages_free();

	REQUIRE(page_explode(page, 10) == 0);
	for (unsigned i = 0; i < 1024; i++)
		page_put(page + (i * 389 & 1023));
	CHECK_EQ(pages_free(), free + 1024);
}

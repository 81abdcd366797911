// SPDX-License-Identifier: MIT
/*
 * Single pages in bulk, and the pages of a range, of the live machine.
 */
#include <tests/mm/bad_page_fixture.h>
#include <mm/mm.h>
#include <mm/zone.h>
#include <errno.h>

#define COUNT 200

TEST(page_range, bulk_pages_are_single_and_go_back_in_one_call)
{
	struct page *pages[COUNT];
	uint64_t free = pages_free();

	REQUIRE(page_alloc_bulk(NODE_ANY, FOLIO_ZERO, pages, COUNT) == COUNT);
	CHECK_EQ(pages_free(), free - COUNT);
	for (unsigned i = 0; i < COUNT; i++) {
		CHECK_EQ(page_kind(pages[i]), PAGE_KIND_SINGLE);
		CHECK_EQ(folio_references((struct folio *)pages[i]), 1);
		CHECK_EQ(*(uint64_t *)page_to_virt(pages[i]), 0);
	}
	/* Somebody else holds one, another one is written on: those go their own way. */
	page_get(pages[7]);
	page_flag_set(pages[9], PAGE_DIRTY);
	page_free_bulk(pages, COUNT);
	CHECK_EQ(pages_free(), free - 1);
	page_put(pages[7]);
	CHECK_EQ(pages_free(), free);
}

/* Who takes many tells others of runs, not of pages: numbers ascend until the next block. */
TEST(page_range, bulk_pages_ascend_inside_their_2_mib_block)
{
	struct page *pages[COUNT];
	unsigned got = 0;

	while (got < COUNT) {
		unsigned more = page_alloc_bulk(NODE_ANY, 0, pages + got, MIN(COUNT - got, 40));

		REQUIRE(more > 0);
		got += more;
	}
	for (unsigned i = 1; i < COUNT; i++) {
		uint64_t before = page_to_pfn(pages[i - 1]).nr;
		uint64_t here = page_to_pfn(pages[i]).nr;

		CHECK(here > before || here >> BLOCK_ORDER != before >> BLOCK_ORDER);
	}
	page_free_bulk(pages, COUNT);
}

TEST(page_range, double_free_in_bulk_is_reported)
{
	struct page *pages[4];
	uint64_t free;

	REQUIRE(page_alloc_bulk(NODE_ANY, 0, pages, 4) == 4);
	page_put(pages[2]);
	free = pages_free();
	reports_expect();
	page_free_bulk(pages, 4);
	CHECK_EQ(reports_end(), 1);
	CHECK_EQ(pages_free(), free + 3);
}

TEST(page_range, exactly_the_pages_of_a_range_or_none)
{
	struct page *block = page_alloc(NODE_ANY, 4, 0);
	struct pfn start;
	struct pfn busy;
	uint64_t free;

	REQUIRE(block);
	start = page_to_pfn(block);
	page_free(block, 4);
	free = pages_free();
	REQUIRE(page_alloc_range(pfn(start.nr + 3), 10, 0, &busy) == 0);
	CHECK_EQ(pages_free(), free - 10);
	CHECK_EQ(page_alloc_range(start, 16, 0, &busy), -EBUSY);
	CHECK_EQ(busy.nr, start.nr + 3);
	CHECK_EQ(pages_free(), free - 10);
	for (unsigned i = 3; i < 13; i++) {
		CHECK_EQ(folio_references((struct folio *)(block + i)), 1);
		page_put(block + i);
	}
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(page_alloc_range(pfn(UINT64_MAX >> PAGE_SHIFT), 1, 0, &busy), -EINVAL);
	CHECK_EQ(page_alloc_range(start, 0, 0, &busy), -EINVAL);
	CHECK_EQ(page_alloc_range(start, UINT64_MAX, 0, &busy), -EINVAL);
}

/* Free memory may be given to the host in place: nobody reads or writes it. */
TEST(page_range, free_memory_keeps_its_bytes)
{
	struct page *page = page_alloc(NODE_ANY, 9, 0);
	const uint64_t *words;
	uint64_t wrong = 0;

	REQUIRE(page);
	words = page_to_virt(page);
	memset(page_to_virt(page), 0xa5, PAGE_SIZE << 9);
	page_free(page, 9);
	/* It becomes some CPU's block, is taken in part, free again, and goes back. */
	for (unsigned order = 0; order < 9; order++) {
		struct folio *folio = folio_alloc(NODE_ANY, order, 0, NULL);

		REQUIRE(folio);
		folio_put(folio);
	}
	mm_drain();
	CHECK(!mm_check_all());
	for (unsigned i = 0; i < (PAGE_SIZE << 9) / sizeof(*words); i++)
		wrong += words[i] != UINT64_C(0xa5a5a5a5a5a5a5a5);
	CHECK_EQ(wrong, 0);
}

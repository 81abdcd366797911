// SPDX-License-Identifier: MIT
/*
 * Folios and references: spec-folio sections 2 and 3.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/fault.h>
#include <mm/memcg.h>
#include <mm/zone.h>

static struct folio *get_folio(unsigned order, unsigned flags)
{
	struct folio *folio = folio_alloc(NODE_ANY, order, flags, NULL);

	NEED(folio, "no memory for a folio");
	return folio;
}

TEST(folio, every_order_is_aligned_counted_and_given_back)
{
	mm_drain();
	for (unsigned order = 0; order <= FOLIO_ORDER_MAX; order++) {
		uint64_t free = pages_free();
		struct folio *folio = get_folio(order, 0);

		CHECK_EQ(folio_order(folio), order);
		CHECK_EQ(folio_references(folio), 1);
		CHECK(is_aligned(folio_phys(folio).addr, PAGE_SIZE << order));
		CHECK(folio_phys(folio).addr != 0);
		CHECK_EQ(pages_free(), free - (UINT64_C(1) << order));
		for (uint64_t i = 0; i < folio_pages(folio); i++)
			if (page_folio(folio_page(folio, i)) != folio)
				CHECK_EQ(i, order);
		folio_put(folio);
		CHECK_EQ(pages_free(), free);
	}
}

TEST(folio, F_T1_get_on_a_tail_counts_on_the_head)
{
	struct folio *folio = get_folio(3, 0);

	page_get(folio_page(folio, 5));
	CHECK_EQ(folio_references(folio), 2);
	CHECK_EQ(atomic_load(&folio_page(folio, 5)->refcount), 0);
	page_put(folio_page(folio, 2));
	CHECK_EQ(folio_references(folio), 1);
	folio_put(folio);
}

TEST(folio, F_T2_put_on_a_tail_frees_the_block_once_with_its_order)
{
	uint64_t free;
	struct folio *folio;

	mm_drain();
	free = pages_free();
	reports_expect();
	folio = get_folio(3, 0);
	folio_get(folio);
	page_put(folio_page(folio, 7));
	CHECK_EQ(pages_free(), free - 8);
	page_put(folio_page(folio, 7));
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(reports_end(), 0);
}

TEST(folio, F_T8_pin_on_a_tail_outlives_the_owners_free)
{
	uint64_t free;
	struct folio *folio;

	mm_drain();
	free = pages_free();
	reports_expect();
	folio = get_folio(2, 0);
	page_get(folio_page(folio, 3));
	page_free(&folio->page, 2);
	CHECK_EQ(pages_free(), free - 4);
	page_put(folio_page(folio, 3));
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(reports_end(), 0);
}

TEST(folio, F_T24_frozen_folio_cannot_be_got_and_comes_back_unchanged)
{
	struct folio *folio = get_folio(4, 0);
	struct page head;

	page_set_mapping(&folio->page, folio, 7);
	page_flag_set(&folio->page, PAGE_DIRTY);
	folio_get(folio);
	CHECK(!folio_freeze(folio, 1));
	CHECK(!folio_freeze(folio, 3));
	CHECK(!folio_freeze(folio, 0));
	CHECK_EQ(folio_references(folio), 2);
	CHECK(folio_freeze(folio, 2));
	memcpy(&head, &folio->page, sizeof(head));
	CHECK(!folio_try_get(folio));
	for (unsigned i = 0; i < 16; i++)
		CHECK(!page_try_get(folio_page(folio, i)));
	CHECK(!folio_freeze(folio, 2));
	CHECK(memcmp(&head, &folio->page, sizeof(head)) == 0);
	folio_unfreeze(folio, 2);
	CHECK(page_try_get(folio_page(folio, 9)) == folio);
	CHECK_EQ(folio_references(folio), 3);
	CHECK_EQ(folio->page.index, 7);
	page_set_mapping(&folio->page, NULL, 0);
	for (unsigned i = 0; i < 3; i++)
		folio_put(folio);
}

TEST(folio, try_get_fails_on_free_pages_and_counts_live_ones)
{
	struct folio *folio = get_folio(0, 0);
	struct page *page = &folio->page;

	CHECK(page_try_get(page) == folio);
	CHECK_EQ(folio_references(folio), 2);
	folio_put(folio);
	folio_put(folio);
	CHECK(!page_try_get(page));
	CHECK_EQ(folio_references(folio), 0);
}

TEST(folio, zero_flag_zeroes_the_whole_block)
{
	for (unsigned order = 0; order <= 4; order += 2) {
		struct folio *folio = get_folio(order, 0);
		uint64_t dirt = 0;
		uint64_t *word;

		memset(folio_address(folio), 0x5a, folio_size(folio));
		folio_put(folio);
		folio = get_folio(order, FOLIO_ZERO);
		word = folio_address(folio);
		for (size_t i = 0; i < folio_size(folio) / sizeof(*word); i++)
			dirt |= word[i];
		CHECK_EQ(dirt, 0);
		folio_put(folio);
	}
}

/* B-0: one descriptor per folio. The tails of a block that nobody wrote stay as they are. */
TEST(folio, tails_are_not_written)
{
	struct folio *folio = get_folio(9, 0);
	static const struct page zero;
	unsigned written = 0;

	for (unsigned i = 1; i < 512; i++)
		written += memcmp(folio_page(folio, i), &zero, sizeof(zero)) != 0;
	CHECK_EQ(written, 0);
	folio_put(folio);
}

TEST(folio, charge_is_taken_and_returned_with_the_folio)
{
	struct memcg group = {.limit = 20};
	struct folio *folio = folio_alloc(NODE_ANY, 4, 0, &group);

	REQUIRE(folio);
	CHECK_EQ(atomic_load(&group.pages), 16);
	CHECK(!folio_alloc(NODE_ANY, 3, 0, &group));
	CHECK_EQ(atomic_load(&group.pages), 16);
	folio_get(folio);
	folio_put(folio);
	CHECK_EQ(atomic_load(&group.pages), 16);
	folio_put(folio);
	CHECK_EQ(atomic_load(&group.pages), 0);
}

TEST(folio, dma_requests_stay_below_the_limit)
{
	static const unsigned flags[PLATFORM_DMA_ZONES] = {FOLIO_DMA, FOLIO_DMA32};

	for (unsigned i = 0; i < PLATFORM_DMA_ZONES; i++) {
		struct folio *folio = get_folio(3, flags[i]);

		CHECK(folio_phys(folio).addr + folio_size(folio) <=
		      platform_dma_zone_end[i].addr);
		CHECK(page_zone_type(&folio->page) <= i);
		folio_put(folio);
	}
}

#ifdef QUIRE_TEST_HOOKS
TEST(folio, allocation_fails_where_a_fault_is_injected)
{
	struct memcg group = {.limit = 100};

	fault_arm(1);
	CHECK(!folio_alloc(NODE_ANY, 0, 0, &group));
	CHECK(fault_disarm());
	CHECK_EQ(atomic_load(&group.pages), 0);
	fault_arm(1);
	CHECK(!page_alloc(NODE_ANY, 2, 0));
	CHECK(fault_disarm());
	fault_arm(1);
	CHECK(!page_alloc_exact(NODE_ANY, 5, 0));
	CHECK(fault_disarm());
}
#endif

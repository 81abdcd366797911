// SPDX-License-Identifier: MIT
/*
 * Bad pages: spec-folio section 5.
 */
#include <tests/mm/bad_page_fixture.h>
#include <mm/zone.h>
#include <kernel/banner.h>
#include <kernel/format.h>
#include <kernel/thread.h>
#include <platform/clock.h>

static struct folio *get_folio(unsigned order)
{
	struct folio *folio = folio_alloc(NODE_ANY, order, 0, NULL);

	NEED(folio, "no memory for a folio");
	return folio;
}

TEST(bad_page, F_T11_second_put_of_a_page_is_an_underflow)
{
	struct page *page = &get_folio(0)->page;
	uint64_t free = pages_free();

	reports_expect();
	page_put(page);
	page_put(page);
	CHECK_EQ(reports_end(), 1);
	CHECK_EQ(pages_free(), free + 1);
	CHECK(strstr(reports_text(), "reference count underflow"));
	CHECK_EQ(atomic_load(&page->refcount), 0);
}

TEST(bad_page, F_T12_flag_of_a_page_in_use_withholds_the_page)
{
	struct page *page = &get_folio(0)->page;
	uint64_t free = pages_free();
	uint64_t bad = pages_bad();
	struct folio *next;

	page_flag_set(page, PAGE_LRU);
	reports_expect();
	page_put(page);
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "check-at-free flag set"));
	CHECK(strstr(reports_text(), "!lru"));
	CHECK(strstr(reports_text(), "tainted"));
	CHECK(bad_page_count() > 0);
	CHECK_STR(kernel_tainted(), "bad page");
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(pages_bad(), bad + 1);
	next = get_folio(0);
	CHECK(&next->page != page);
	folio_put(next);
}

TEST(bad_page, F_T13_one_bad_constituent_withholds_the_block)
{
	struct folio *folio = get_folio(2);
	uint64_t free = pages_free();
	uint64_t bad = pages_bad();

	page_set_mapping(folio_page(folio, 2), folio, 0);
	reports_expect();
	folio_put(folio);
	CHECK_EQ(reports_end(), 1);
	CHECK_EQ(reports_count("bad page state in free: non-null mapping"), 1);
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(pages_bad(), bad + 4);
	CHECK(!page_try_get(&folio->page));
}

TEST(bad_page, each_bad_constituent_is_reported)
{
	struct folio *folio = get_folio(9);
	uint64_t bad = pages_bad();

	page_flag_set(folio_page(folio, 0), PAGE_ACTIVE);
	page_map_add(folio_page(folio, 1));
	page_flag_set(folio_page(folio, 200), PAGE_WRITEBACK);
	page_set_mapping(folio_page(folio, 511), folio, 3);
	reports_expect();
	folio_put(folio);
	CHECK_EQ(reports_end(), 4);
	CHECK_EQ(pages_bad(), bad + 512);
}

TEST(bad_page, F_T14_reports_are_limited_to_60_a_minute)
{
	struct page *pages[100];

	for (unsigned i = 0; i < 100; i++) {
		pages[i] = &get_folio(0)->page;
		page_flag_set(pages[i], PAGE_LOCKED);
	}
	reports_expect();
	for (unsigned i = 0; i < 100; i++)
		page_put(pages[i]);
	bad_page_flush();
	CHECK_EQ(reports_end(), 100);
	CHECK_EQ(reports_count("bad page state in"), 60);
	CHECK_EQ(reports_count("40 more bad page reports suppressed"), 1);
}

TEST(bad_page, report_limit_begins_anew_after_a_minute)
{
	struct report_limit limit = {0};
	unsigned suppressed;

	for (unsigned i = 0; i < 60; i++)
		CHECK(report_limit_pass(&limit, 5 + i, &suppressed));
	CHECK(!report_limit_pass(&limit, 59 * NSEC_PER_SEC, &suppressed));
	CHECK(!report_limit_pass(&limit, 60 * NSEC_PER_SEC, &suppressed));
	CHECK_EQ(suppressed, 0);
	CHECK(report_limit_pass(&limit, 60 * NSEC_PER_SEC + 5, &suppressed));
	CHECK_EQ(suppressed, 2);
	CHECK(report_limit_pass(&limit, 60 * NSEC_PER_SEC + 6, &suppressed));
	CHECK_EQ(suppressed, 0);
}

TEST(bad_page, F_T15_free_page_that_was_corrupted_is_dropped_at_allocation)
{
	uint64_t bad = pages_bad();
	struct folio *next;
	struct page *page;

	preempt_disable(); /* another CPU would get another page */
	page = &get_folio(0)->page;
	page_put(page);
	page_map_add(page);
	reports_expect();
	next = get_folio(0);
	preempt_enable();
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "bad page state in alloc: nonzero mapcount"));
	CHECK(&next->page != page);
	CHECK_EQ(pages_bad(), bad + 1);
	folio_put(next);
}

/* The same inside a large block: the mark of B-0 leads to it. */
TEST(bad_page, corrupted_page_inside_a_free_block_is_found_by_its_mark)
{
	uint64_t bad = pages_bad();
	struct folio *folio;
	struct page *page;

	preempt_disable(); /* this CPU keeps the block for its next request */
	folio = get_folio(9);
	page = folio_page(folio, 300);
	folio_put(folio);
	page_set_mapping(page, folio, 1);
	reports_expect();
	folio = get_folio(9);
	preempt_enable();
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "bad page state in alloc: non-null mapping"));
	CHECK(page_folio(page) != folio);
	CHECK_EQ(pages_bad(), bad + 512);
	folio_put(folio);
}

TEST(bad_page, dirty_and_referenced_are_cleared_at_free)
{
	struct folio *folio = get_folio(0);
	struct page *page = &folio->page;

	page_flag_set(page, PAGE_DIRTY);
	page_flag_set(page, PAGE_REFERENCED);
	page_set_private(page, 99);
	page_set_type(page, PAGE_TYPE_OFFLINE);
	reports_expect();
	folio_put(folio);
	CHECK_EQ(reports_end(), 0);
	CHECK(page_check_alloc(page) == NULL);
}

TEST(bad_page, reserved_page_is_kept_and_stays_reserved)
{
	struct page *page = &get_folio(0)->page;
	uint64_t free = pages_free();

	page_flag_set(page, PAGE_RESERVED);
	reports_expect();
	page_put(page);
	CHECK_EQ(reports_end(), 1);
	CHECK(page_flag_test(page, PAGE_RESERVED));
	CHECK_EQ(pages_free(), free);
}

TEST(bad_page, report_says_everything_about_page_and_neighbours)
{
	struct page *page = page_alloc(NODE_ANY, 1, 0);
	char expected[120];

	REQUIRE(page);
	reports_expect();
	page_get(page + 1);
	page_flag_set(page + 1, PAGE_DIRTY);
	preempt_disable();
	page_put(page + 1);
	preempt_enable();
	CHECK_EQ(reports_end(), 1);
	format(expected, sizeof(expected),
	       "bad page state in put: freed part of a raw block "
	       "(frame %#llx)",
	       (unsigned long long)page_to_pfn(page + 1).nr);
	CHECK_EQ(reports_count(expected), 1);
	format(expected, sizeof(expected),
	       "thread \"%s\", preemption off (count 1, in 0 "
	       "interrupts), interrupts on, innermost lock none known",
	       thread_name(thread_current()));
	CHECK_EQ(reports_count(expected), 1);
	format(expected, sizeof(expected),
	       "frame %#llx, record %p: ", (unsigned long long)page_to_pfn(page + 1).nr,
	       (void *)(page + 1));
	CHECK_EQ(reports_count(expected), 1);
	CHECK(strstr(reports_text(), "mapping "));
	CHECK(strstr(reports_text(), " memcg "));
	CHECK(strstr(reports_text(), " type none"));
	CHECK(strstr(reports_text(), "  #0 "));
	CHECK(strstr(reports_text(), "kernel tainted: bad page"));
	CHECK_EQ(reports_count("mm:   *0x"), 1);
	CHECK(reports_count("mm:    0x") >= 1);
	CHECK(strstr(reports_text(), "mapcount 0 refcount 0"));
	CHECK(strstr(reports_text(), " dirty"));
	CHECK(strstr(reports_text(), "later page of a raw block"));
	page_flag_clear(page + 1, PAGE_DIRTY);
	page_free(page, 1);
}

TEST(bad_page, report_of_a_tail_names_its_head_and_what_holds_the_cpu)
{
	static struct lock_class class = {.name = "test of reports"};
	struct spin_lock lock = SPIN_LOCK_INIT(&class);
	struct folio *folio = get_folio(3);
	struct irq_state irq;
	char expected[120];

	page_flag_set(folio_page(folio, 6), PAGE_LRU);
	page_flag_set(folio_page(folio, 6), PAGE_DIRTY);
	reports_expect();
	irq = spin_lock_irqsave(&lock);
	bad_page(folio_page(folio, 6), "get", "a test", 0);
	spin_unlock_irqrestore(&lock, irq);
	CHECK_EQ(reports_end(), 1);
	format(expected, sizeof(expected), "tail of the folio at frame %#llx, order 3",
	       (unsigned long long)page_to_pfn(&folio->page).nr);
	CHECK_EQ(reports_count(expected), 1);
	CHECK(strstr(reports_text(), "interrupts off, innermost lock "));
#ifdef QUIRE_TEST_HOOKS /* release builds do not know what they hold */
	CHECK(strstr(reports_text(), "innermost lock test of reports"));
#endif
	CHECK(strstr(reports_text(), "flags 0x18 dirty !lru"));
	page_flag_clear(folio_page(folio, 6), PAGE_LRU);
	folio_put(folio);
}

/* At hand-out no flag may be left, dirty and referenced included. */
TEST(bad_page, flag_left_over_at_hand_out_is_an_offending_one)
{
	struct page *page;

	preempt_disable(); /* another CPU would get another page */
	page = &get_folio(0)->page;
	page_put(page);
	page_flag_set(page, PAGE_DIRTY);
	reports_expect();
	page_put(&get_folio(0)->page);
	preempt_enable();
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "bad page state in alloc: field or flag left over"));
	CHECK(strstr(reports_text(), "flags 0x8 !dirty"));
}

/* A record may hold anything: neither the report nor the free may trust it. */
TEST(bad_page, record_full_of_rubbish_is_reported_and_withheld)
{
	struct page *page = &get_folio(0)->page;
	uint64_t free = pages_free();
	uint64_t bad = pages_bad();

	page->type = 200;
	atomic_store(&page->shape, 0xc8c8);
	atomic_store(&page->flags, UINT32_MAX);
	reports_expect();
	page_put(page);
	CHECK_EQ(reports_end(), 1);
	CHECK(strstr(reports_text(), "order beyond the largest"));
	CHECK(strstr(reports_text(), "corrupted kind"));
	CHECK(strstr(reports_text(), "corrupted type"));
	CHECK(strstr(reports_text(), "!unknown"));
	CHECK_EQ(pages_free(), free);
	CHECK_EQ(pages_bad(), bad + 1);
	atomic_store(&page->shape, 0); /* nobody's: what a withheld page is */
}

/* Whoever frees many looks at the words at once: no record may pass that is refused one by one.
 */
TEST(bad_page, free_check_in_few_words_agrees_with_the_one_that_gives_reasons)
{
	struct list_head other = LIST_INIT(other);

	for (unsigned i = 0; i < 20000; i++) {
		struct page page = {.list = {NULL, NULL}};

		/* Mostly one thing at a time. */
		for (unsigned n = 0; n <= test_random_below(3); n++)
			switch (test_random_below(8)) {
			case 0:
				page.flags = (uint32_t)BIT(test_random_below(PAGE_FLAG_COUNT));
				break;
			case 1:
				page.refcount = (int32_t)test_random_below(3) - 1;
				break;
			case 2:
				page.mapcount = (int32_t)test_random_below(3) - 1;
				break;
			case 3:
				page.type = (uint8_t)test_random_below(PAGE_TYPE_COUNT);
				break;
			case 4:
				page.mapping = test_random_below(2) ? &page : NULL;
				break;
			case 5:
				page.memcg = test_random_below(2) ? (void *)&page : NULL;
				break;
			case 6:
				page.list.next = test_random_below(2) ? &page.list : &other;
				break;
			default:
				page.private = test_random();
				page.index = test_random();
				page.shape = (uint16_t)test_random();
			}
		if (page_is_freeable(&page) != !page_check_free(&page, false))
			REQUIRE(page_is_freeable(&page) == !page_check_free(&page, false));
	}
	CHECK(true);
}

// SPDX-License-Identifier: MIT
/*
 * mm_check_all() finds what is wrong with a record, and reads on whatever it holds.
 */
#include <tests/mm/bad_page_fixture.h>

static struct folio *get_folio(unsigned order)
{
	struct folio *folio = folio_alloc(NODE_ANY, order, 0, NULL);

	if (!folio)
		ERROR("no memory for a folio");
	return folio;
}

/* The walk says this while the shape is `value`. */
static void finds(const char *text, _Atomic uint16_t *shape, uint16_t value)
{
	uint16_t before = atomic_exchange(shape, value);
	const char *wrong = mm_check_all();

	atomic_store(shape, before);
	CHECK(wrong && strstr(wrong, text));
}

TEST(check, memory_at_rest_has_nothing_wrong)
{
	CHECK(!mm_check_all());
}

TEST(check, shape_that_cannot_be_is_found)
{
	struct folio *folio = get_folio(3);
	struct page *page = &folio->page;

	finds("order does not fit its place", &page->shape, 0xffff);
	finds("order does not fit its place", &page->shape,
	      page_shape_of(PAGE_KIND_HEAD, FOLIO_ORDER_MAX + 1));
	finds("inside another block", &page[5].shape, page_shape_of(PAGE_KIND_SINGLE, 0));
	folio_put(folio);
}

TEST(check, record_written_without_its_mark_is_found)
{
	struct folio *folio = get_folio(9);
	struct page *page = folio_page(folio, 77);
	const char *wrong;

	page->index = 1; /* past the functions that leave the mark */
	wrong = mm_check_all();
	page->index = 0;
	CHECK(wrong && strstr(wrong, "record written without a mark"));
	folio_put(folio);
	page->index = 1;
	wrong = mm_check_all();
	page->index = 0;
	CHECK(wrong && strstr(wrong, "free, but its record is not zero"));
}

// SPDX-License-Identifier: MIT
/*
 * A balloon client that answers what the test wants. See the header.
 */
#include <tests/mm/balloon_fixture.h>

#include <mm/mm.h>
#include <mm/zone.h>
#include <tests/test.h>

int mover_answers[ANSWERS_MAX];
_Atomic unsigned mover_asked;
struct balloon_device mover, mover_other;

int mover_answer(struct balloon_device *asking, struct page *destination, struct page *source)
{
	unsigned nr = atomic_fetch_add(&mover_asked, 1);

	CHECK(asking == &mover || asking == &mover_other);
	CHECK(destination != source);
	CHECK_EQ(source->private, (uintptr_t)asking);
	return nr < ANSWERS_MAX ? mover_answers[nr] : 0;
}

void mover_create(bool adjust)
{
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		mover_answers[i] = 0;
	atomic_store(&mover_asked, 0);
	balloon_device_init(&mover, "test", adjust, mover_answer);
}

struct page *mover_page(unsigned flags)
{
	struct page *page = page_alloc(NODE_ANY, 0, flags);

	NEED(page, "no page");
	return page;
}

struct page *mover_inflated(struct balloon_device *into)
{
	struct page *page = mover_page(0);

	balloon_enqueue(into, page);
	return page;
}

void mover_destroy(struct balloon_device *which)
{
	struct list_head entries = LIST_INIT(entries);

	balloon_dequeue_list(which, &entries, UINT64_MAX);
	balloon_free_list(&entries);
	CHECK(balloon_check() == NULL);
	balloon_device_destroy(which);
}

struct mover_books mover_books(const struct page *source, const struct page *destination)
{
	struct mover_books now;

	balloon_events(&now.events);
	now.source_managed = atomic_load(&page_zone(source)->managed);
	now.destination_managed = atomic_load(&page_zone(destination)->managed);
	now.source_node = balloon_node_pages(page_node(source));
	now.destination_node = balloon_node_pages(page_node(destination));
	return now;
}

void mover_books_equal(const struct mover_books *before, const struct mover_books *after)
{
	CHECK_EQ(after->events.inflate, before->events.inflate);
	CHECK_EQ(after->events.deflate, before->events.deflate);
	CHECK_EQ(after->events.migrate, before->events.migrate);
	CHECK_EQ(after->source_managed, before->source_managed);
	CHECK_EQ(after->destination_managed, before->destination_managed);
	CHECK_EQ(after->source_node, before->source_node);
	CHECK_EQ(after->destination_node, before->destination_node);
}

bool mover_page_is_free(const struct page *page)
{
	return folio_references((const struct folio *)page) == 0 &&
	       page_type(page) == PAGE_TYPE_NONE;
}

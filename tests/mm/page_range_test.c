// SPDX-License-Identifier: MIT
/*
 * Single pages in bulk, and the pages of a range, of the live machine.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
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
	struct page *block;
	struct pfn start = pfn(0);
	struct pfn busy;
	uint64_t free = 0;
	int error = -ENOMEM;

	preempt_disable(); /* another CPU that has the block reserved may answer too late */
	block = page_alloc(NODE_ANY, 4, 0);
	if (block) {
		start = page_to_pfn(block);
		page_free(block, 4);
		free = pages_free();
		error = page_alloc_range(pfn(start.nr + 3), 10, 0, &busy);
	}
	preempt_enable();
	REQUIRE(error == 0);
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

#ifdef QUIRE_TEST_HOOKS
static struct {
	unsigned sections;
	unsigned here; /* blocks worked on in this one */
	unsigned most;
	unsigned opened;
	unsigned parts;
	bool wrong_mask; /* interrupts were off before a section, or on in one */
} work;

static void note_section(struct hook *hook)
{
	(void)hook;
	work.wrong_mask |= !irq_enabled();
	work.sections++;
	work.here = 0;
}

static void note_work(struct hook *hook)
{
	work.wrong_mask |= irq_enabled();
	work.here++;
	work.most = MAX(work.most, work.here);
	*(unsigned *)hook->arg += 1;
}

/* Blocks of untouched memory in the zone that has most; their number. */
static uint64_t untouched(const struct zone **zone)
{
	uint64_t most = 0;

	*zone = zones[0];
	for (unsigned i = 0; i < zone_count; i++) {
		const struct frames *frames = &zones[i]->frames;
		uint64_t blocks = frames->block_count - atomic_load(&frames->frontier);

		if (blocks > most) {
			most = blocks;
			*zone = zones[i];
		}
	}
	return most;
}

/* So far above the frontier as there is memory, but not for ever. Without any, what was just
 * free. */
static struct pfn far_up(unsigned *blocks)
{
	const struct zone *zone;
	uint64_t most = untouched(&zone);
	uint64_t block = atomic_load(&zone->frames.frontier);
	struct page *page;

	/* The last one may be cut off. */
	*blocks = most > 4 ? (unsigned)MIN(most - 1, 40) : 0;
	if (*blocks)
		return pfn(zone->base.nr + (block + *blocks - 2) * BLOCK_FRAMES);
	page = page_alloc(NODE_ANY, FOLIO_ORDER_MAX, 0);
	NEED(page, "no 4 MiB in one piece");
	page_free(page, FOLIO_ORDER_MAX);
	return page_to_pfn(page);
}

/* Blocks are opened, looked at and taken one at a time, with interrupts on in between. */
TEST(page_range, interrupts_are_off_for_one_block_at_a_time)
{
	struct hook hooks[] = {
		{.name = "page_range_section", .function = note_section},
		{.name = "frames_block_opened", .function = note_work, .arg = &work.opened},
		{.name = "frames_range_part", .function = note_work, .arg = &work.parts},
	};
	unsigned blocks;
	struct pfn start = far_up(&blocks);
	const struct zone *zone = zone_of(start);
	uint64_t frontier = atomic_load(&zone->frames.frontier);
	struct pfn busy;
	int error;

	memset(&work, 0, sizeof(work));
	for (unsigned i = 0; i < ARRAY_SIZE(hooks); i++) {
		hooks[i].only = thread_current();
		hook_attach(&hooks[i]);
	}
	error = page_alloc_range(start, 2 * BLOCK_FRAMES, 0, &busy);
	for (unsigned i = 0; i < ARRAY_SIZE(hooks); i++)
		hook_detach(&hooks[i]);
	CHECK_EQ(error, 0);
	for (unsigned i = 0; !error && i < 2 * BLOCK_FRAMES; i++)
		page_put(pfn_to_page(pfn(start.nr + i)));
	CHECK(!work.wrong_mask);
	CHECK_EQ(work.most, 1);
	/* Both are looked at, then taken. */
	CHECK_EQ(work.parts, 4);
	CHECK_EQ(work.sections, work.opened + work.parts);
	/* Others may open some, too. */
	CHECK(work.opened <= blocks);
	CHECK(atomic_load(&zone->frames.frontier) - frontier >= work.opened);
	CHECK(blocks == 0 || work.opened > 0);
}
#endif

// SPDX-License-Identifier: MIT
/*
 * Splitting: spec-folio 7.2 steps 5, 8 and 9, and readers who try to get pages meanwhile.
 */
#include <tests/mm/bad_page_fixture.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio_split.h>
#include <mm/memcg.h>
#include <tests/kernel/threads.h>
#include <tests/wait.h>
#include <errno.h>

static struct folio *get_folio(unsigned order, struct memcg *group)
{
	struct folio *folio = folio_alloc(NODE_ANY, order, 0, group);

	NEED(folio, "no memory for a folio");
	return folio;
}

static void put_all(struct folio *first, unsigned order)
{
	struct folio *piece = first;

	while (piece) {
		struct folio *next = folio_split_next(first, order, piece);

		folio_put(piece);
		piece = next;
	}
}

TEST(folio_split, orders_fall_towards_the_page_that_stays_small)
{
	/* spec-folio 7.2 step 8: order 9, the third chunk of order 3. */
	static const unsigned expected[] = {4, 3, 3, 5, 6, 7, 8};
	uint64_t offset = 0;

	for (unsigned i = 0; i < 7; i++) {
		unsigned order = folio_split_order(offset, 16, 3, FOLIO_SPLIT_HALVES);

		CHECK_EQ(order, expected[i]);
		offset += UINT64_C(1) << order;
	}
	CHECK_EQ(offset, 512);
	CHECK_EQ(folio_split_order(511, 0, 0, FOLIO_SPLIT_UNIFORM), 0);
	CHECK_EQ(folio_split_order(1, 0, 0, FOLIO_SPLIT_HALVES), 0);
	CHECK_EQ(folio_split_order(0, 1023, 0, FOLIO_SPLIT_HALVES), 9);
}

/* Pieces lie in a row, name their own pages, and have one reference each. */
static void check_pieces(struct folio *first, unsigned old_order, unsigned pieces)
{
	uint64_t pages = 0;
	unsigned count = 0;

	for (struct folio *piece = first; piece;
	     piece = folio_split_next(first, old_order, piece)) {
		unsigned strangers = 0;

		CHECK(piece == (struct folio *)folio_page(first, pages));
		CHECK_EQ(folio_references(piece), 1);
		CHECK_EQ(page_kind(&piece->page),
			 folio_order(piece) ? PAGE_KIND_HEAD : PAGE_KIND_SINGLE);
		for (uint64_t i = 0; i < folio_pages(piece); i++)
			strangers += page_folio(folio_page(piece, i)) != piece;
		CHECK_EQ(strangers, 0);
		pages += folio_pages(piece);
		count++;
	}
	CHECK_EQ(pages, UINT64_C(1) << old_order);
	CHECK_EQ(count, pieces);
}

static void split_and_free(unsigned order, unsigned to, uint64_t at, enum folio_split_mode mode,
			   unsigned pieces)
{
	struct folio *folio;
	uint64_t free;

	mm_drain();
	free = pages_free();
	folio = get_folio(order, NULL);
	CHECK_EQ(folio_split(folio, to, folio_page(folio, at), mode), 0);
	check_pieces(folio, order, pieces);
	CHECK_EQ(pages_free(), free - (UINT64_C(1) << order));
	put_all(folio, order);
	CHECK_EQ(pages_free(), free);
}

TEST(folio_split, pieces_are_folios_of_their_own_and_come_back_one_by_one)
{
	uint64_t done = atomic_load(&folio_split_counts.done[9]);

	reports_expect();
	split_and_free(1, 0, 1, FOLIO_SPLIT_UNIFORM, 2);
	split_and_free(4, 2, 0, FOLIO_SPLIT_UNIFORM, 4);
	split_and_free(9, 0, 511, FOLIO_SPLIT_UNIFORM, 512);
	split_and_free(9, 3, 16, FOLIO_SPLIT_HALVES, 7);
	split_and_free(9, 0, 300, FOLIO_SPLIT_HALVES, 10);
	split_and_free(10, 9, 0, FOLIO_SPLIT_UNIFORM, 2);
	split_and_free(10, 0, 777, FOLIO_SPLIT_HALVES, 11);
	CHECK_EQ(reports_end(), 0);
	CHECK_EQ(atomic_load(&folio_split_counts.done[9]), done + 3);
}

/* The allocator has an order 10 as two whole blocks, and each half as rows. */
TEST(folio_split, piece_of_2_mib_is_split_again)
{
	struct folio *folio = get_folio(10, NULL);
	struct folio *second;

	CHECK_EQ(folio_split(folio, 9, &folio->page, FOLIO_SPLIT_UNIFORM), 0);
	second = folio_split_next(folio, 10, folio);
	CHECK_EQ(folio_split(folio, 0, &folio->page, FOLIO_SPLIT_UNIFORM), 0);
	put_all(folio, 9);
	CHECK_EQ(folio_split(second, 8, &second->page, FOLIO_SPLIT_HALVES), 0);
	put_all(second, 9);
}

TEST(folio_split, flags_mapping_index_and_charge_go_along)
{
	struct memcg group = {.limit = 16};
	struct folio *folio = get_folio(4, &group);
	struct folio *piece;
	char mapping;

	page_flag_set(&folio->page, PAGE_DIRTY);
	page_flag_set(&folio->page, PAGE_UPTODATE);
	page_flag_set(&folio->page, PAGE_LOCKED);
	page_flag_set(&folio->page, PAGE_POISON);
	page_set_mapping(&folio->page, &mapping, 100);
	REQUIRE(folio_split(folio, 2, &folio->page, FOLIO_SPLIT_UNIFORM) == 0);
	CHECK_EQ(atomic_load(&group.pages), 16);
	for (piece = folio; piece; piece = folio_split_next(folio, 4, piece)) {
		uint64_t offset = (uint64_t)(&piece->page - &folio->page);
		uint32_t own = offset ? 0 : BIT(PAGE_POISON);

		CHECK_EQ(atomic_load(&piece->page.flags),
			 own | BIT(PAGE_DIRTY) | BIT(PAGE_UPTODATE) | BIT(PAGE_LOCKED));
		CHECK(piece->page.mapping == &mapping);
		CHECK_EQ(piece->page.index, 100 + offset);
		CHECK(piece->page.memcg == &group);
		page_set_mapping(&piece->page, NULL, 0);
		page_flag_clear(&piece->page, PAGE_LOCKED);
	}
	piece = folio_split_next(folio, 4, folio);
	folio_put(folio);
	CHECK_EQ(atomic_load(&group.pages), 12);
	put_all(piece, 2);
	CHECK_EQ(atomic_load(&group.pages), 8);
	piece = (struct folio *)folio_page(folio, 8);
	put_all(piece, 3);
	CHECK_EQ(atomic_load(&group.pages), 0);
}

static void refused(struct folio *folio, unsigned order, const struct page *at, int error)
{
	struct page before[16];

	memcpy(before, &folio->page, sizeof(before));
	CHECK_EQ(folio_split(folio, order, at, FOLIO_SPLIT_UNIFORM), error);
	CHECK(memcmp(before, &folio->page, sizeof(before)) == 0);
}

TEST(folio_split, refused_split_changes_nothing)
{
	struct folio *folio = get_folio(4, NULL);
	struct page *head = &folio->page;
	uint64_t failed = atomic_load(&folio_split_counts.failed[4]);

	refused(folio, 4, head, -EINVAL);
	refused(folio, 5, head, -EINVAL);
	refused(folio, 0, head + 16, -EINVAL);
	refused(folio, 0, head - 1, -EINVAL);
	CHECK_EQ(atomic_load(&folio_split_counts.failed[4]), failed);
	page_get(head + 3);
	refused(folio, 0, head, -EAGAIN);
	page_put(head + 3);
	page_flag_set(head, PAGE_LRU);
	refused(folio, 0, head, -EBUSY);
	page_flag_clear(head, PAGE_LRU);
	page_map_add(head);
	refused(folio, 0, head, -EBUSY);
	page_map_remove(head);
	page_map_add(head + 7);
	refused(folio, 0, head, -EBUSY);
	page_map_remove(head + 7);
	page_set_private(head + 15, 1);
	refused(folio, 0, head, -EBUSY);
	page_set_private(head + 15, 0);
	page_set_type(head, PAGE_TYPE_SLAB);
	refused(folio, 0, head, -EBUSY);
	page_set_type(head, PAGE_TYPE_NONE);
	CHECK_EQ(atomic_load(&folio_split_counts.failed[4]), failed + 6);
	CHECK_EQ(folio_split(folio, 0, head, FOLIO_SPLIT_UNIFORM), 0);
	put_all(folio, 4);
}

#ifdef QUIRE_TEST_HOOKS
/* A reader stands between finding the head and counting on it, or before the second look. */
static _Atomic(struct folio *) got;

static int try_get_page_5(void *arg)
{
	struct page *page = arg;

	atomic_store(&got, page_try_get(page + 5));
	return 0;
}

static void split_before_a_reader(const char *point, int expected)
{
	struct folio *folio = get_folio(3, NULL);
	struct hook_gate gate;
	struct thread *reader;

	hook_gate_attach(&gate, point, NULL);
	reader = test_thread_try(try_get_page_5, &folio->page, THREAD_ANY_CPU);
	if (!reader)
		hook_gate_detach(&gate);
	NEED(reader, "no memory for a thread");
	hook_gate_wait(&gate);
	CHECK_EQ(folio_split(folio, 0, &folio->page, FOLIO_SPLIT_UNIFORM), expected);
	hook_gate_detach(&gate);
	thread_join(reader);
	if (expected == 0) {
		CHECK(!atomic_load(&got));
		check_pieces(folio, 3, 8);
		put_all(folio, 3);
	} else {
		CHECK(atomic_load(&got) == folio);
		folio_put(folio);
		folio_put(folio);
	}
}

TEST(folio_split, F_T25_reader_that_found_the_old_head_lets_it_go)
{
	split_before_a_reader("page_try_get_resolved", 0);
}

TEST(folio_split, F_T25_reader_that_has_counted_stops_the_split)
{
	split_before_a_reader("page_try_get_counted", -EAGAIN);
}

static void try_old_head(struct hook *hook)
{
	struct page *page = hook->arg;
	struct folio *folio = page_try_get(page);

	CHECK(!folio);
}

/* The old head is the last to be let go: whoever gets it sees what it covers now. */
TEST(folio_split, F_T25_old_head_is_let_go_last)
{
	struct folio *folio = get_folio(3, NULL);
	struct hook hook = {.name = "folio_split_unfreezing",
			    .function = try_old_head,
			    .arg = &folio->page,
			    .only = thread_current()};

	hook_attach(&hook);
	CHECK_EQ(folio_split(folio, 1, &folio->page, FOLIO_SPLIT_UNIFORM), 0);
	hook_detach(&hook);
	check_pieces(folio, 3, 4);
	put_all(folio, 3);
}
#endif

#define ORDER  6
#define PAGES  (1u << ORDER)
#define ROUNDS 300

static struct {
	_Atomic(struct page *) block;
	_Atomic bool done;
	_Atomic uint64_t got;
	_Atomic uint64_t strange;
	_Atomic uint64_t split;
	_Atomic unsigned role;
} race;

static void read_pages(void)
{
	for (unsigned i = 0; !atomic_load(&race.done); i = i * 29 + 7) {
		struct page *page = atomic_load(&race.block) + i % PAGES;
		struct folio *folio = page_try_get(page);

		if (folio) {
			if (page < &folio->page ||
			    page >= folio_page(folio, folio_pages(folio)))
				atomic_fetch_add(&race.strange, 1);
			atomic_fetch_add(&race.got, 1);
			folio_put(folio);
		}
		if (i % 16 == 0)
			thread_yield();
	}
}

static bool both_have_met(void)
{
	return atomic_load(&race.got) > 0 && atomic_load(&race.split) > 0;
}

/* False: no memory. */
static bool split_once(unsigned round)
{
	struct folio *folio = folio_alloc(NODE_ANY, ORDER, 0, NULL);

	if (!folio)
		return false;
	atomic_store(&race.block, &folio->page);
	for (unsigned tries = 0; tries < 20; tries++) {
		if (folio_split(folio, round % ORDER, folio_page(folio, round % PAGES),
				round & 1 ? FOLIO_SPLIT_HALVES : FOLIO_SPLIT_UNIFORM) == 0) {
			atomic_fetch_add(&race.split, 1);
			break;
		}
		thread_yield();
	}
	if (round % 4 == 0)
		thread_yield();
	put_all(folio, ORDER);
	return true;
}

/* Readers may start long after: on until both sides have met, within reason. */
static void split_pages(void)
{
	unsigned round = 0;
	uint64_t begin;

	while (round < ROUNDS && split_once(round))
		round++;
	begin = clock_ns();
	while (!both_have_met() && wait_a_little(begin) && split_once(round))
		round++;
	atomic_store(&race.done, true);
}

static int race_thread(void *arg)
{
	(void)arg;
	if (atomic_fetch_add(&race.role, 1) == 0)
		split_pages();
	else
		read_pages();
	return 0;
}

TEST(folio_split, F_T25_reader_fails_or_holds_the_piece_with_its_page)
{
	struct folio *first = get_folio(ORDER, NULL);

	memset(&race, 0, sizeof(race));
	atomic_store(&race.block, &first->page);
	test_threads_run(3, race_thread, NULL);
	folio_put(first);
	CHECK_EQ(atomic_load(&race.strange), 0);
	CHECK(atomic_load(&race.split) > 0);
	CHECK(atomic_load(&race.got) > 0);
}

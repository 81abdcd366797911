// SPDX-License-Identifier: MIT
/*
 * Folios under threads: some own folios and stamp their memory, some take references by page
 * number without owning anything. A reference obtained must be on the folio that holds the
 * page, and nobody may see another one's stamp in his memory.
 */
#include <tests/kernel/threads.h>
#include <mm/folio.h>
#include <mm/mm.h>

#define SLOTS 64

struct field {
	_Atomic uint64_t pages[SLOTS]; /* frame numbers somebody had a short time ago */
	uint64_t seed;
	unsigned steps;
	_Atomic unsigned next;
	_Atomic unsigned wrong;
	_Atomic unsigned caught;
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Own a folio for a moment: stamp it, show one of its pages, look at the stamp. */
static void own(struct field *field, uint64_t dice)
{
	unsigned order = (unsigned)(dice >> 8) % 5;
	struct folio *folio = folio_alloc(NODE_ANY, order, FOLIO_NOWARN, NULL);
	_Atomic uint64_t *word;

	if (!folio)
		return;
	word = folio_address(folio);
	atomic_store_explicit(word, dice, memory_order_relaxed);
	atomic_store(&field->pages[dice >> 16 & (SLOTS - 1)],
		     page_to_pfn(folio_page(folio, dice >> 32 & (folio_pages(folio) - 1))).nr);
	thread_yield();
	if (atomic_load_explicit(word, memory_order_relaxed) != dice)
		atomic_fetch_add(&field->wrong, 1);
	folio_put(folio);
}

/* Catch a folio by one of its pages. */
static void pin(struct field *field, uint64_t dice)
{
	uint64_t nr = atomic_load(&field->pages[dice >> 16 & (SLOTS - 1)]);
	struct page *page = pfn_to_page(pfn(nr));
	struct folio *folio = nr ? page_try_get(page) : NULL;

	if (!folio)
		return;
	atomic_fetch_add(&field->caught, 1);
	if (page < &folio->page || page >= folio_page(folio, folio_pages(folio)))
		atomic_fetch_add(&field->wrong, 1);
	thread_yield();
	if (page_folio(page) != folio)
		atomic_fetch_add(&field->wrong, 1);
	folio_put(folio);
}

static int player(void *arg)
{
	struct field *field = arg;
	unsigned self = atomic_fetch_add(&field->next, 1) + 1;
	uint64_t random = field->seed * self | 1;

	for (unsigned step = 0; step < field->steps; step++) {
		uint64_t dice = next_random(&random);

		if (self & 1)
			own(field, dice);
		else
			pin(field, dice);
	}
	return 0;
}

TEST(folio_model, a_reference_is_on_the_folio_that_holds_the_page)
{
	for (unsigned threads = 2; threads <= 8; threads += 2) {
		static struct field field;

		memset(&field, 0, sizeof(field));
		field.seed = test_random();
		field.steps = 10000;
		test_threads_run(threads, player, &field);
		CHECK_EQ(field.wrong, 0);
	}
}

/* Raw, exploded, exact and compound blocks of all orders, at random, against the free count. */
TEST(folio_model, modes_and_orders_at_random_keep_the_count)
{
	struct {
		struct page *page;
		unsigned order;
		unsigned exact; /* pages, 0: a block */
	} held[48];
	unsigned count = 0;

	for (unsigned step = 0; step < 1500 || count; step++) {
		unsigned order = (unsigned)test_random_below(11);
		unsigned exact = test_random_below(3) ? 0 : 1 + (unsigned)test_random_below(70);
		unsigned flags = test_random_below(2) ? FOLIO_COMPOUND : 0;

		if (step < 1500 && count < 48 && test_random_below(2)) {
			struct page *page =
				exact ? page_alloc_exact(NODE_ANY, exact, FOLIO_NOWARN)
				      : page_alloc(NODE_ANY, order, flags | FOLIO_NOWARN);

			if (!page)
				continue;
			held[count].page = page;
			held[count].order = order;
			held[count++].exact = exact;
		} else if (count) {
			unsigned at = (unsigned)test_random_below(count);

			if (held[at].exact)
				page_free_exact(held[at].page, held[at].exact);
			else
				page_free(held[at].page, held[at].order);
			held[at] = held[--count];
		}
		if (step % 100 == 0)
			CHECK_STR(mm_check_all() ? mm_check_all() : "fine", "fine");
	}
}

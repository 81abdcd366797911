// SPDX-License-Identifier: MIT
/*
 * The folios are chained through their page records, so that the stamps are all there is in the
 * memory itself.
 */
#include <mm/touch.h>
#include <mm/folio.h>
#include <kernel/log.h>

#define KEPT_ORDER 8

/* Both ends of a page. */
struct stamp {
	uint64_t address;
	uint64_t generation;
};

static void stamp_write(char *page, uint64_t address, uint64_t generation)
{
	const struct stamp stamp = {address, generation};

	*(struct stamp *)(void *)page = stamp;
	*(struct stamp *)(void *)(page + PAGE_SIZE - sizeof(stamp)) = stamp;
}

static bool stamp_is(const void *at, uint64_t address, uint64_t generation)
{
	const struct stamp *stamp = at;

	return stamp->address == address && stamp->generation == generation;
}

static bool stamp_check(const char *page, uint64_t address, uint64_t generation)
{
	return stamp_is(page, address, generation) &&
	       stamp_is(page + PAGE_SIZE - sizeof(struct stamp), address, generation);
}

static void folio_stamp(struct folio *folio, uint64_t generation)
{
	char *base = folio_address(folio);
	uint64_t address = folio_phys(folio).addr;

	for (uint64_t at = 0; at < folio_size(folio); at += PAGE_SIZE)
		stamp_write(base + at, address + at, generation);
}

static void folio_verify(struct folio *folio, struct touch_result *result)
{
	const char *base = folio_address(folio);
	uint64_t address = folio_phys(folio).addr;

	for (uint64_t at = 0; at < folio_size(folio); at += PAGE_SIZE) {
		if (stamp_check(base + at, address + at, result->generation))
			continue;
		if (result->wrong++ == 0)
			log_error(
				"mm: the page at %#llx reads %#llx, not the stamp it was given",
				(unsigned long long)(address + at),
				(unsigned long long)*(const uint64_t *)(const void *)(base +
										      at));
	}
}

static void take_all(struct list_head *taken, struct touch_result *result)
{
	for (unsigned order = FOLIO_ORDER_MAX + 1; order-- > 0;) {
		struct folio *folio;

		while ((folio = folio_alloc(NODE_ANY, order,
					    FOLIO_MOVABLE | FOLIO_NOWARN | FOLIO_NORETRY,
					    NULL)) != NULL) {
			folio_stamp(folio, result->generation);
			list_add_tail(taken, &folio->page.list);
			result->pages += folio_pages(folio);
		}
	}
}

void memory_touch(struct touch_result *result)
{
	static _Atomic uint64_t generations;
	struct list_head taken = LIST_INIT(taken);
	struct folio *kept = folio_alloc(NODE_ANY, KEPT_ORDER, FOLIO_NOWARN, NULL);

	*result = (struct touch_result){.generation = atomic_fetch_add(&generations, 1) + 1};
	take_all(&taken, result);
	if (kept)
		folio_put(kept);
	while (!list_is_empty(&taken)) {
		struct folio *folio = (struct folio *)list_first(&taken, struct page, list);

		folio_verify(folio, result);
		list_del(&folio->page.list);
		folio_put(folio);
	}
}

// SPDX-License-Identifier: MIT
/*
 * What a page, a large folio and a small object cost, checks included: one request and its
 * return.
 */
#include <mm/folio.h>
#include <mm/slab.h>
#include <tests/bench.h>

static void folio_pairs(unsigned order, uint64_t iterations)
{
	for (uint64_t i = 0; i < iterations; i++) {
		struct folio *folio = folio_alloc(NODE_ANY, order, 0, NULL);

		if (folio)
			folio_put(folio);
	}
}

BENCH(mm, folio_order_0_pair, 10000)
{
	folio_pairs(0, iterations);
}

BENCH(mm, folio_order_9_pair, 10000)
{
	folio_pairs(9, iterations);
}

BENCH(mm, kmalloc_64_pair, 10000)
{
	for (uint64_t i = 0; i < iterations; i++)
		kfree(kmalloc(64, 0));
}

// SPDX-License-Identifier: MIT
/*
 * A memory group: how much its folios may take. Charging and returning happen in one place each
 * (folio_alloc and the release of the last reference).
 */
#ifndef MM_MEMCG_H
#define MM_MEMCG_H

#include <kernel/attributes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct memcg {
	_Atomic uint64_t pages; /* charged now */
	uint64_t limit;         /* pages; UINT64_MAX: none */
};

/* What a charge makes of the count; false, unchanged, beyond the limit. */
static inline bool memcg_add(uint64_t *pages, uint64_t more, uint64_t limit)
{
	if (more > limit || *pages > limit - more)
		return false;
	*pages += more;
	return true;
}

/* NULL is nobody and always fits. Any context. */
static inline MUST_CHECK bool memcg_charge(struct memcg *memcg, uint64_t pages)
{
	uint64_t old;
	uint64_t new;

	if (!memcg)
		return true;
	old = atomic_load_explicit(&memcg->pages, memory_order_relaxed);
	do {
		new = old;
		if (!memcg_add(&new, pages, memcg->limit))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&memcg->pages, &old, new, memory_order_relaxed, memory_order_relaxed));
	return true;
}

static inline void memcg_uncharge(struct memcg *memcg, uint64_t pages)
{
	if (memcg)
		atomic_fetch_sub_explicit(&memcg->pages, pages, memory_order_relaxed);
}

#endif

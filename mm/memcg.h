// SPDX-License-Identifier: MIT
/*
 * A memory group: how much its folios may take. Charging and returning happen in one place each
 * (folio_alloc and the release of the last reference).
 */
#ifndef MM_MEMCG_H
#define MM_MEMCG_H

#include <kernel/attributes.h>
#include <kernel/hook.h>
#include <platform/types.h>
#include <stdatomic.h>

struct memcg {
	_Atomic uint64_t pages; /* charged now */
	uint64_t limit;         /* pages; UINT64_MAX: none */
	_Atomic uint64_t
		object_bytes; /* of small objects; whole pages of them are in `pages` */
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

/* Pages that so many bytes of small objects are charged as. */
static inline uint64_t memcg_object_pages(uint64_t bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static inline void memcg_uncharge_object(struct memcg *memcg, uint64_t bytes)
{
	uint64_t old;

	if (!memcg)
		return;
	old = atomic_fetch_sub_explicit(&memcg->object_bytes, bytes, memory_order_relaxed);
	memcg_uncharge(memcg, memcg_object_pages(old) - memcg_object_pages(old - bytes));
}

/* The call that crosses into another page charges it. Each change of the sum is somebody's, so
 * the pages are exact when nobody is on the way. */
static inline MUST_CHECK bool memcg_charge_object(struct memcg *memcg, uint64_t bytes)
{
	uint64_t old;
	uint64_t more;

	if (!memcg)
		return true;
	old = atomic_fetch_add_explicit(&memcg->object_bytes, bytes, memory_order_relaxed);
	more = memcg_object_pages(old + bytes) - memcg_object_pages(old);
	if (more == 0 || memcg_charge(memcg, more))
		return true;
	/* Others may have counted on top: what they use of the refused pages is charged for
	 * them. In one step, so that meanwhile nobody else is refused for pages that nobody
	 * has. */
	old = atomic_fetch_sub_explicit(&memcg->object_bytes, bytes, memory_order_relaxed);
	more -= memcg_object_pages(old) - memcg_object_pages(old - bytes);
	HOOK(memcg_refused);
	atomic_fetch_add_explicit(&memcg->pages, more, memory_order_relaxed);
	return false;
}

#endif

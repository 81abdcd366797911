// SPDX-License-Identifier: MIT
/*
 * What a request with FOLIO_MAY_SLEEP does before it fails: caches shrink, pages move together,
 * then out-of-memory hooks give memory back, in this order and each once. Thread context.
 */
#ifndef MM_RECLAIM_H
#define MM_RECLAIM_H

#include <kernel/attributes.h>
#include <kernel/list.h>
#include <mm/zone.h>

/*
 * A client that can give memory back in need: a balloon that deflates. `give` frees about
 * `pages` pages and returns how many; hooks run one at a time. It must not wait for a lock
 * under which its owner allocates, and its own requests are not helped by reclaim.
 */
struct oom_hook {
	const char *name;
	uint64_t (*give)(struct oom_hook *hook, uint64_t pages);
	struct list_head link;
};

void oom_hook_register(struct oom_hook *hook);
/* Afterwards nobody is inside it, and nobody will be. Not from a hook. */
void oom_hook_unregister(struct oom_hook *hook);

/*
 * Every request with FOLIO_MAY_SLEEP passes here first: where threads are asleep is no place
 * for one, and test builds panic whether memory is short or not. What runs before the first
 * thread has nobody to wait for.
 */
#if defined(QUIRE_TEST_HOOKS)
void reclaim_check_context(unsigned flags);
#else
static inline void reclaim_check_context(unsigned flags)
{
	(void)flags;
}
#endif

/* For callers that serve any context: FOLIO_MAY_SLEEP where the running flow may, else 0. */
unsigned reclaim_flags_here(void);

/* The block that zones_get() did not find, by all means; NULL: there is none to be had. */
struct page *reclaim_block(int node, unsigned order, unsigned flags,
			   struct zone **zone) MUST_CHECK;

/* Requests that came here since boot, and what helped. */
struct reclaim_statistics {
	uint64_t requests;
	uint64_t by_shrinkers;
	uint64_t by_compaction;
	uint64_t by_hooks;
	uint64_t failed;
	uint64_t rounds;      /* of the thread that works ahead, */
	uint64_t freed_ahead; /* and objects it freed, in the units of their shrinkers */
};
void reclaim_statistics(struct reclaim_statistics *statistics);

/*
 * Ahead of need. A zone is below its low watermark: the thread looks, now or, if it is just
 * looking and finds something, once more when that ends. Not while it rests after a round in
 * vain: the next call after that is heard. Any context but NMI, interrupts off; no lock of wait
 * queues or below (mm/README.md) is held.
 */
void reclaim_wake(void);
/* Shrink until every zone is at its high watermark or nothing more comes; objects freed. */
uint64_t reclaim_balance(void);
/* Once, when threads run. */
void reclaim_start(void);
/* Its part of the figures. */
void reclaim_thread_statistics(struct reclaim_statistics *statistics);

#endif

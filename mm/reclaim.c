// SPDX-License-Identifier: MIT
/*
 * Memory for a request that found none. Each step is bounded, and after each the request is
 * tried again: others may take what was freed, so that a request can fail although memory was
 * found, but nobody goes round for ever.
 */
#include <mm/reclaim.h>
#include <kernel/mutex.h>
#include <kernel/scheduler.h>
#include <mm/compaction.h>
#include <mm/folio.h>
#include <mm/node.h>
#include <mm/shrinker.h>

static struct mutex hooks_lock = MUTEX_INIT(hooks_lock);
static struct list_head hooks = LIST_INIT(hooks); /* hooks_lock */

static _Atomic uint64_t requests, by_shrinkers, by_compaction, by_hooks, failed;

struct request {
	int node;
	unsigned order;
	unsigned flags;
	struct zone **zone;
};

void oom_hook_register(struct oom_hook *hook)
{
	mutex_lock(&hooks_lock);
	list_add_tail(&hooks, &hook->link);
	mutex_unlock(&hooks_lock);
}

void oom_hook_unregister(struct oom_hook *hook)
{
	mutex_lock(&hooks_lock);
	list_del(&hook->link);
	mutex_unlock(&hooks_lock);
}

static struct page *try_again(const struct request *request)
{
	return zones_get(request->node, request->order, request->flags, request->zone);
}

static struct page *try_shrinkers(const struct request *request)
{
	for (unsigned priority = SHRINK_PRIORITY_LIGHT + 1; priority-- > 0;) {
		uint64_t freed = 0;
		struct page *page;

		for (unsigned node = 0; node < node_count(); node++)
			freed += shrink_node(node, priority);
		page = freed ? try_again(request) : NULL;
		if (page)
			return page;
	}
	/* Caches may be empty because somebody else has just shrunk them. */
	return try_again(request);
}

static struct page *try_compaction(const struct request *request)
{
	struct page *page = NULL;

	if (request->order == 0)
		return NULL;
	for (unsigned i = 0; i < COMPACTION_ATTEMPTS && !page; i++) {
		if (!compact(request->node, request->order, request->flags))
			return NULL;
		page = try_again(request);
	}
	return page;
}

/* Until the request is satisfied or got as many pages as it wants: a large one may need more
 * than one call. What was given to it is more than it may then take from the reserve. */
static struct page *try_hook(const struct request *request, struct oom_hook *hook)
{
	const struct request from_reserve = {request->node, request->order,
					     request->flags | FOLIO_ATOMIC, request->zone};
	uint64_t wanted = UINT64_C(1) << request->order;
	struct page *page = NULL;
	uint64_t given = 0;

	while (!page && given < wanted) {
		uint64_t more = hook->give(hook, wanted - given);

		if (more == 0)
			return NULL;
		given += more;
		page = try_again(request);
		if (!page)
			page = try_compaction(request);
	}
	if (!page && !(request->flags & (FOLIO_DMA | FOLIO_DMA32 | FOLIO_THIS_NODE)))
		page = try_again(&from_reserve);
	return page;
}

static struct page *try_hooks(const struct request *request)
{
	struct page *page = NULL;
	struct oom_hook *hook;

	mutex_lock(&hooks_lock);
	/* Somebody else may have waited for the same hooks and left enough. */
	if (!list_is_empty(&hooks))
		page = try_again(request);
	list_for_each_entry (hook, &hooks, link) {
		if (page)
			break;
		page = try_hook(request, hook);
	}
	mutex_unlock(&hooks_lock);
	return page;
}

static struct page *try_all(const struct request *request)
{
	struct page *page;

	atomic_fetch_add(&requests, 1);
	page = try_shrinkers(request);
	if (page) {
		atomic_fetch_add(&by_shrinkers, 1);
		return page;
	}
	page = try_compaction(request);
	if (page) {
		atomic_fetch_add(&by_compaction, 1);
		return page;
	}
	page = try_hooks(request);
	atomic_fetch_add(page ? &by_hooks : &failed, 1);
	return page;
}

unsigned reclaim_flags_here(void)
{
	return thread_may_sleep() ? FOLIO_MAY_SLEEP : 0;
}

#if defined(QUIRE_TEST_HOOKS)
void reclaim_check_context(unsigned flags)
{
	if (flags & FOLIO_MAY_SLEEP && thread_current())
		thread_assert_may_sleep();
}
#endif

struct page *reclaim_block(int node, unsigned order, unsigned flags, struct zone **zone)
{
	const struct request request = {node, order, flags, zone};
	struct thread *self = thread_current();
	struct page *page;

	if (!self)
		return NULL;
	thread_assert_may_sleep();
	/* A shrinker, a hook or a migration asks: it is itself what there is left. */
	if (self->reclaims || compaction_is_mine())
		return NULL;
	self->reclaims = true;
	page = try_all(&request);
	self->reclaims = false;
	return page;
}

void reclaim_statistics(struct reclaim_statistics *statistics)
{
	statistics->requests = atomic_load(&requests);
	statistics->by_shrinkers = atomic_load(&by_shrinkers);
	statistics->by_compaction = atomic_load(&by_compaction);
	statistics->by_hooks = atomic_load(&by_hooks);
	statistics->failed = atomic_load(&failed);
	reclaim_thread_statistics(statistics);
}

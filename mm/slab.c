// SPDX-License-Identifier: MIT
/*
 * Caches and their magazines. A magazine is a small stack of objects that one CPU uses with
 * interrupts off; it is filled and emptied by halves from the slabs.
 */
#include <mm/slab.h>
#include <mm/slab_internal.h>
#include <mm/slab_init.h>
#include <kernel/assert.h>
#include <kernel/cpumask.h>
#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/ipi.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <mm/memcg.h>
#include <mm/reclaim.h>
#include <errno.h>

static struct lock_class caches_class = {.name = "slab.caches"};
static struct spin_lock caches_lock = SPIN_LOCK_INIT(&caches_class);
static struct list_head caches = LIST_INIT(caches);
static struct slab_cache cache_cache;
static struct slab_cache magazine_cache;
/* CPUs that may have a magazine: the others need no call to drain them. */
static struct cpumask magazine_cpus;

static void caches_add(struct slab_cache *cache)
{
	struct irq_state irq = spin_lock_irqsave(&caches_lock);

	list_add_tail(&caches, &cache->link);
	spin_unlock_irqrestore(&caches_lock, irq);
}

void slab_init(void)
{
	static const struct slab_attributes of_caches = {.name = "slab_cache",
							 .size = sizeof(struct slab_cache)};
	static const struct slab_attributes of_magazines = {.name = "magazine",
							    .size = sizeof(struct magazine)};

	list_init(&caches);
	slab_cache_init(&cache_cache, &of_caches);
	slab_cache_init(&magazine_cache, &of_magazines);
	magazine_cache.magazines = false;
	caches_add(&cache_cache);
	caches_add(&magazine_cache);
}

struct slab_cache *slab_cache_create(const struct slab_attributes *attributes)
{
	size_t alignment = attributes->alignment;
	struct slab_cache *cache;

	if (attributes->size == 0 || attributes->size > SLAB_OBJECT_MAX ||
	    alignment > PAGE_SIZE || (alignment != 0 && !is_power_of_two(alignment))) {
		log_error("slab: %s: no cache for %zu bytes aligned to %zu", attributes->name,
			  attributes->size, alignment);
		return NULL;
	}
	cache = slab_alloc(&cache_cache, FOLIO_MAY_SLEEP);
	if (!cache)
		return NULL;
	slab_cache_init(cache, attributes);
	caches_add(cache);
	return cache;
}

static struct magazine *magazine_here(const struct slab_cache *cache)
{
	return atomic_load_explicit(&cache->cpus[cpu_current()], memory_order_relaxed);
}

static unsigned magazine_count(const struct magazine *magazine)
{
	return atomic_load_explicit(&magazine->count, memory_order_relaxed);
}

static void magazine_set_count(struct magazine *magazine, unsigned count)
{
	atomic_store_explicit(&magazine->count, count, memory_order_relaxed);
}

/* One object straight from the slabs, and half a magazine more for later. */
static NOINLINE void *alloc_slow(struct slab_cache *cache, unsigned flags)
{
	void *objects[MAGAZINE_SIZE / 2];
	unsigned count = slab_take(cache, objects, cache->magazines ? MAGAZINE_SIZE / 2 : 1,
				   NODE_ANY, flags);
	struct magazine *magazine;
	struct irq_state irq;

	if (count == 0)
		return NULL;
	irq = irq_save();
	magazine = magazine_here(cache);
	while (count > 1 && magazine && magazine_count(magazine) < MAGAZINE_SIZE) {
		magazine->objects[magazine_count(magazine)] = objects[--count];
		magazine_set_count(magazine, magazine_count(magazine) + 1);
	}
	irq_restore(irq);
	slab_give(cache, objects + 1, count - 1);
	return objects[0];
}

static ALWAYS_INLINE void *magazine_pop(struct slab_cache *cache)
{
	struct irq_state irq = irq_save();
	struct magazine *magazine = magazine_here(cache);
	unsigned count = magazine ? magazine_count(magazine) : 0;
	void *object = NULL;

	if (LIKELY(count)) {
		object = magazine->objects[count - 1];
		magazine_set_count(magazine, count - 1);
	}
	irq_restore(irq);
	return object;
}

static ALWAYS_INLINE void *finish_alloc(struct slab_cache *cache, void *object, size_t asked,
					unsigned flags, uintptr_t caller)
{
	if (SLAB_DEBUG)
		slab_debug_taken(cache, object, asked, caller);
	if (UNLIKELY(flags & FOLIO_ZERO)) {
		ASSERT(!slab_keeps_contents(cache));
		memset(object, 0, asked);
	}
	return object;
}

void *slab_alloc_asked(struct slab_cache *cache, size_t asked, unsigned flags, uintptr_t caller)
{
	void *object;

	reclaim_check_context(flags);
	if (FAULT_INJECTED())
		return NULL;
	object = magazine_pop(cache);
	if (UNLIKELY(!object)) {
		object = alloc_slow(cache, flags);
		if (!object)
			return NULL;
	}
	return finish_alloc(cache, object, asked, flags, caller);
}

void *slab_alloc(struct slab_cache *cache, unsigned flags)
{
	return slab_alloc_asked(cache, cache->size, flags, SLAB_CALLER());
}

void *slab_alloc_node(struct slab_cache *cache, int node, unsigned flags, struct memcg *memcg)
{
	void *object = NULL;

	ASSERT(!memcg || cache->flags & SLAB_GROUPS);
	reclaim_check_context(flags);
	if (FAULT_INJECTED() || !memcg_charge_object(memcg, cache->size))
		return NULL;
	if (node == NODE_ANY)
		object = magazine_pop(cache);
	if (!object && slab_take(cache, &object, 1, node, flags) == 0) {
		memcg_uncharge_object(memcg, cache->size);
		return NULL;
	}
	if (memcg)
		*slab_group_of(cache, object) = memcg;
	return finish_alloc(cache, object, cache->size, flags, SLAB_CALLER());
}

/* This CPU's magazine; the first time one is made. */
static NOINLINE void magazine_provide(struct slab_cache *cache)
{
	struct magazine *fresh;
	struct irq_state irq;

	if (!cache->magazines)
		return;
	fresh = slab_alloc(&magazine_cache, FOLIO_NOWARN);
	if (!fresh)
		return;
	magazine_set_count(fresh, 0);
	irq = irq_save();
	if (!magazine_here(cache)) {
		atomic_store_explicit(&cache->cpus[cpu_current()], fresh, memory_order_relaxed);
		cpumask_set(&magazine_cpus, cpu_current());
		fresh = NULL;
	}
	irq_restore(irq);
	if (fresh)
		slab_free(&magazine_cache, fresh);
}

/* Into the magazine; false when it is full or this CPU has none. */
static ALWAYS_INLINE bool magazine_push(struct slab_cache *cache, void *object)
{
	struct irq_state irq = irq_save();
	struct magazine *magazine = magazine_here(cache);
	unsigned count = magazine ? magazine_count(magazine) : MAGAZINE_SIZE;

	if (LIKELY(count < MAGAZINE_SIZE)) {
		magazine->objects[count] = object;
		magazine_set_count(magazine, count + 1);
	}
	irq_restore(irq);
	return count < MAGAZINE_SIZE;
}

/* The older half of a full magazine goes back to the slabs. */
static void magazine_halve(struct slab_cache *cache)
{
	void *surplus[MAGAZINE_SIZE / 2];
	unsigned count = 0;
	struct irq_state irq = irq_save();
	struct magazine *magazine = magazine_here(cache);

	if (magazine && magazine_count(magazine) == MAGAZINE_SIZE) {
		count = MAGAZINE_SIZE / 2;
		memcpy(surplus, magazine->objects, sizeof(surplus));
		memmove(magazine->objects, magazine->objects + count,
			(MAGAZINE_SIZE - count) * sizeof(magazine->objects[0]));
		magazine_set_count(magazine, MAGAZINE_SIZE - count);
	}
	irq_restore(irq);
	slab_give(cache, surplus, count);
}

static NOINLINE void free_slow(struct slab_cache *cache, void *object)
{
	struct irq_state irq = irq_save();
	bool present = magazine_here(cache) != NULL;

	irq_restore(irq);
	if (present)
		magazine_halve(cache);
	else
		magazine_provide(cache);
	if (!magazine_push(cache, object))
		slab_give(cache, &object, 1);
}

/* Is it the start of an object of this slab? The number is exact: offsets are below 2^16, and
 * so are strides. */
static ALWAYS_INLINE bool is_object(const struct slab_cache *cache, const struct page *slab,
				    const void *object)
{
	uint64_t offset =
		(uint64_t)((const char *)object - (char *)page_to_virt(slab)) - cache->first;
	uint64_t number = offset * cache->inverse >> 32;

	return offset >> 16 == 0 && number < cache->objects && number * cache->stride == offset;
}

/* A free that cannot be carried out as it was asked. */
static NOINLINE COLD bool is_freeable(struct slab_cache *cache, const struct page *slab,
				      void *object, uintptr_t caller)
{
	if (slab->type != PAGE_TYPE_SLAB) {
		log_error("slab: %s: %p is freed, but is no small object: it is left alone",
			  cache->name, object);
		return false;
	}
	if (!is_object(slab->cache, slab, object)) {
		log_error("slab: %s: %p is freed, but no object begins there: it is left alone",
			  slab->cache->name, object);
		return false;
	}
	log_error("slab: %s: object %p of the cache %s is freed to it", cache->name, object,
		  slab->cache->name);
	slab_report(slab->cache, object, "freed to another cache", caller);
	return true;
}

void slab_free_by(struct slab_cache *cache, void *object, uintptr_t caller)
{
	const struct page *slab = &page_folio(virt_to_page(object))->page;

	if (UNLIKELY(slab->type != PAGE_TYPE_SLAB || slab->cache != cache ||
		     !is_object(cache, slab, object))) {
		if (!is_freeable(cache, slab, object, caller))
			return;
		cache = slab->cache;
	}
	if (SLAB_DEBUG && !slab_debug_freed(cache, object, caller))
		return;
	if (cache->flags & SLAB_GROUPS) {
		memcg_uncharge_object(*slab_group_of(cache, object), cache->size);
		*slab_group_of(cache, object) = NULL;
	}
	if (UNLIKELY(!magazine_push(cache, object)))
		free_slow(cache, object);
}

void slab_free(struct slab_cache *cache, void *object)
{
	if (object)
		slab_free_by(cache, object, SLAB_CALLER());
}

unsigned slab_object_node(const void *object)
{
	return page_node(virt_to_page(object));
}

struct memcg *slab_object_memcg(const void *object)
{
	const struct folio *folio = page_folio(virt_to_page(object));

	if (folio->page.type != PAGE_TYPE_SLAB)
		return folio->page.memcg;
	if (!(folio->page.cache->flags & SLAB_GROUPS))
		return NULL;
	return *slab_group_of(folio->page.cache, object);
}

/* Take this CPU's magazine away and empty it. Interrupts off. */
static void magazine_drain(struct slab_cache *cache)
{
	struct magazine *magazine = magazine_here(cache);

	if (!magazine)
		return;
	atomic_store_explicit(&cache->cpus[cpu_current()], NULL, memory_order_relaxed);
	slab_give(cache, magazine->objects, magazine_count(magazine));
	slab_free(&magazine_cache, magazine);
}

/* A walk goes on. Of a cache that is to go the last one unlinks it: whom to tell. Locked. */
static struct completion *leave_locked(struct slab_cache *cache)
{
	if (--cache->walkers > 0 || !cache->gone)
		return NULL;
	list_del(&cache->link);
	return cache->gone;
}

static void leave_cache(struct slab_cache *cache)
{
	struct irq_state irq = spin_lock_irqsave(&caches_lock);
	struct completion *gone = leave_locked(cache);

	spin_unlock_irqrestore(&caches_lock, irq);
	if (gone)
		completion_signal(gone);
}

/* The first cache after `from` (NULL: of all) that is to stay; it does until the walk leaves
 * it, as it leaves `from`. */
static struct slab_cache *next_cache(struct slab_cache *from)
{
	struct irq_state irq = spin_lock_irqsave(&caches_lock);
	struct list_head *link = from ? from->link.next : caches.next;
	struct completion *gone;
	struct slab_cache *next = NULL;

	while (link != &caches && list_entry(link, struct slab_cache, link)->gone)
		link = link->next;
	if (link != &caches) {
		next = list_entry(link, struct slab_cache, link);
		next->walkers++;
	}
	gone = from ? leave_locked(from) : NULL;
	spin_unlock_irqrestore(&caches_lock, irq);
	if (gone)
		completion_signal(gone);
	return next;
}

/* Afterwards no walk is at the cache or will come to it. */
static void caches_remove(struct slab_cache *cache)
{
	struct completion gone = COMPLETION_INIT(gone);
	struct irq_state irq = spin_lock_irqsave(&caches_lock);
	bool walked = cache->walkers > 0;

	cache->gone = &gone;
	if (!walked)
		list_del(&cache->link);
	spin_unlock_irqrestore(&caches_lock, irq);
	HOOK(slab_cache_goes);
	if (walked)
		completion_wait(&gone);
}

/* The mark goes last: who does not see it finds this CPU drained. */
static void drain_here(void *only)
{
	struct irq_state irq = irq_save();

	HOOK(slab_drain_here);
	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache))
		if (!only || cache == only)
			magazine_drain(cache);
	if (!only)
		cpumask_clear(&magazine_cpus, cpu_current());
	irq_restore(irq);
}

static void drain_everywhere(struct slab_cache *only)
{
	/* One after the other: all at once would queue up at the caches' locks. */
	cpumask_for_each (cpu, cpumask_load(&magazine_cpus))
		ipi_call(cpu, drain_here, only, true);
}

uint64_t slab_shrink(void)
{
	uint64_t pages = 0;

	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache)) {
		pages += slab_cache_shrink(cache) << cache->order;
		HOOK(slab_cache_shrunk);
	}
	return pages;
}

static bool any_waits(void)
{
	bool waits = false;

	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache))
		waits = waits || atomic_load(&cache->waiting) != 0;
	return waits;
}

void slab_drain(void)
{
	drain_everywhere(NULL);
	(void)slab_shrink();
	if (any_waits())
		rcu_barrier();
}

/* What the nodes have, each at one moment. */
struct counts {
	uint64_t slabs;
	uint64_t in_use;
	uint64_t empty;
};

static struct counts cache_counts(struct slab_cache *cache)
{
	struct counts counts = {0};

	for (unsigned i = 0; i < NODES_MAX; i++) {
		struct slab_node *node = &cache->nodes[i];
		struct irq_state irq = spin_lock_irqsave(&node->lock);

		counts.slabs += node->slabs;
		counts.in_use += node->in_use;
		counts.empty += node->empty;
		spin_unlock_irqrestore(&node->lock, irq);
	}
	return counts;
}

int slab_cache_destroy(struct slab_cache *cache)
{
	uint64_t in_use;

	drain_everywhere(cache);
	in_use = cache_counts(cache).in_use;
	if (in_use != 0) {
		log_error("slab: %s: not destroyed, %llu objects are still in use", cache->name,
			  (unsigned long long)in_use);
		return -EBUSY;
	}
	(void)slab_cache_shrink(cache);
	/* Who walks may have a slab of it in hand. */
	caches_remove(cache);
	if (atomic_load(&cache->waiting) != 0)
		rcu_barrier();
	slab_free(&cache_cache, cache);
	return 0;
}

static uint64_t cache_cached(const struct slab_cache *cache)
{
	uint64_t cached = 0;

	cpu_for_each (cpu) {
		const struct magazine *magazine =
			atomic_load_explicit(&cache->cpus[cpu], memory_order_relaxed);

		/* Read while its CPU may give it away: what is read then is only odd. */
		if (magazine)
			cached += MIN(magazine_count(magazine), (unsigned)MAGAZINE_SIZE);
	}
	return cached;
}

bool slab_statistics(unsigned index, struct slab_cache_statistics *statistics)
{
	struct slab_cache *cache = next_cache(NULL);
	struct counts counts;

	for (; cache && index > 0; index--)
		cache = next_cache(cache);
	if (!cache)
		return false;
	counts = cache_counts(cache);
	*statistics = (struct slab_cache_statistics){
		.name = cache->name,
		.object_size = cache->size,
		.stride = cache->stride,
		.slab_objects = cache->objects,
		.slab_order = cache->order,
		.flags = cache->flags,
		.pages = counts.slabs << cache->order,
		.objects = counts.slabs * cache->objects,
		.in_use = counts.in_use,
		.cached = cache_cached(cache),
		.empty = counts.empty << cache->order,
		.waiting = atomic_load(&cache->waiting) << cache->order,
	};
	leave_cache(cache);
	return true;
}

const char *slab_cache_name(const struct slab_cache *wanted)
{
	struct irq_state irq = spin_lock_irqsave(&caches_lock);
	const struct slab_cache *cache;
	const char *name = NULL;

	list_for_each_entry (cache, &caches, link)
		if (cache == wanted)
			name = cache->name;
	spin_unlock_irqrestore(&caches_lock, irq);
	return name;
}

const char *slab_check_all(void)
{
	const char *problem = NULL;

	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache))
		problem = problem ? problem : slab_cache_check(cache);
	return problem;
}

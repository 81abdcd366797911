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
#include <kernel/ipi.h>
#include <kernel/log.h>
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
	list_init(&caches);
	slab_cache_init(&cache_cache, "slab_cache", sizeof(struct slab_cache), 0);
	slab_cache_init(&magazine_cache, "magazine", sizeof(struct magazine), 0);
	magazine_cache.magazines = false;
	caches_add(&cache_cache);
	caches_add(&magazine_cache);
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t alignment)
{
	struct slab_cache *cache;

	if (size == 0 || size > SLAB_OBJECT_MAX || alignment > PAGE_SIZE ||
	    (alignment != 0 && !is_power_of_two(alignment))) {
		log_error("slab: %s: no cache for %zu bytes aligned to %zu", name, size,
			  alignment);
		return NULL;
	}
	cache = slab_alloc(&cache_cache, 0);
	if (!cache)
		return NULL;
	slab_cache_init(cache, name, size, alignment);
	caches_add(cache);
	return cache;
}

/* One object straight from the slabs, and half a magazine more for later. */
static void *alloc_slow(struct slab_cache *cache, unsigned flags)
{
	void *objects[MAGAZINE_SIZE / 2];
	unsigned count =
		slab_take(cache, objects, cache->magazines ? MAGAZINE_SIZE / 2 : 1, flags);
	struct magazine *magazine;
	struct irq_state irq;

	if (count == 0)
		return NULL;
	irq = irq_save();
	magazine = cache->cpus[cpu_current()];
	while (count > 1 && magazine && magazine->count < MAGAZINE_SIZE)
		magazine->objects[magazine->count++] = objects[--count];
	irq_restore(irq);
	slab_give(cache, objects + 1, count - 1);
	return objects[0];
}

static void *magazine_pop(struct slab_cache *cache)
{
	struct irq_state irq = irq_save();
	struct magazine *magazine = cache->cpus[cpu_current()];
	void *object = NULL;

	if (magazine && magazine->count)
		object = magazine->objects[--magazine->count];
	irq_restore(irq);
	return object;
}

void *slab_alloc(struct slab_cache *cache, unsigned flags)
{
	void *object;

	if (FAULT_INJECTED())
		return NULL;
	do {
		object = magazine_pop(cache);
		if (!object)
			object = alloc_slow(cache, flags);
		if (!object)
			return NULL;
	} while (UNLIKELY(!slab_object_taken(cache, object)));
	if (flags & FOLIO_ZERO)
		memset(object, 0, cache->size);
	return object;
}

/* This CPU's magazine; the first time one is made. */
static void magazine_provide(struct slab_cache *cache)
{
	struct magazine *fresh;
	struct irq_state irq;

	if (!cache->magazines)
		return;
	fresh = slab_alloc(&magazine_cache, FOLIO_NOWARN);
	if (!fresh)
		return;
	fresh->count = 0;
	irq = irq_save();
	if (!cache->cpus[cpu_current()]) {
		cache->cpus[cpu_current()] = fresh;
		cpumask_set(&magazine_cpus, cpu_current());
		fresh = NULL;
	}
	irq_restore(irq);
	if (fresh)
		slab_free(&magazine_cache, fresh);
}

/* Into the magazine; a full one is emptied by half. False when this CPU has none. */
static bool magazine_push(struct slab_cache *cache, void *object)
{
	void *surplus[MAGAZINE_SIZE / 2];
	unsigned count = 0;
	struct irq_state irq = irq_save();
	struct magazine *magazine = cache->cpus[cpu_current()];

	if (magazine) {
		while (magazine->count > MAGAZINE_SIZE / 2 && count < ARRAY_SIZE(surplus) &&
		       (count || magazine->count == MAGAZINE_SIZE))
			surplus[count++] = magazine->objects[--magazine->count];
		magazine->objects[magazine->count++] = object;
	}
	irq_restore(irq);
	slab_give(cache, surplus, count);
	return magazine != NULL;
}

void slab_free(struct slab_cache *cache, void *object)
{
	if (!object)
		return;
	ASSERT(page_folio(virt_to_page(object))->page.cache == cache);
	if (!slab_object_freed(cache, object))
		return;
	if (magazine_push(cache, object))
		return;
	magazine_provide(cache);
	if (!magazine_push(cache, object))
		slab_give(cache, &object, 1);
}

/* Take this CPU's magazine away and empty it. Interrupts off. */
static void magazine_drain(struct slab_cache *cache)
{
	struct magazine *magazine = cache->cpus[cpu_current()];
	void *object = magazine;

	if (!magazine)
		return;
	cache->cpus[cpu_current()] = NULL;
	slab_give(cache, magazine->objects, magazine->count);
	if (slab_object_freed(&magazine_cache, object))
		slab_give(&magazine_cache, &object, 1);
}

/* Caches are only added at the tail, and removed by slab_cache_destroy() alone. */
static struct slab_cache *next_cache(const struct slab_cache *cache)
{
	struct irq_state irq = spin_lock_irqsave(&caches_lock);
	struct list_head *next = cache ? cache->link.next : caches.next;

	spin_unlock_irqrestore(&caches_lock, irq);
	return next == &caches ? NULL : list_entry(next, struct slab_cache, link);
}

static void drain_here(void *only)
{
	struct irq_state irq = irq_save();

	if (!only)
		cpumask_clear(&magazine_cpus, cpu_current());
	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache))
		if (!only || cache == only)
			magazine_drain(cache);
	irq_restore(irq);
}

static void drain_everywhere(struct slab_cache *only)
{
	/* One after the other: all at once would queue up at the caches' locks. */
	cpumask_for_each (cpu, cpumask_load(&magazine_cpus))
		ipi_call(cpu, drain_here, only, true);
}

void slab_drain(void)
{
	drain_everywhere(NULL);
	for (struct slab_cache *cache = next_cache(NULL); cache; cache = next_cache(cache))
		slab_shrink(cache);
}

static uint64_t cache_in_use(const struct slab_cache *cache)
{
	uint64_t in_use = 0;

	for (unsigned node = 0; node < NODES_MAX; node++)
		in_use += cache->nodes[node].in_use;
	return in_use;
}

int slab_cache_destroy(struct slab_cache *cache)
{
	struct irq_state irq;

	drain_everywhere(cache);
	if (cache_in_use(cache) != 0) {
		log_error("slab: %s: not destroyed, %llu objects are still in use", cache->name,
			  (unsigned long long)cache_in_use(cache));
		return -EBUSY;
	}
	slab_shrink(cache);
	irq = spin_lock_irqsave(&caches_lock);
	list_del(&cache->link);
	spin_unlock_irqrestore(&caches_lock, irq);
	slab_free(&cache_cache, cache);
	return 0;
}

bool slab_statistics(unsigned index, struct slab_cache_statistics *statistics)
{
	struct slab_cache *cache = next_cache(NULL);
	uint64_t slabs = 0;

	for (; cache && index > 0; index--)
		cache = next_cache(cache);
	if (!cache)
		return false;
	for (unsigned node = 0; node < NODES_MAX; node++)
		slabs += cache->nodes[node].slabs;
	*statistics = (struct slab_cache_statistics){
		.name = cache->name,
		.object_size = cache->size,
		.stride = cache->stride,
		.pages = slabs << cache->order,
		.objects = slabs * cache->objects,
		.in_use = cache_in_use(cache),
	};
	return true;
}

const char *slab_check_all(void)
{
	const char *problem = NULL;

	for (struct slab_cache *cache = next_cache(NULL); cache && !problem;
	     cache = next_cache(cache))
		problem = slab_cache_check(cache);
	return problem;
}

// SPDX-License-Identifier: MIT
/*
 * Slabs: folios cut into objects, per node a list of those with room. Full slabs are on no
 * list; they come back when an object does.
 */
#include <mm/slab_internal.h>
#include <kernel/assert.h>
#include <kernel/log.h>

static struct lock_class node_lock_class = {.name = "slab.node"};

#define SLAB_ORDER_MAX 3

/* Smallest order that wastes at most an eighth and holds eight objects. */
static unsigned order_for(size_t stride)
{
	for (unsigned order = 0; order < SLAB_ORDER_MAX; order++) {
		size_t size = PAGE_SIZE << order;

		if (size / stride >= 8 && size % stride <= size / 8)
			return order;
	}
	return SLAB_ORDER_MAX;
}

void slab_cache_init(struct slab_cache *cache, const char *name, size_t size, size_t alignment)
{
	size_t room = MAX(size, sizeof(void *));

	if (SLAB_DEBUG)
		room = align_up(room, sizeof(uint64_t)) + sizeof(struct slab_guard);
	memset(cache, 0, sizeof(*cache));
	cache->name = name;
	cache->size = size;
	cache->stride = align_up(room, MAX(alignment, sizeof(void *)));
	cache->order = order_for(cache->stride);
	cache->objects = (unsigned)((PAGE_SIZE << cache->order) / cache->stride);
	cache->magazines = true;
	for (unsigned node = 0; node < NODES_MAX; node++) {
		spin_lock_init(&cache->nodes[node].lock, &node_lock_class);
		list_init(&cache->nodes[node].partial);
	}
}

static struct slab_guard *guard_of(const struct slab_cache *cache, void *object)
{
	return (void *)((char *)object +
			align_up(MAX(cache->size, sizeof(void *)), sizeof(uint64_t)));
}

/* Where a free object keeps the chain: outside the pattern in debug builds. */
static void **next_of(const struct slab_cache *cache, void *object)
{
	return SLAB_DEBUG ? &guard_of(cache, object)->next_free : object;
}

static bool object_bad(const struct slab_cache *cache, const void *object, const char *what)
{
	log_error("slab: %s: object %p: %s; it is not used any more", cache->name, object,
		  what);
	return false;
}

bool slab_object_taken(const struct slab_cache *cache, void *object)
{
	const unsigned char *byte = object;

	if (!SLAB_DEBUG)
		return true;
	if (guard_of(cache, object)->red_zone != SLAB_RED_FREE)
		return object_bad(cache, object, "written beyond its end while free");
	for (size_t i = 0; i < cache->size; i++)
		if (byte[i] != SLAB_POISON)
			return object_bad(cache, object, "written after it was freed");
	guard_of(cache, object)->red_zone = SLAB_RED_TAKEN;
	return true;
}

bool slab_object_freed(const struct slab_cache *cache, void *object)
{
	uint64_t red_zone;

	if (!SLAB_DEBUG)
		return true;
	red_zone = guard_of(cache, object)->red_zone;
	if (red_zone == SLAB_RED_FREE)
		return object_bad(cache, object, "freed twice");
	if (red_zone != SLAB_RED_TAKEN)
		return object_bad(cache, object, "written beyond its end");
	guard_of(cache, object)->red_zone = SLAB_RED_FREE;
	memset(object, SLAB_POISON, cache->size);
	return true;
}

static struct page *slab_create(struct slab_cache *cache, unsigned flags)
{
	struct folio *folio = folio_alloc(NODE_ANY, cache->order,
					  flags & (FOLIO_ATOMIC | FOLIO_NOWARN), NULL);
	char *at;
	void *chain = NULL;

	if (!folio)
		return NULL;
	at = folio_address(folio);
	for (unsigned i = cache->objects; i-- > 0;) {
		void *object = at + i * cache->stride;

		if (SLAB_DEBUG) {
			memset(object, SLAB_POISON, cache->size);
			guard_of(cache, object)->red_zone = SLAB_RED_FREE;
		}
		*next_of(cache, object) = chain;
		chain = object;
	}
	page_set_type(&folio->page, PAGE_TYPE_SLAB);
	folio->page.cache = cache;
	folio->page.free_objects = chain;
	list_init(&folio->page.list);
	return &folio->page;
}

static void slab_destroy(struct page *slab)
{
	page_set_type(slab, PAGE_TYPE_NONE);
	slab->cache = NULL;
	slab->free_objects = NULL;
	folio_put((struct folio *)slab);
}

/* Objects of one slab, which leaves the list when none is left. */
static unsigned slab_take_from(struct slab_cache *cache, struct slab_node *node,
			       struct page *slab, void **objects, unsigned wanted)
	REQUIRES(&node->lock)
{
	unsigned taken = 0;

	if (slab->in_use == 0)
		node->empty--;
	while (taken < wanted && slab->free_objects) {
		objects[taken++] = slab->free_objects;
		slab->free_objects = *next_of(cache, slab->free_objects);
	}
	slab->in_use += taken;
	node->in_use += taken;
	if (!slab->free_objects)
		list_del(&slab->list);
	return taken;
}

static unsigned node_take(struct slab_cache *cache, struct slab_node *node, void **objects,
			  unsigned wanted)
{
	struct irq_state irq = spin_lock_irqsave(&node->lock);
	unsigned taken = 0;

	while (taken < wanted && !list_is_empty(&node->partial))
		taken += slab_take_from(cache, node,
					list_first(&node->partial, struct page, list),
					objects + taken, wanted - taken);
	spin_unlock_irqrestore(&node->lock, irq);
	return taken;
}

static bool node_grow(struct slab_cache *cache, unsigned flags)
{
	struct page *slab = slab_create(cache, flags);
	struct slab_node *node;
	struct irq_state irq;

	if (!slab)
		return false;
	node = &cache->nodes[page_node(slab)];
	irq = spin_lock_irqsave(&node->lock);
	list_add_head(&node->partial, &slab->list);
	node->slabs++;
	node->empty++;
	spin_unlock_irqrestore(&node->lock, irq);
	return true;
}

unsigned slab_take(struct slab_cache *cache, void **objects, unsigned wanted, unsigned flags)
{
	unsigned taken = 0;

	do {
		for (unsigned node = 0; node < NODES_MAX && taken < wanted; node++)
			taken += node_take(cache, &cache->nodes[node], objects + taken,
					   wanted - taken);
	} while (taken == 0 && node_grow(cache, flags));
	return taken;
}

/* One object back; a slab that nobody uses any more is returned when there is another. */
static struct page *slab_give_one(struct slab_cache *cache, struct slab_node *node,
				  struct page *slab, void *object) REQUIRES(&node->lock)
{
	bool was_full = !slab->free_objects;

	*next_of(cache, object) = slab->free_objects;
	slab->free_objects = object;
	slab->in_use--;
	node->in_use--;
	if (was_full)
		list_add_tail(&node->partial, &slab->list);
	if (slab->in_use != 0)
		return NULL;
	if (node->empty != 0) {
		list_del(&slab->list);
		node->slabs--;
		return slab;
	}
	node->empty++;
	return NULL;
}

void slab_give(struct slab_cache *cache, void **objects, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct page *slab = &page_folio(virt_to_page(objects[i]))->page;
		struct slab_node *node = &cache->nodes[page_node(slab)];
		struct irq_state irq = spin_lock_irqsave(&node->lock);
		struct page *empty = slab_give_one(cache, node, slab, objects[i]);

		spin_unlock_irqrestore(&node->lock, irq);
		if (empty)
			slab_destroy(empty);
	}
}

static struct page *node_unlink_empty(struct slab_node *node)
{
	struct irq_state irq = spin_lock_irqsave(&node->lock);
	struct page *found = NULL;
	struct page *slab;

	if (node->empty != 0) {
		list_for_each_entry (slab, &node->partial, list) {
			if (slab->in_use == 0) {
				found = slab;
				break;
			}
		}
		ASSERT(found);
		list_del(&found->list);
		node->slabs--;
		node->empty--;
	}
	spin_unlock_irqrestore(&node->lock, irq);
	return found;
}

void slab_shrink(struct slab_cache *cache)
{
	for (unsigned node = 0; node < NODES_MAX; node++) {
		struct page *slab;

		while ((slab = node_unlink_empty(&cache->nodes[node])) != NULL)
			slab_destroy(slab);
	}
}

/* Free objects of a slab by its chain; more than it can hold means a loop. */
static unsigned chain_length(const struct slab_cache *cache, const struct page *slab)
{
	unsigned length = 0;

	for (void *object = slab->free_objects; object && length <= cache->objects;
	     object = *next_of(cache, object))
		length++;
	return length;
}

static const char *node_check(struct slab_cache *cache, struct slab_node *node)
	REQUIRES(&node->lock)
{
	uint64_t partial = 0;
	uint64_t out = 0;
	uint64_t empty = 0;
	struct page *slab;

	list_for_each_entry (slab, &node->partial, list) {
		if (slab->type != PAGE_TYPE_SLAB || slab->cache != cache)
			return "slab: page on the list of another cache";
		if (slab->in_use + chain_length(cache, slab) != cache->objects)
			return "slab: free and taken objects do not add up";
		partial++;
		out += slab->in_use;
		empty += slab->in_use == 0;
	}
	if (empty != node->empty)
		return "slab: count of empty slabs";
	if (out + (node->slabs - partial) * cache->objects != node->in_use)
		return "slab: count of objects in use";
	return NULL;
}

const char *slab_cache_check(struct slab_cache *cache)
{
	const char *problem = NULL;

	for (unsigned i = 0; i < NODES_MAX && !problem; i++) {
		struct slab_node *node = &cache->nodes[i];
		struct irq_state irq = spin_lock_irqsave(&node->lock);

		problem = node_check(cache, node);
		spin_unlock_irqrestore(&node->lock, irq);
	}
	return problem;
}

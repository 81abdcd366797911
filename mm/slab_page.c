// SPDX-License-Identifier: MIT
/*
 * Slabs: folios cut into objects, per node a list of those with room. Full slabs are on no
 * list; they come back when an object does.
 */
#include <mm/slab_internal.h>
#include <kernel/assert.h>
#include <kernel/rcu.h>

static struct lock_class node_lock_class = {.name = "slab.node"};

#define SLAB_ORDER_MAX 3

/* Smallest order that wastes at most an eighth and holds eight objects. */
static unsigned order_for(size_t stride, size_t first)
{
	for (unsigned order = 0; order < SLAB_ORDER_MAX; order++) {
		size_t size = (PAGE_SIZE << order) - first;

		if (size / stride >= 8 && size % stride <= size / 8)
			return order;
	}
	return SLAB_ORDER_MAX;
}

/* What follows each object: red zone and guard, group, chain. */
void slab_cache_init(struct slab_cache *cache, const struct slab_attributes *attributes)
{
	size_t alignment = MAX(attributes->alignment, sizeof(void *));
	size_t room;

	memset(cache, 0, sizeof(*cache));
	cache->name = attributes->name;
	cache->size = attributes->size;
	cache->flags = attributes->flags;
	cache->constructor = attributes->constructor;
	cache->magazines = true;
	room = SLAB_DEBUG ? slab_debug_layout(cache) : MAX(cache->size, sizeof(void *));
	if (cache->flags & SLAB_GROUPS) {
		cache->group = (unsigned)align_up(room, sizeof(void *));
		room = cache->group + sizeof(void *);
	}
	if (SLAB_DEBUG || slab_keeps_contents(cache)) {
		cache->next = (unsigned)align_up(room, sizeof(void *));
		room = cache->next + sizeof(void *);
	}
	/* The front zone of the next object ends the room of this one. */
	cache->first = SLAB_DEBUG ? (unsigned)alignment : 0;
	cache->stride = align_up(room + (SLAB_DEBUG ? sizeof(uint64_t) : 0), alignment);
	cache->inverse = (UINT64_C(1) << 32) / cache->stride + 1;
	cache->order = order_for(cache->stride, cache->first);
	cache->objects =
		(unsigned)(((PAGE_SIZE << cache->order) - cache->first) / cache->stride);
	for (unsigned node = 0; node < NODES_MAX; node++) {
		spin_lock_init(&cache->nodes[node].lock, &node_lock_class);
		list_init(&cache->nodes[node].partial);
		list_init(&cache->nodes[node].unused);
	}
}

static void **next_of(const struct slab_cache *cache, void *object)
{
	return (void **)(void *)((char *)object + cache->next);
}

static void object_fresh(const struct slab_cache *cache, void *object)
{
	if (cache->constructor)
		cache->constructor(object);
	if (cache->flags & SLAB_GROUPS)
		*slab_group_of(cache, object) = NULL;
	if (SLAB_DEBUG)
		slab_debug_fresh(cache, object);
}

static struct page *slab_create(struct slab_cache *cache, int node, unsigned flags)
{
	struct folio *folio = folio_alloc(
		node, cache->order,
		flags & (FOLIO_ATOMIC | FOLIO_NOWARN | FOLIO_THIS_NODE | FOLIO_MAY_SLEEP),
		NULL);
	char *at;
	void *chain = NULL;

	if (!folio)
		return NULL;
	at = (char *)folio_address(folio) + cache->first;
	for (unsigned i = cache->objects; i-- > 0;) {
		void *object = at + i * cache->stride;

		object_fresh(cache, object);
		*next_of(cache, object) = chain;
		chain = object;
	}
	page_set_type(&folio->page, PAGE_TYPE_SLAB);
	folio->page.cache = cache;
	folio->page.free_objects = chain;
	list_init(&folio->page.list);
	return &folio->page;
}

static void slab_release(struct page *slab)
{
	page_set_type(slab, PAGE_TYPE_NONE);
	slab->cache = NULL;
	slab->free_objects = NULL;
	list_init(&slab->list);
	folio_put((struct folio *)slab);
}

/* A slab on no list lends its links to RCU. */
static struct rcu_head *rcu_of(struct page *slab)
{
	_Static_assert(sizeof(struct rcu_head) <= sizeof(slab->list), "fits in the links");
	return (struct rcu_head *)(void *)&slab->list;
}

static void slab_release_rcu(struct rcu_head *head)
{
	struct page *slab = container_of((struct list_head *)(void *)head, struct page, list);
	struct slab_cache *cache = slab->cache;

	slab_release(slab);
	atomic_fetch_sub(&cache->waiting, 1);
}

static void slab_destroy(struct slab_cache *cache, struct page *slab)
{
	if (!(cache->flags & SLAB_RCU)) {
		slab_release(slab);
		return;
	}
	atomic_fetch_add(&cache->waiting, 1);
	rcu_call(rcu_of(slab), slab_release_rcu);
}

/* Objects of one slab, which leaves the list when none is left. */
static unsigned slab_take_from(struct slab_cache *cache, struct slab_node *node,
			       struct page *slab, void **objects, unsigned wanted)
	REQUIRES(&node->lock)
{
	unsigned taken = 0;

	if (slab->in_use == 0) {
		node->empty--;
		list_del(&slab->list);
		list_add_head(&node->partial, &slab->list);
	}
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

	while (taken < wanted) {
		struct list_head *from =
			list_is_empty(&node->partial) ? &node->unused : &node->partial;

		if (list_is_empty(from))
			break;
		taken += slab_take_from(cache, node, list_first(from, struct page, list),
					objects + taken, wanted - taken);
	}
	spin_unlock_irqrestore(&node->lock, irq);
	return taken;
}

static bool node_grow(struct slab_cache *cache, int preferred, unsigned flags)
{
	struct page *slab = slab_create(cache, preferred, flags);
	struct slab_node *node;
	struct irq_state irq;

	if (!slab)
		return false;
	node = &cache->nodes[page_node(slab)];
	irq = spin_lock_irqsave(&node->lock);
	list_add_head(&node->unused, &slab->list);
	node->slabs++;
	node->empty++;
	spin_unlock_irqrestore(&node->lock, irq);
	return true;
}

/* From this CPU's node first. */
static unsigned take_anywhere(struct slab_cache *cache, void **objects, unsigned wanted)
{
	unsigned here = zone_near(NODE_ANY, cpu_current())->node;
	unsigned taken = 0;

	for (unsigned i = 0; i < NODES_MAX && taken < wanted; i++)
		taken += node_take(cache, &cache->nodes[(here + i) % NODES_MAX],
				   objects + taken, wanted - taken);
	return taken;
}

/* A request for a node looks at its slabs, then for new memory there; only then elsewhere, and
 * only where there is no elsewhere is memory taken back for it. */
unsigned slab_take(struct slab_cache *cache, void **objects, unsigned wanted, int node,
		   unsigned flags)
{
	unsigned taken;

	if (node >= 0 && node < NODES_MAX) {
		unsigned here = flags | FOLIO_THIS_NODE | FOLIO_NOWARN;

		if (!(flags & FOLIO_THIS_NODE))
			here &= ~FOLIO_MAY_SLEEP;
		do {
			taken = node_take(cache, &cache->nodes[node], objects, wanted);
		} while (taken == 0 && node_grow(cache, node, here));
		if (taken != 0 || flags & FOLIO_THIS_NODE)
			return taken;
	}
	do {
		taken = take_anywhere(cache, objects, wanted);
	} while (taken == 0 && node_grow(cache, node, flags));
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
	list_del(&slab->list);
	if (node->empty != 0) {
		node->slabs--;
		return slab;
	}
	list_add_tail(&node->unused, &slab->list);
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
			slab_destroy(cache, empty);
	}
}

/* Interrupts are off: no walk past slabs that are in use. */
static struct page *node_unlink_empty(struct slab_node *node)
{
	struct irq_state irq = spin_lock_irqsave(&node->lock);
	struct page *found = NULL;

	if (!list_is_empty(&node->unused)) {
		found = list_first(&node->unused, struct page, list);
		list_del(&found->list);
		node->slabs--;
		node->empty--;
	}
	spin_unlock_irqrestore(&node->lock, irq);
	return found;
}

uint64_t slab_cache_shrink(struct slab_cache *cache)
{
	uint64_t slabs = 0;

	for (unsigned node = 0; node < NODES_MAX; node++) {
		struct page *slab;

		for (; (slab = node_unlink_empty(&cache->nodes[node])) != NULL; slabs++)
			slab_destroy(cache, slab);
	}
	return slabs;
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

/* One list of a node; adds what lies on it. */
static const char *list_check(const struct slab_cache *cache, const struct list_head *list,
			      uint64_t most, uint64_t *slabs, uint64_t *out)
{
	struct page *slab;

	list_for_each_entry (slab, list, list) {
		if (*slabs == most)
			return "slab: more slabs on the list than there are";
		if (slab->type != PAGE_TYPE_SLAB || slab->cache != cache)
			return "slab: page on the list of another cache";
		if (slab->in_use + chain_length(cache, slab) != cache->objects)
			return "slab: free and taken objects do not add up";
		*slabs += 1;
		*out += slab->in_use;
	}
	return NULL;
}

static const char *node_check(struct slab_cache *cache, struct slab_node *node)
	REQUIRES(&node->lock)
{
	uint64_t slabs = 0, out = 0, unused;
	const char *problem = list_check(cache, &node->unused, node->slabs, &slabs, &out);

	unused = slabs;
	if (!problem && (unused != node->empty || out != 0))
		problem = "slab: count of empty slabs";
	if (!problem)
		problem = list_check(cache, &node->partial, node->slabs, &slabs, &out);
	if (!problem && out + (node->slabs - slabs) * cache->objects != node->in_use)
		problem = "slab: count of objects in use";
	return problem;
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

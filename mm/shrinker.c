// SPDX-License-Identifier: MIT
/*
 * How much to ask of a shrinker, and its life. A list lock stands for the grace period of the
 * specification: a walker goes on from a shrinker it has a reference on, which is linked as
 * long.
 */
#include <mm/shrinker.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/lock.h>
#include <kernel/thread.h>
#include <mm/slab.h>

static struct lock_class shrinkers_class = {.name = "shrinkers"};
static struct spin_lock shrinkers_lock = SPIN_LOCK_INIT(&shrinkers_class);
static struct list_head shrinkers = LIST_INIT(shrinkers); /* shrinkers_lock */
static _Atomic uint64_t objects_scanned, objects_freed;

struct shrinker *shrinker_alloc(const struct shrinker_attributes *attributes)
{
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker));

	if (!shrinker)
		return NULL;
	shrinker->is = *attributes;
	if (shrinker->is.batch == 0)
		shrinker->is.batch = SHRINK_BATCH;
	completion_init(&shrinker->idle);
	list_init(&shrinker->link);
	return shrinker;
}

void shrinker_register(struct shrinker *shrinker)
{
	struct irq_state irq = spin_lock_irqsave(&shrinkers_lock);

	list_add_tail(&shrinkers, &shrinker->link);
	shrinker->references = 1;
	spin_unlock_irqrestore(&shrinkers_lock, irq);
}

/* The last one unlinks, under the lock: nobody finds it then. */
static void put_locked(struct shrinker *shrinker)
{
	if (--shrinker->references > 0)
		return;
	list_del(&shrinker->link);
	completion_signal(&shrinker->idle);
}

/* The first one that runs, after `from` (NULL: of all), with a reference; that on `from` goes.
 */
static struct shrinker *next_shrinker(struct shrinker *from)
{
	struct irq_state irq = spin_lock_irqsave(&shrinkers_lock);
	struct list_head *link = from ? from->link.next : shrinkers.next;
	struct shrinker *next = NULL;

	if (link != &shrinkers) {
		next = list_entry(link, struct shrinker, link);
		next->references++;
	}
	if (from)
		put_locked(from);
	spin_unlock_irqrestore(&shrinkers_lock, irq);
	return next;
}

void shrinker_free(struct shrinker *shrinker)
{
	struct irq_state irq;
	bool registered;

	if (!shrinker)
		return;
	irq = spin_lock_irqsave(&shrinkers_lock);
	registered = shrinker->references > 0;
	if (registered)
		put_locked(shrinker);
	spin_unlock_irqrestore(&shrinkers_lock, irq);
	if (registered)
		completion_wait(&shrinker->idle);
	kfree(shrinker);
}

/* Step 3: work that this call adds. */
static uint64_t new_work(const struct shrinker *shrinker, uint64_t freeable, unsigned priority)
{
	if (shrinker->is.seeks == 0)
		return freeable / 2;
	return (freeable >> priority) * 4 / shrinker->is.seeks;
}

/* Step 5; *scanned: objects looked at. */
static uint64_t scan_all(struct shrinker *shrinker, unsigned node, uint64_t total,
			 uint64_t freeable, uint64_t *scanned)
{
	uint64_t freed = 0;

	while (total > 0 && (total >= shrinker->is.batch || total >= freeable)) {
		uint64_t ask = MIN(shrinker->is.batch, total), result;
		struct shrink_request request = {
			.node = node, .nr_to_scan = ask, .nr_scanned = ask};

		HOOK(shrinker_scan);
		result = shrinker->is.scan(shrinker, &request);
		if (result == SHRINK_STOP)
			break;
		ASSERT(request.nr_scanned > 0);
		freed += result;
		total -= MIN(total, request.nr_scanned);
		*scanned += request.nr_scanned;
		thread_yield();
	}
	return freed;
}

uint64_t shrinker_shrink(struct shrinker *shrinker, unsigned node, unsigned priority)
{
	const struct shrink_request request = {.node = node};
	_Atomic uint64_t *deferred = &shrinker->deferred[node];
	uint64_t freeable = shrinker->is.count(shrinker, &request);
	uint64_t waiting, work, freed, left, scanned = 0;

	if (freeable == 0 || freeable == SHRINK_EMPTY)
		return freeable;
	ASSERT(freeable <= UINT64_MAX / 16);
	waiting = atomic_exchange(deferred, 0);
	work = new_work(shrinker, freeable, priority);
	freed = scan_all(shrinker, node, MIN((waiting >> priority) + work, 2 * freeable),
			 freeable, &scanned);
	atomic_fetch_add_explicit(&objects_scanned, scanned, memory_order_relaxed);
	atomic_fetch_add_explicit(&objects_freed, freed, memory_order_relaxed);
	left = waiting + work > scanned ? waiting + work - scanned : 0;
	atomic_fetch_add(deferred, MIN(left, 2 * freeable));
	return freed;
}

uint64_t shrink_node(unsigned node, unsigned priority)
{
	uint64_t freed = 0;

	for (struct shrinker *shrinker = next_shrinker(NULL); shrinker;
	     shrinker = next_shrinker(shrinker)) {
		uint64_t result;

		if (node != 0 && !shrinker->is.numa_aware)
			continue;
		result = shrinker_shrink(shrinker, node, priority);
		freed += result == SHRINK_EMPTY ? 0 : result;
	}
	return freed;
}

void shrink_statistics(struct shrink_statistics *statistics)
{
	statistics->scanned = atomic_load_explicit(&objects_scanned, memory_order_relaxed);
	statistics->freed = atomic_load_explicit(&objects_freed, memory_order_relaxed);
}

// SPDX-License-Identifier: MIT
/*
 * Slab structures shared by slab.c (caches and CPUs), slab_page.c (cutting folios) and
 * slab_debug.c (red zones). A slab is a folio cut into objects; its head record holds the
 * cache, the chain of free objects and how many are out. Lock order: node lock alone; the frame
 * allocator below takes its own.
 *
 *	slab:   [front zone] object 0 | object 1 | ... | rest
 *	object: size bytes [red zone, guard] [group] [next free] [front zone of the next]
 *
 * What is in brackets is there only when it is needed: red zones and guard in debug builds, the
 * group with SLAB_GROUPS; `next free` lies in the object itself where its contents may be lost.
 */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include <mm/folio.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <kernel/completion.h>
#include <kernel/lock.h>

#if defined(QUIRE_TEST_HOOKS)
#define SLAB_DEBUG true
#else
#define SLAB_DEBUG false
#endif

/* Who calls a public function, for the reports of debug builds. */
#define SLAB_CALLER() (SLAB_DEBUG ? (uintptr_t)__builtin_return_address(0) : 0)

/* Objects of one cache on one CPU. Only that CPU changes it, with interrupts off; others read
 * the count for statistics. */
#define MAGAZINE_SIZE 30
struct magazine {
	_Atomic unsigned count;
	void *objects[MAGAZINE_SIZE];
};

/* n: under the node's lock. */
struct slab_node {
	struct spin_lock lock;
	struct list_head partial; /* n: slabs with free objects and others, by page.list */
	struct list_head unused;  /* n: slabs with free objects alone */
	uint64_t slabs;           /* n: all of this node */
	uint64_t in_use;          /* n: objects out, those in magazines included */
	uint64_t empty;           /* n: slabs with no object out */
};

struct slab_cache {
	size_t size;
	size_t stride;
	uint64_t inverse; /* 2^32 / stride, rounded up: object number by multiplication */
	unsigned first;   /* offset of object 0 in the slab */
	unsigned next;    /* offsets in the object: of the chain, */
	unsigned group;   /* its group, */
	unsigned guard;   /* its guard (debug builds) */
	unsigned order;
	unsigned objects; /* per slab */
	unsigned flags;
	bool magazines; /* false for the cache that magazines come from */
	void (*constructor)(void *object);
	const char *name;
	struct list_head link;    /* caches' lock, as the next two */
	unsigned walkers;         /* that are at this cache */
	struct completion *gone;  /* whoever frees it waits for them; NULL: it is to stay */
	_Atomic uint64_t waiting; /* slabs on their way through a grace period */
	struct magazine *_Atomic cpus[CPUS_MAX];
	struct slab_node nodes[NODES_MAX];
};

void slab_cache_init(struct slab_cache *cache, const struct slab_attributes *attributes);

/* slab_alloc_node() for kmalloc(): asked, at most the cache's size, is all that may be used. */
void *slab_alloc_asked(struct slab_cache *cache, size_t asked, unsigned flags,
		       uintptr_t caller);
void slab_free_by(struct slab_cache *cache, void *object, uintptr_t caller);

/* Up to `wanted` objects from slabs, a new slab if there is none; how many. */
unsigned slab_take(struct slab_cache *cache, void **objects, unsigned wanted, int node,
		   unsigned flags);
/* Objects back to their slabs. */
void slab_give(struct slab_cache *cache, void **objects, unsigned count);
/* NULL: there is no such cache any more. */
const char *slab_cache_name(const struct slab_cache *wanted);
/* Give empty slabs back to the frame allocator; how many. */
uint64_t slab_cache_shrink(struct slab_cache *cache);

static inline struct memcg **slab_group_of(const struct slab_cache *cache, const void *object)
{
	return (struct memcg **)(uintptr_t)((const char *)object + cache->group);
}

/* May the contents be overwritten while the object is free? */
static inline bool slab_keeps_contents(const struct slab_cache *cache)
{
	return cache->flags & SLAB_RCU || cache->constructor;
}

/* Debug builds: bytes that guard and red zones add behind an object, and the offset of the
 * guard. */
size_t slab_debug_layout(struct slab_cache *cache);
void slab_debug_fresh(const struct slab_cache *cache, void *object);
/* Handed out: what happened to it while it was free? Reports, puts it right, notes who has it.
 */
void slab_debug_taken(const struct slab_cache *cache, void *object, size_t asked,
		      uintptr_t caller);
/* Comes back; false after the report of a double free, which must not go on. */
bool slab_debug_freed(const struct slab_cache *cache, void *object, uintptr_t caller);
size_t slab_debug_asked(const struct slab_cache *cache, const void *object);
/* Report what is wrong with an object; in debug builds who had it, too. */
void slab_report(const struct slab_cache *cache, const void *object, const char *what,
		 uintptr_t caller);

const char *slab_cache_check(struct slab_cache *cache);

#endif

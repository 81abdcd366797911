// SPDX-License-Identifier: MIT
/*
 * Slab structures shared by slab.c (caches and CPUs) and slab_page.c (cutting folios). A slab
 * is a folio cut into objects; its head record holds the cache, the chain of free objects and
 * how many are out. Lock order: node lock alone; the frame allocator below takes its own.
 */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include <mm/folio.h>
#include <mm/slab.h>
#include <mm/zone.h>
#include <kernel/lock.h>

#if defined(QUIRE_TEST_HOOKS)
#define SLAB_DEBUG true
#else
#define SLAB_DEBUG false
#endif

/* In debug builds each object is followed by these; free objects are filled with a pattern. */
struct slab_guard {
	uint64_t red_zone; /* tells free from taken, and overruns */
	void *next_free;
};

#define SLAB_RED_FREE  UINT64_C(0xf1eef1eef1eef1ee)
#define SLAB_RED_TAKEN UINT64_C(0x7a4e7a4e7a4e7a4e)
#define SLAB_POISON    0x6b

/* Objects of one cache on one CPU; only that CPU touches it, with interrupts off. */
#define MAGAZINE_SIZE 30
struct magazine {
	unsigned count;
	void *objects[MAGAZINE_SIZE];
};

/* n: under the node's lock. */
struct slab_node {
	struct spin_lock lock;
	struct list_head partial; /* n: slabs with a free object, by page.list */
	uint64_t slabs;           /* n: all of this node */
	uint64_t in_use;          /* n: objects out, those in magazines included */
	uint64_t empty;           /* n: partial slabs with no object out */
};

struct slab_cache {
	const char *name;
	size_t size;
	size_t stride;
	unsigned order;
	unsigned objects; /* per slab */
	bool magazines;   /* false for the cache that magazines come from */
	struct list_head link;
	struct magazine *cpus[CPUS_MAX];
	struct slab_node nodes[NODES_MAX];
};

void slab_cache_init(struct slab_cache *cache, const char *name, size_t size, size_t alignment);

/* Up to `wanted` objects from slabs of any node, a new slab if there is none; how many. */
unsigned slab_take(struct slab_cache *cache, void **objects, unsigned wanted, unsigned flags);
/* Objects back to their slabs. */
void slab_give(struct slab_cache *cache, void **objects, unsigned count);
/* Give empty slabs back to the frame allocator. */
void slab_shrink(struct slab_cache *cache);

/* Debug builds: marks and pattern of an object that is handed out, or comes back; false after a
 * report, then the object is not used any more. */
bool slab_object_taken(const struct slab_cache *cache, void *object);
bool slab_object_freed(const struct slab_cache *cache, void *object);

const char *slab_cache_check(struct slab_cache *cache);

#endif

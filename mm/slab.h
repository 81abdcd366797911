// SPDX-License-Identifier: MIT
/*
 * Small objects: caches of equal objects cut from folios, with a magazine per CPU so that most
 * requests touch nothing shared; and kmalloc() over caches of common sizes. Cache, node and
 * memory group of an object are found from its address. Any context but NMI unless said;
 * nothing sleeps but requests with FOLIO_MAY_SLEEP, kzalloc()'s among them.
 *
 * Every free is checked: the address must be the start of an object of that cache. Debug
 * builds also put red zones around each object, fill free ones with a pattern, and know who
 * allocated and freed each: overflow, use after free and double free are reported with object,
 * cache, and both. A reported object is put right and stays in service.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab_cache;
struct memcg;

#define SLAB_OBJECT_MAX 8192

/*
 * Type-stable for RCU: a freed object may be another object of the same cache at once, but its
 * memory stays an object of this cache until a grace period has passed. A reader who found one
 * checks that it is still the one it looked for. Contents survive being free.
 */
#define SLAB_RCU    (1u << 0)
/* Each object may be charged to a memory group: 8 bytes more per object. */
#define SLAB_GROUPS (1u << 1)

struct slab_attributes {
	const char *name; /* not copied */
	size_t size;      /* 1 to SLAB_OBJECT_MAX */
	size_t alignment; /* a power of two up to PAGE_SIZE; 0: natural */
	unsigned flags;   /* SLAB_* */
	/* Runs once for each object, when its memory becomes a slab, not at each allocation;
	 * whoever frees an object leaves it in that state. NULL: none. */
	void (*constructor)(void *object);
};

/* NULL, with a message, when memory is short or the attributes are not in range. Thread
 * context. */
struct slab_cache *slab_cache_create(const struct slab_attributes *attributes) MUST_CHECK;
/* Every object must be back; -EBUSY and a message otherwise, the cache then stays. May wait for
 * a grace period. Thread context. */
int slab_cache_destroy(struct slab_cache *cache) MUST_CHECK;

/* Object with arbitrary contents, or NULL. flags: FOLIO_ZERO (not with a constructor or
 * SLAB_RCU), FOLIO_ATOMIC, FOLIO_NOWARN, FOLIO_MAY_SLEEP. */
void *slab_alloc(struct slab_cache *cache, unsigned flags) MUST_CHECK;
/* The same from a preferred node (NODE_ANY: this CPU's; FOLIO_THIS_NODE: that one or NULL),
 * charged to a group (NULL: nobody) by its size; NULL also when the group is at its limit. */
void *slab_alloc_node(struct slab_cache *cache, int node, unsigned flags,
		      struct memcg *memcg) MUST_CHECK;
/* NULL is fine. */
void slab_free(struct slab_cache *cache, void *object);

/* Of any live object, kmalloc()'s included. */
unsigned slab_object_node(const void *object);
struct memcg *slab_object_memcg(const void *object);

/* Any size up to 4 MiB; aligned to the size for powers of two. NULL when short. Flags as of
 * slab_alloc(). */
void *kmalloc(size_t size, unsigned flags) MUST_CHECK;
/* Zeroed; thread context: FOLIO_ZERO and FOLIO_MAY_SLEEP. */
void *kzalloc(size_t size) MUST_CHECK;
/* From kmalloc(), kzalloc() or slab_alloc(); NULL is fine. */
void kfree(void *object);
/* Bytes that may be used at the address, at least what was asked for. */
size_t kmalloc_usable_size(const void *object);

/* Give back the slabs without an object in use, of all caches; base pages given. Those of
 * SLAB_RCU caches follow after a grace period and are counted. Objects in magazines are in
 * use. */
uint64_t slab_shrink(void);

/* Empty all magazines (of all CPUs), then slab_shrink(), and wait for what RCU holds. Thread
 * context. */
void slab_drain(void);

struct slab_cache_statistics {
	const char *name;
	size_t object_size; /* asked for */
	size_t stride;      /* used per object */
	unsigned slab_objects;
	unsigned slab_order;
	unsigned flags;
	uint64_t pages;   /* base pages held */
	uint64_t objects; /* room for */
	uint64_t in_use;  /* handed out or in magazines */
	uint64_t cached;  /* of them in magazines; close while others allocate */
	uint64_t empty;   /* base pages that slab_shrink() would give back */
	uint64_t waiting; /* base pages on their way through a grace period */
};

/* Cache number `index` in creation order; false when there is none. */
bool slab_statistics(unsigned index, struct slab_cache_statistics *statistics);

/* First thing wrong with any cache, or NULL. While nobody allocates. */
const char *slab_check_all(void);

#endif

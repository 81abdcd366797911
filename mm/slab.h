// SPDX-License-Identifier: MIT
/*
 * Small objects: caches of equal objects cut from folios, with a magazine per CPU so that most
 * requests touch nothing shared; and kmalloc() over caches of common sizes. The cache of an
 * object is found from its address. Any context but NMI; nothing sleeps.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slab_cache;

#define SLAB_OBJECT_MAX 8192

struct slab_cache_statistics {
	const char *name;
	size_t object_size; /* asked for */
	size_t stride;      /* used per object */
	uint64_t pages;     /* base pages held */
	uint64_t objects;   /* room for */
	uint64_t in_use;    /* handed out or in magazines */
};

/*
 * size 1 to SLAB_OBJECT_MAX, alignment a power of two up to PAGE_SIZE (0: natural). The name is
 * not copied. NULL when memory is short or the arguments are not in range. Thread context.
 */
struct slab_cache *slab_cache_create(const char *name, size_t size,
				     size_t alignment) MUST_CHECK;
/* Every object must be back; -EBUSY and a message otherwise, the cache then stays. */
int slab_cache_destroy(struct slab_cache *cache) MUST_CHECK;

/* Object with arbitrary contents, or NULL. flags: FOLIO_ZERO, FOLIO_ATOMIC, FOLIO_NOWARN. */
void *slab_alloc(struct slab_cache *cache, unsigned flags) MUST_CHECK;
void slab_free(struct slab_cache *cache, void *object);

/* Any size up to 4 MiB; aligned to the size for powers of two. NULL when short. */
void *kmalloc(size_t size, unsigned flags) MUST_CHECK;
/* Zeroed. */
void *kzalloc(size_t size) MUST_CHECK;
/* From kmalloc(), kzalloc() or slab_alloc(); NULL is fine. */
void kfree(void *object);
/* Bytes that may be used at the address, at least what was asked for. */
size_t kmalloc_usable_size(const void *object);

/* Empty all magazines (of all CPUs) and give empty slabs back. Thread context. */
void slab_drain(void);

/* Cache number `index` in creation order; false when there is none. */
bool slab_statistics(unsigned index, struct slab_cache_statistics *statistics);

/* First thing wrong with any cache, or NULL. While nobody allocates. */
const char *slab_check_all(void);

#endif

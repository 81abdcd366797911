// SPDX-License-Identifier: MIT
/*
 * Empty slabs as a shrinker: kept because they are cheap to use again, first to go when memory
 * is short. One pass gives all of them back.
 */
#include <kernel/assert.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/slab_init.h>

static uint64_t count(struct shrinker *shrinker, const struct shrink_request *request)
{
	struct slab_cache_statistics cache;
	uint64_t pages = 0;

	(void)shrinker;
	(void)request;
	for (unsigned i = 0; slab_statistics(i, &cache); i++)
		pages += cache.empty;
	return pages;
}

static uint64_t scan(struct shrinker *shrinker, struct shrink_request *request)
{
	uint64_t pages = slab_shrink();

	(void)shrinker;
	if (pages == 0)
		return SHRINK_STOP;
	request->nr_scanned = pages;
	return pages;
}

void slab_shrinker_init(void)
{
	struct shrinker_attributes attributes = {.name = "slab",
						 .count = count,
						 .scan = scan,
						 .seeks = SHRINK_SEEKS,
						 .batch = 1};
	struct shrinker *shrinker = shrinker_alloc(&attributes);

	if (!shrinker)
		panic("mm: no memory for the first shrinker");
	shrinker_register(shrinker);
}

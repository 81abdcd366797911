// SPDX-License-Identifier: MIT
/*
 * Shrinkers (spec-shrinker sections 3 to 6, without memory groups): caches that can free
 * objects when memory is short. The core decides how much to ask for, the shrinker what it
 * frees. Thread context.
 */
#ifndef MM_SHRINKER_H
#define MM_SHRINKER_H

#include <kernel/attributes.h>
#include <kernel/completion.h>
#include <kernel/list.h>
#include <mm/zone.h>

/* How hard to look: from light to everything. */
#define SHRINK_PRIORITY_LIGHT 12u
#define SHRINK_SEEKS          2u   /* cost of making an object again, by default */
#define SHRINK_BATCH          128u /* objects asked for at once, by default */

/* count(): certainly nothing of mine here. */
#define SHRINK_EMPTY UINT64_MAX
/* scan(): no progress possible now, do not call me again in this round. */
#define SHRINK_STOP  (UINT64_MAX - 1)

struct shrink_request {
	unsigned node;
	uint64_t nr_to_scan; /* objects to look at */
	uint64_t nr_scanned; /* in: the same; scan() sets what it really looked at, not 0 */
};

struct shrinker;

struct shrinker_attributes {
	const char *name; /* not copied */
	/* Objects that could be freed, an estimate; waits for nobody. */
	uint64_t (*count)(struct shrinker *shrinker, const struct shrink_request *request);
	/* Free some of them: how many, in the unit of count(), or SHRINK_STOP. May sleep. */
	uint64_t (*scan)(struct shrinker *shrinker, struct shrink_request *request);
	unsigned seeks;  /* 0: free half at any pressure */
	unsigned batch;  /* 0: SHRINK_BATCH */
	bool numa_aware; /* else it is asked for node 0 alone */
	void *private;
};

struct shrinker {
	struct shrinker_attributes is;
	_Atomic uint64_t deferred[NODES_MAX]; /* work that was too little for a call */
	unsigned references;                  /* list lock; 1: registered, more: running */
	struct completion idle;               /* the last reference is gone */
	struct list_head link;                /* list lock */
};

/* Not run before it is registered. NULL when memory is short. */
struct shrinker *shrinker_alloc(const struct shrinker_attributes *attributes) MUST_CHECK;
void shrinker_register(struct shrinker *shrinker);
/* Afterwards no callback runs or will run; waits for those that do. NULL is fine. Not from a
 * callback. */
void shrinker_free(struct shrinker *shrinker);

/* Objects since boot, in the units of their shrinkers. */
struct shrink_statistics {
	uint64_t scanned;
	uint64_t freed;
};
void shrink_statistics(struct shrink_statistics *statistics);

/* One shrinker, one call (section 4): objects freed, or 0 or SHRINK_EMPTY as count() says. */
uint64_t shrinker_shrink(struct shrinker *shrinker, unsigned node, unsigned priority);

/* All shrinkers for a node, in the order of registration; objects freed. */
uint64_t shrink_node(unsigned node, unsigned priority);

#endif

// SPDX-License-Identifier: MIT
/*
 * Making free memory contiguous: pages that can move (mm/migrate.h) go elsewhere. Thread
 * context, sleeps; not from the callbacks of a migration. Work is bounded: every page of memory
 * is looked at once at most, and COMPACTION_ATTEMPTS blocks are evacuated.
 */
#ifndef MM_COMPACTION_H
#define MM_COMPACTION_H

#include <kernel/attributes.h>
#include <mm/page.h>

#define COMPACTION_ATTEMPTS 8

/*
 * As page_alloc_range(), for ranges of any length in one zone, but pages that can move are
 * moved out of the way. 0; -EBUSY (*busy: a frame in the way), -ENOMEM (nowhere to move to),
 * -EINVAL. When it fails, what was moved stays moved; the rest is as it was.
 */
int page_alloc_evacuated(struct pfn start, uint64_t count, struct pfn *busy) MUST_CHECK;

/* Free a block of 2^order where a request with this node and these flags may take it: true if
 * one was made, which somebody else may have taken meanwhile. */
bool compact(int node, unsigned order, unsigned flags) MUST_CHECK;

/* Is the running thread inside an evacuation: a callback of a migration? */
bool compaction_is_mine(void);

/* Since boot. */
struct compaction_statistics {
	uint64_t requests; /* calls of compact() */
	uint64_t blocks;   /* blocks made */
	uint64_t busy;     /* evacuations given up */
};
void compaction_statistics(struct compaction_statistics *statistics);

#endif

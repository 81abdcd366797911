// SPDX-License-Identifier: MIT
/*
 * Between the file that looks, page_reporter.c, and the one that tells, page_reporter_tell.c:
 * times and bits of blocks, the walk over words of 64 of them.
 */
#ifndef MM_PAGE_REPORTER_INTERNAL_H
#define MM_PAGE_REPORTER_INTERNAL_H

#include <mm/page_reporter.h>

#define REPORTER_TIME_SHIFT 16

static inline uint64_t reporter_time_since(const struct page_reporter *reporter,
					   const struct zone *zone, uint64_t block,
					   uint64_t now)
{
	uint32_t then = atomic_load_explicit(&reporter->times[zone->number][block],
					     memory_order_relaxed);

	return (uint64_t)((uint32_t)(now >> REPORTER_TIME_SHIFT) - then) << REPORTER_TIME_SHIFT;
}

static inline void reporter_time_set(struct page_reporter *reporter, const struct zone *zone,
				     uint64_t block, uint64_t ns)
{
	atomic_store_explicit(&reporter->times[zone->number][block],
			      (uint32_t)(ns >> REPORTER_TIME_SHIFT), memory_order_relaxed);
}

static inline void reporter_count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

static inline uint64_t reporter_bit_count(uint64_t bits)
{
	return (unsigned)__builtin_popcountll(bits);
}

/* Of the lowest bit. */
static inline uint64_t reporter_block(uint64_t word, uint64_t bits)
{
	return word * 64 + (unsigned)__builtin_ctzll(bits);
}

/* ---- page_reporter.c ---- */

/* Called for each word of blocks that has any that are free and not reported; false ends the
 * walk. */
typedef bool page_reporter_walk_function(struct page_reporter *reporter, struct zone *zone,
					 uint64_t word, void *state);

void page_reporter_walk(struct page_reporter *reporter, page_reporter_walk_function *function,
			void *state);
/* So many of the zone's due blocks stay, the lowest. */
uint64_t page_reporter_keep(const struct page_reporter *reporter, const struct zone *zone);

/* ---- page_reporter_tell.c ---- */

/* Blocks that the device takes at once. */
unsigned page_reporter_batch_size(const struct page_reporter *reporter);
/* Tell the host of all due blocks but the lowest `hold` and what stays, in a look that began at
 * this time. True: there is more, but it is time to look. */
bool page_reporter_tell(struct page_reporter *reporter, uint64_t hold,
			uint64_t began) MUST_CHECK;

#endif

// SPDX-License-Identifier: MIT
/*
 * The range table: which frames are the allocator's, sorted, from what boot memory had left. A
 * binary search answers for one frame; opening a block walks the few ranges inside it.
 */
#ifndef MM_RANGES_H
#define MM_RANGES_H

#include <platform/types.h>

struct ram_range {
	uint64_t start; /* frame numbers; end is the first one after */
	uint64_t end;
};

/* Room for the table, from boot memory, while that may still be asked; then the contents, when
 * nothing is taken from it any more. */
void ranges_reserve(void);
void ranges_collect(void);

/* The first range that ends above this frame; *end is past the last one. */
const struct ram_range *ranges_from(uint64_t frame, const struct ram_range **end);

/* Frames of the table in [start, end). */
uint64_t ranges_overlap(uint64_t start, uint64_t end);

#endif

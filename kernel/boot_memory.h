// SPDX-License-Identifier: MIT
/*
 * Physical memory before mm runs: takes ranges out of boot_info's RAM and keeps note of them.
 * mm then takes over what is left and nothing may be allocated here any more. Boot CPU only, no
 * locks.
 */
#ifndef KERNEL_BOOT_MEMORY_H
#define KERNEL_BOOT_MEMORY_H

#include <kernel/attributes.h>
#include <platform/types.h>

struct boot_info;

/* Start over with the RAM ranges of info, none taken. Page 0 is never given out. */
void boot_memory_init(const struct boot_info *info);

/*
 * Memory that is in no later free range: `size` bytes (rounded up to pages) at a multiple of
 * `align` (a power of two; at least a page), as high as possible below the limit. Not zeroed.
 * Address 0: there is none, or too many separate pieces are taken already.
 */
struct phys boot_memory_alloc(uint64_t size, uint64_t align) MUST_CHECK;
/* The same, ending at or below `limit`. */
struct phys boot_memory_alloc_below(uint64_t size, uint64_t align,
				    struct phys limit) MUST_CHECK;

/* Highest address boot_memory_alloc() gives; early address spaces do not map all RAM. */
void boot_memory_set_limit(struct phys limit);

/*
 * RAM that nobody took, in rising order. Start with a zeroed cursor; false at the end. Pieces
 * are page aligned, not empty, and do not touch when something taken lies between.
 */
struct boot_memory_cursor {
	uint32_t range;
	struct phys position;
};
bool boot_memory_next_free(struct boot_memory_cursor *cursor, struct phys *start,
			   uint64_t *size);

/* Bytes of RAM in all ranges, and bytes taken so far. */
uint64_t boot_memory_total(void);
uint64_t boot_memory_taken(void);

#endif

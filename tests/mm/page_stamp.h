// SPDX-License-Identifier: MIT
/*
 * What tests write into memory they own: its own address and a generation at both ends, so that
 * a page in two hands, or one that the host has taken, is seen by who looks next.
 */
#ifndef TESTS_MM_PAGE_STAMP_H
#define TESTS_MM_PAGE_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_stamp {
	uint64_t address;
	uint64_t generation;
};

/* Memory that has room for both. */
#define PAGE_STAMP_MIN (2 * sizeof(struct page_stamp))

static inline void page_stamp_write(void *memory, size_t size, uint64_t address,
				    uint64_t generation)
{
	const struct page_stamp stamp = {address, generation};

	*(struct page_stamp *)memory = stamp;
	*(struct page_stamp *)(void *)((char *)memory + size - sizeof(stamp)) = stamp;
}

static inline bool page_stamp_is(const void *memory, size_t size, uint64_t address,
				 uint64_t generation)
{
	const struct page_stamp *first = memory;
	const struct page_stamp *last =
		(const void *)((const char *)memory + size - sizeof(*last));

	return first->address == address && first->generation == generation &&
	       last->address == address && last->generation == generation;
}

#endif

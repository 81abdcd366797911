// SPDX-License-Identifier: MIT
/*
 * The memory core as a whole: start, statistics, and the walk that checks everything.
 */
#ifndef MM_MM_H
#define MM_MM_H

#include <kernel/attributes.h>
#include <platform/types.h>

struct boot_info;

/* Zones, page records, small objects, kmem operations, from what kernel/boot_memory.h has left.
 * Panics with a message when there is no memory to run in. */
void mm_init(struct boot_info *info);
/* All CPUs run: requests for any node look near the CPU from now on. */
void mm_init_cpus(void);

/* Walk everything; the first thing wrong as text, or NULL. While nobody allocates, or at the
 * end of a panic: reads only, ends in bounded time, believes no record. */
const char *mm_check_all(void);

/* Base pages. Exact while nobody allocates, else close. */
struct mm_statistics {
	uint64_t managed;  /* RAM the allocator has, balloon apart */
	uint64_t free;     /* of it, on no owner's hands */
	uint64_t pristine; /* of the free: never touched since boot */
	uint64_t reserved; /* RAM that never came to the allocator */
	uint64_t bad;      /* withheld after a report */
};

void mm_statistics(struct mm_statistics *statistics);

/* Requests for blocks of 2 MiB and more since boot, without those of balloons and others that
 * only take what lies about (FOLIO_NORETRY): fulfilled, and not. */
void mm_large_blocks(uint64_t *got, uint64_t *failed);

/* Balloon: pages of the zone that the guest no longer counts as its own (B-I6). */
struct page;
void mm_managed_adjust(const struct page *page, int64_t pages);

/* Empty per-CPU caches, so that counts are exact. Thread context. */
void mm_drain(void);

#endif

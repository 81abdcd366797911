// SPDX-License-Identifier: MIT
/*
 * Walking and changing the shared tables; used by mmu.c and mmu_change.c only.
 */
#ifndef PLATFORM_PAGING_MMU_WALK_H
#define PLATFORM_PAGING_MMU_WALK_H

#include <platform/paging/page_table.h>
#include <kernel/lock.h>

/* Guards every table below the slots. Interrupts off while held; nothing may be waited for. */
extern struct spin_lock page_table_lock;

/* A table for entries of `level`, none present, from the allocator in force, or NULL. */
struct pte *page_table_alloc(unsigned level, bool *from_boot);
void page_table_free(unsigned level, void *table);

/* First entry of the table that `entry`, on `level`, leads to. */
struct pte *page_table_below(unsigned level, struct pte entry);

/* The entry that decides about virt: a leaf, or one that is not present; its level. NULL (level
 * unchanged) when the root entry has no table. Safe without the lock. */
struct pte *page_table_find(uintptr_t virt, unsigned *level);

/* The entry for virt on `level`, with new tables down to it; NULL when there is no memory, or
 * when a larger page is in the way. */
struct pte *page_table_reach(uintptr_t virt, unsigned level);

/* The entry on `level` above a table that page_table_find() saw. */
struct pte *page_table_entry(uintptr_t virt, unsigned level);

/* 0, -EEXIST where something is mapped already, -ENOMEM; after an error nothing stays mapped,
 * but the caller flushes. */
int page_table_map_locked(uintptr_t virt, struct phys p, uint64_t size, unsigned protection)
	REQUIRES(page_table_lock);
/* Entries in the range become not present; no flush. Large pages must lie inside it whole. */
void page_table_clear_locked(uintptr_t virt, uint64_t size) REQUIRES(page_table_lock);

#endif

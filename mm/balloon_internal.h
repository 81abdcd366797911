// SPDX-License-Identifier: MIT
/*
 * Between the files of the balloon core: the one lock, and the changes made under it.
 */
#ifndef MM_BALLOON_INTERNAL_H
#define MM_BALLOON_INTERNAL_H

#include <mm/balloon.h>
#include <kernel/lock.h>

extern struct spin_lock balloon_lock;

/* All under the lock. */

/* The device whose page this is, on its list or isolated; NULL: none's. */
static inline struct balloon_device *balloon_device_of(const struct page *page)
{
	return (struct balloon_device *)(uintptr_t)page->private;
}

/* The entry becomes the device's; it is counted apart. */
void balloon_mark(struct balloon_device *device, struct page *page);
/* An isolated page left the balloon (ENOENT), or gave its place to another. */
void balloon_account_left(struct balloon_device *device, const struct page *source);
void balloon_account_moved(struct balloon_device *device, const struct page *destination,
			   const struct page *source);

#endif

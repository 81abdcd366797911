// SPDX-License-Identifier: MIT
/*
 * Balloon core (spec-balloon.md part A): pages that were given to the host, per device, with
 * counters and managed-page accounting. Talking to the host is the client's job: see
 * drivers/balloon/.
 *
 * One lock for the lists of all devices, taken with interrupts off, innermost; nothing is told
 * to a host and no page is freed under it. A page's `private` is its device exactly while the
 * page is on that device's list or isolated, and changes only under the lock.
 *
 * An entry is a base page, or a raw block of BALLOON_BLOCK_ORDER that counts as its pages
 * everywhere and is exploded when only part of it is wanted back. Base pages of a device with a
 * migrate callback can be moved (mm/migrate.h); blocks stay.
 */
#ifndef MM_BALLOON_H
#define MM_BALLOON_H

#include <kernel/attributes.h>
#include <kernel/list.h>
#include <mm/page.h>

#define BALLOON_BLOCK_ORDER 9
#define BALLOON_BLOCK_PAGES (UINT64_C(1) << BALLOON_BLOCK_ORDER)

struct balloon_device;

/*
 * Tell the host to take destination instead of source; the core does the rest. No core lock
 * held, both pages locked. Never waits for a lock of the client: whoever holds it may be
 * waiting for memory that this migration is to free. Returns 0         source deflated,
 * destination inflated -EAGAIN   not now (lock held, reset under way); nothing done; asked
 * again a few times -EBUSY    not this page; nothing done -ENOENT   source deflated, but
 * destination not inflated: the balloon is one page smaller negative  failed, nothing done
 */
typedef int balloon_migrate_fn(struct balloon_device *device, struct page *destination,
			       struct page *source);

/* Fields: L under the list lock; others fixed after balloon_device_init(). */
struct balloon_device {
	const char *name;
	balloon_migrate_fn *migrate; /* NULL: its pages stay where they are */
	bool adjust_managed;         /* ballooned pages leave their zone's managed count */
	uint32_t magic;
	struct list_head pages; /* L: entries, by page.list */
	uint64_t listed;        /* L: base pages on the list */
	uint64_t isolated;      /* L: base pages taken off by migration */
	struct list_head link;  /* L: of all devices */
};

/* Events in base pages since boot, all devices. */
struct balloon_events {
	uint64_t inflate;
	uint64_t deflate;
	uint64_t migrate;
};

/* Ballooned pages can move from now on; once, by mm_init(). */
void balloon_init(void);

/* Must be the first call on a record. The name is not copied. Thread context. */
void balloon_device_init(struct balloon_device *device, const char *name, bool adjust_managed,
			 balloon_migrate_fn *migrate);
/* Forget the device; it must hold no page. */
void balloon_device_destroy(struct balloon_device *device);

/* One base page, or a raw block of BALLOON_BLOCK_ORDER, that may be enqueued: without reserves,
 * without taking memory from others, without a message. NULL when there is none. */
struct page *balloon_page_alloc(const struct balloon_device *device) MUST_CHECK;
struct page *balloon_block_alloc(const struct balloon_device *device) MUST_CHECK;
/* Up to `count` base pages at once, cheaper than one by one; how many. It stops earlier than
 * those do when memory gets short. */
unsigned balloon_pages_alloc(const struct balloon_device *device, struct page **pages,
			     unsigned count) MUST_CHECK;

/* Base pages of an entry, 1 or BALLOON_BLOCK_PAGES. */
static inline uint64_t balloon_entry_pages(const struct page *page)
{
	return UINT64_C(1) << (atomic_load_explicit(&page->shape, memory_order_relaxed) & 0xff);
}

/* Put an entry, or a list of them in the same order, on the device's list, at the head. The
 * caller holds the only reference and passes it on. The list form returns base pages. */
void balloon_enqueue(struct balloon_device *device, struct page *page);
uint64_t balloon_enqueue_list(struct balloon_device *device, struct list_head *entries);

/*
 * Move up to `pages` base pages from the head to the tail of `entries`; a block of which only a
 * part is wanted is exploded first. The number of base pages, possibly 0 while pages are
 * isolated. The caller owns their references; they stay typed offline until freed.
 */
uint64_t balloon_dequeue_list(struct balloon_device *device, struct list_head *entries,
			      uint64_t pages);

/* One base page, NULL when all are isolated. Only while the client's own count says that the
 * device holds pages: nothing held at all is a broken account and a panic. */
struct page *balloon_dequeue(struct balloon_device *device) MUST_CHECK;

/* Give entries that were dequeued, or never enqueued, back to the allocator. */
void balloon_free_list(struct list_head *entries);

/* Base pages the device holds, isolated ones included, and those alone. */
uint64_t balloon_pages(struct balloon_device *device);
uint64_t balloon_isolated(struct balloon_device *device);
/* Of the device whose page this is; NULL: none's, as far as can be said without a reference. */
const char *balloon_name(const struct page *page);
void balloon_events(struct balloon_events *events);
/* Base pages of all devices on a node (B-I7); 0 for a node there is none of. */
uint64_t balloon_node_pages(unsigned node);

/* Base pages that stay with a guest that has `pages` in all, whatever a host asks. */
uint64_t balloon_reserve(uint64_t pages);

/* First thing wrong with any device's list or count, or NULL. While nobody moves pages. */
const char *balloon_check(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * Moving pages that their owner can move (spec-balloon A4, "Glue in migration core"). A page
 * type registers its operations; each page that may be moved carries PAGE_MOVABLE_OPS. To move
 * one: isolate it from its owner (it gains a reference), migrate it to a fresh page, or put it
 * back.
 *
 * Thread context, and the operations may sleep. Whoever isolates a page ends its isolation in
 * bounded time, by migrating it or putting it back: owners wait for that.
 */
#ifndef MM_MIGRATE_H
#define MM_MIGRATE_H

#include <kernel/attributes.h>
#include <kernel/list.h>
#include <mm/page.h>

/* Rounds over pages whose owner says "cannot now". */
#define MIGRATE_PASSES 10

/* Pages are locked (page_trylock()) in every call and have a reference of the caller's. */
struct movable_ops {
	/* Take the page out of the owner's structures; its list node is the caller's then.
	 * False: it is not there, nothing changed. */
	bool (*isolate)(struct page *page);
	/* 0: the owner uses destination, and its reference on source is gone. -EAGAIN: not now;
	 * other negative: not this page; nothing has changed then. */
	int (*migrate)(struct page *destination, struct page *source) MUST_CHECK;
	/* Back into the owner's structures. */
	void (*putback)(struct page *page);
};

/* Once per type, for ever; -EBUSY when it has operations already. Any context. */
int movable_ops_register(enum page_type type, const struct movable_ops *ops) MUST_CHECK;

/* True: isolated, and the caller has a reference; false: not movable, not now, or somebody
 * else's. Never waits. */
bool movable_isolate(struct page *page) MUST_CHECK;

/* End an isolation: the page is its owner's again, and the reference is gone. */
void movable_putback(struct page *page);

/*
 * Move an isolated page to a fresh one of which the caller has the only reference, and keeps
 * it. 0: source is vacated, its isolation ended, the caller's reference on it gone; destination
 * is the owner's unless it has no reference but the caller's. Negative: source stays isolated.
 */
int movable_migrate(struct page *destination, struct page *source) MUST_CHECK;

/*
 * Move the isolated pages of a list (by page.list), each to a single page of its node where
 * there is one, in at most MIGRATE_PASSES rounds. How many went; the others stay on the list,
 * isolated.
 */
unsigned migrate_pages(struct list_head *pages);
void migrate_putback(struct list_head *pages);

struct migrate_statistics {
	uint64_t isolated;
	uint64_t moved;
	uint64_t put_back;
};
void migrate_statistics(struct migrate_statistics *statistics);

#endif

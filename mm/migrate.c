// SPDX-License-Identifier: MIT
/*
 * Isolation, migration and putback of movable pages. PAGE_MOVABLE_OPS says that a page's type
 * has operations and stays until the page is free; PAGE_MOVABLE_OPS_ISOLATED is ours and
 * changes under the page lock. A page found by its frame number may be freed and be somebody
 * else's at any time until we hold a reference, so all is looked at again then.
 */
#include <mm/migrate.h>
#include <mm/folio.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <errno.h>

#define DESTINATION_FLAGS (FOLIO_MOVABLE | FOLIO_NOWARN | FOLIO_NORETRY)

static const struct movable_ops *_Atomic operations[PAGE_TYPE_COUNT];
static _Atomic uint64_t isolated_count, moved_count, put_back_count;

int movable_ops_register(enum page_type type, const struct movable_ops *ops)
{
	const struct movable_ops *none = NULL;

	return atomic_compare_exchange_strong(&operations[type], &none, ops) ? 0 : -EBUSY;
}

/* Of a page that we hold and whose flag was seen. */
static const struct movable_ops *operations_of(const struct page *page)
{
	return atomic_load_explicit(&operations[page->type], memory_order_acquire);
}

/* We hold the page. The flag is looked at before the lock is tried: it is no business of ours
 * to lock pages of others. */
static bool isolate_held(struct page *page)
{
	bool done;

	/* Whoever has the page isolated spins for the lock meanwhile: not to be preempted. */
	preempt_disable();
	if (!page_flag_test(page, PAGE_MOVABLE_OPS) || !page_trylock(page)) {
		preempt_enable();
		return false;
	}
	HOOK(movable_isolate_locked);
	done = !page_flag_test(page, PAGE_MOVABLE_OPS_ISOLATED) && operations_of(page) &&
	       operations_of(page)->isolate(page);
	if (done)
		page_flag_set(page, PAGE_MOVABLE_OPS_ISOLATED);
	page_unlock(page);
	preempt_enable();
	return done;
}

bool movable_isolate(struct page *page)
{
	struct folio *folio;

	if (!page_flag_test(page, PAGE_MOVABLE_OPS))
		return false;
	HOOK(movable_isolate_seen);
	folio = page_try_get(page);
	if (!folio)
		return false;
	HOOK(movable_isolate_held);
	if (folio_page(folio, 0) == page && isolate_held(page)) {
		atomic_fetch_add_explicit(&isolated_count, 1, memory_order_relaxed);
		return true;
	}
	folio_put(folio);
	return false;
}

/* Those who try to isolate an isolated page hold its lock for a few instructions. */
static void lock_isolated(struct page *page)
{
	while (!page_trylock(page))
		thread_yield();
	ASSERT(page_flag_test(page, PAGE_MOVABLE_OPS_ISOLATED));
}

void movable_putback(struct page *page)
{
	lock_isolated(page);
	operations_of(page)->putback(page);
	page_flag_clear(page, PAGE_MOVABLE_OPS_ISOLATED);
	page_unlock(page);
	atomic_fetch_add_explicit(&put_back_count, 1, memory_order_relaxed);
	page_put(page);
}

int movable_migrate(struct page *destination, struct page *source)
{
	int error;

	/* Somebody who saw its former owner's flag may hold the destination for a moment. */
	if (!page_trylock(destination))
		return -EAGAIN;
	lock_isolated(source);
	error = operations_of(source)->migrate(destination, source);
	if (!error)
		page_flag_clear(source, PAGE_MOVABLE_OPS_ISOLATED);
	page_unlock(source);
	page_unlock(destination);
	if (!error) {
		atomic_fetch_add_explicit(&moved_count, 1, memory_order_relaxed);
		page_put(source);
	}
	return error;
}

/* Off the list and moved, or on it as before. */
static int migrate_one(struct page *source)
{
	struct page *destination = page_alloc((int)page_node(source), 0, DESTINATION_FLAGS);
	struct list_head *before = source->list.prev;
	int error;

	if (!destination)
		return -ENOMEM;
	list_del(&source->list);
	error = movable_migrate(destination, source);
	page_put(destination);
	if (error)
		list_insert_between(&source->list, before, before->next);
	return error;
}

unsigned migrate_pages(struct list_head *pages)
{
	struct list_head failed = LIST_INIT(failed);
	struct page *page, *next;
	unsigned moved = 0;
	int error = 0;

	for (unsigned pass = 0; pass < MIGRATE_PASSES && error != -ENOMEM; pass++) {
		if (list_is_empty(pages))
			break;
		if (pass > 0)
			thread_yield();
		list_for_each_entry_safe (page, next, pages, list) {
			error = migrate_one(page);
			moved += error == 0;
			if (error == -ENOMEM)
				break;
			if (error && error != -EAGAIN) {
				list_del(&page->list);
				list_add_tail(&failed, &page->list);
			}
		}
	}
	list_splice_tail(&failed, pages);
	return moved;
}

void migrate_putback(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, pages, list) {
		list_del(&page->list);
		movable_putback(page);
	}
}

void migrate_statistics(struct migrate_statistics *statistics)
{
	statistics->isolated = atomic_load_explicit(&isolated_count, memory_order_relaxed);
	statistics->moved = atomic_load_explicit(&moved_count, memory_order_relaxed);
	statistics->put_back = atomic_load_explicit(&put_back_count, memory_order_relaxed);
}

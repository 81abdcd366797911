// SPDX-License-Identifier: MIT
/*
 * A range that is offline is held as single pages typed offline that belong to nobody and are
 * not counted as managed. One change at a time.
 */
#include <mm/offline.h>
#include <kernel/assert.h>
#include <kernel/mutex.h>
#include <mm/compaction.h>
#include <mm/folio.h>
#include <mm/mm.h>

static struct mutex offline_lock = MUTEX_INIT(offline_lock);
static struct list_head notifiers = LIST_INIT(notifiers); /* offline_lock */

void offline_notifier_register(struct offline_notifier *notifier)
{
	mutex_lock(&offline_lock);
	list_add_tail(&notifiers, &notifier->link);
	mutex_unlock(&offline_lock);
}

void offline_notifier_unregister(struct offline_notifier *notifier)
{
	mutex_lock(&offline_lock);
	list_del(&notifier->link);
	mutex_unlock(&offline_lock);
}

static void tell_all(enum offline_event event, struct pfn start, uint64_t count)
{
	struct offline_notifier *notifier;

	list_for_each_entry (notifier, &notifiers, link)
		notifier->tell(notifier, event, start, count);
}

int memory_offline(struct pfn start, uint64_t count, struct pfn *busy)
{
	int error;

	mutex_lock(&offline_lock);
	tell_all(OFFLINE_GOING, start, count);
	error = page_alloc_evacuated(start, count, busy);
	if (!error) {
		for (uint64_t i = 0; i < count; i++)
			page_set_type(pfn_to_page(pfn(start.nr + i)), PAGE_TYPE_OFFLINE);
		mm_managed_adjust(pfn_to_page(start), -(int64_t)count);
	}
	tell_all(error ? OFFLINE_CANCELLED : OFFLINE_DONE, start, count);
	mutex_unlock(&offline_lock);
	return error;
}

void memory_online(struct pfn start, uint64_t count)
{
	mutex_lock(&offline_lock);
	mm_managed_adjust(pfn_to_page(start), (int64_t)count);
	for (uint64_t i = 0; i < count; i++) {
		struct page *page = pfn_to_page(pfn(start.nr + i));

		ASSERT(page_type(page) == PAGE_TYPE_OFFLINE && page->private == 0);
		page_put(page);
	}
	mutex_unlock(&offline_lock);
}

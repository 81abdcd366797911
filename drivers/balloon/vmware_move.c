// SPDX-License-Identifier: MIT
/*
 * Moving pages between guest and VMware host in batches (spec-balloon C3). A page is the host's
 * exactly if its entry said so and the call did: only then is it enqueued, only then freed.
 */
#include <drivers/balloon/vmware_move.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/mm.h>

/* One inflation: what is wanted, and pages that no one has yet. */
struct inflation {
	uint64_t wanted; /* base pages */
	unsigned order;  /* of entries now */
	unsigned nr_refused;
	struct list_head refused; /* not to be tried again at this size */
	struct list_head spare;   /* base pages of split blocks, to be tried first */
};

static struct balloon_device *device_of(struct vmware_balloon *balloon, unsigned order)
{
	return order ? &balloon->blocks : &balloon->pages;
}

/* Base pages that may go so that the guest keeps its reserve. */
static uint64_t room(void)
{
	struct mm_statistics now;
	uint64_t reserve;

	mm_statistics(&now);
	reserve = balloon_reserve(now.managed);
	return now.free > reserve ? now.free - reserve : 0;
}

static struct page *next_page(struct vmware_balloon *balloon, struct inflation *run)
{
	struct page *page;

	if (run->order)
		return balloon_block_alloc(&balloon->blocks);
	if (list_is_empty(&run->spare))
		return balloon_page_alloc(&balloon->pages);
	page = list_first(&run->spare, struct page, list);
	list_del(&page->list);
	return page;
}

/* Up to `count` entries of this size to a list; how many. */
static unsigned gather(struct vmware_balloon *balloon, struct inflation *run,
		       struct list_head *entries, unsigned count)
{
	uint64_t most = room() >> run->order;
	unsigned got = 0;

	while (got < count && (got < most || !list_is_empty(&run->spare))) {
		struct page *page = next_page(balloon, run);

		if (!page)
			break;
		list_add_tail(entries, &page->list);
		got++;
	}
	return got;
}

/* Tell the host of all entries; those it refuses go to `refused`. The call's status. */
static uint32_t tell(struct vmware_balloon *balloon, bool lock, unsigned order,
		     struct list_head *entries, struct list_head *refused, unsigned *nr_refused)
{
	struct page *page, *next;
	unsigned count = 0, nr = 0;
	uint32_t status;

	list_for_each_entry (page, entries, list)
		balloon->entries[count++].frame = page_to_pfn(page).nr;
	status = vmware_host_move(&balloon->host, lock, order != 0, balloon->entries, count);
	list_for_each_entry_safe (page, next, entries, list) {
		if (balloon->entries[nr++].status == VMWARE_OK)
			continue;
		list_del(&page->list);
		list_add_tail(refused, &page->list);
		(*nr_refused)++;
		balloon->refused++;
	}
	return status;
}

/* One batch; false when this page size is done with. *failed: all sizes are. */
static bool inflate_batch(struct vmware_balloon *balloon, struct inflation *run, bool *failed)
{
	unsigned count =
		(unsigned)MIN(vmware_host_capacity(&balloon->host), run->wanted >> run->order);
	struct list_head entries = LIST_INIT(entries);
	unsigned got = gather(balloon, run, &entries, count);
	uint64_t given;

	if (got == 0)
		return false;
	*failed = tell(balloon, true, run->order, &entries, &run->refused, &run->nr_refused) !=
		  VMWARE_OK;
	given = balloon_enqueue_list(device_of(balloon, run->order), &entries);
	balloon->size += given;
	run->wanted -= given;
	return got == count && run->nr_refused < VMWARE_REFUSALS;
}

/* Leave blocks: those refused are tried as pages, from now on at most `wanted` of them. */
static void leave_blocks(struct inflation *run)
{
	struct page *block, *next;

	list_for_each_entry_safe (block, next, &run->refused, list) {
		int error = page_explode(block, BALLOON_BLOCK_ORDER);

		ASSERT(!error);
		list_del(&block->list);
		for (uint64_t i = 0; i < BALLOON_BLOCK_PAGES; i++)
			list_add_tail(&run->spare, &block[i].list);
	}
	run->order = 0;
	run->nr_refused = 0;
}

void vmware_inflate(struct vmware_balloon *balloon, uint64_t pages)
{
	struct inflation run = {
		.wanted = pages,
		.order = vmware_host_takes_blocks(&balloon->host) ? BALLOON_BLOCK_ORDER : 0,
	};
	bool failed = false;

	list_init(&run.refused);
	list_init(&run.spare);
	while (run.wanted > 0 && !failed && !balloon->host.reset_required) {
		bool go_on = run.wanted >> run.order && inflate_batch(balloon, &run, &failed);

		if (!go_on && run.order == 0)
			break;
		if (!go_on)
			leave_blocks(&run);
	}
	balloon->shortages += run.wanted > 0;
	balloon_free_list(&run.refused);
	balloon_free_list(&run.spare);
}

/* One deflation of one page size; a host that has forgotten is not told. */
struct deflation {
	unsigned order;
	bool told;
	unsigned nr_refused;
	struct list_head
		refused; /* stay the host's; aside, so that they are not asked for twice */
};

/* Dequeue a batch, tell, free; base pages freed. *go_on: there may be more. */
static uint64_t deflate_batch(struct vmware_balloon *balloon, struct deflation *run,
			      uint64_t pages, bool *go_on)
{
	unsigned capacity = run->told ? vmware_host_capacity(&balloon->host) : VMWARE_BATCH_MAX;
	uint64_t count = MIN(capacity, ((pages - 1) >> run->order) + 1);
	struct list_head entries = LIST_INIT(entries);
	uint64_t got = balloon_dequeue_list(device_of(balloon, run->order), &entries,
					    count << run->order) >>
		       run->order;
	unsigned refused_before = run->nr_refused;
	uint32_t status = VMWARE_OK;

	*go_on = false;
	if (got == 0)
		return 0;
	if (run->told)
		status = tell(balloon, false, run->order, &entries, &run->refused,
			      &run->nr_refused);
	balloon_free_list(&entries);
	*go_on = got == count && status == VMWARE_OK && run->nr_refused < VMWARE_REFUSALS;
	got -= run->nr_refused - refused_before;
	balloon->size -= got << run->order;
	return got << run->order;
}

static uint64_t deflate_order(struct vmware_balloon *balloon, unsigned order, uint64_t pages,
			      bool told)
{
	struct deflation run = {.order = order, .told = told};
	uint64_t freed = 0;
	bool go_on = true;

	list_init(&run.refused);
	while (go_on && freed < pages)
		freed += deflate_batch(balloon, &run, pages - freed, &go_on);
	balloon_enqueue_list(device_of(balloon, order), &run.refused);
	return freed;
}

uint64_t vmware_deflate(struct vmware_balloon *balloon, uint64_t pages)
{
	uint64_t freed = deflate_order(balloon, 0, pages, true);

	if (freed < pages && !balloon->host.reset_required)
		freed += deflate_order(balloon, BALLOON_BLOCK_ORDER, pages - freed, true);
	return freed;
}

void vmware_pop(struct vmware_balloon *balloon)
{
	mutex_lock(&balloon->lock);
	deflate_order(balloon, 0, UINT64_MAX, false);
	deflate_order(balloon, BALLOON_BLOCK_ORDER, UINT64_MAX, false);
	mutex_unlock(&balloon->lock);
}

static bool tell_one(struct vmware_balloon *balloon, bool lock, const struct page *page)
{
	struct vmware_entry entry = {.frame = page_to_pfn(page).nr};
	uint32_t status = vmware_host_move(&balloon->host, lock, false, &entry, 1);

	return status == VMWARE_OK && entry.status == VMWARE_OK;
}

/* Source first: a host that has all it wants answers "not needed" to anything else. Giving it
 * again after the destination was refused could fail as well. */
int vmware_exchange(struct vmware_balloon *balloon, const struct page *destination,
		    const struct page *source)
{
	if (!tell_one(balloon, false, source))
		return -EBUSY;
	HOOK(vmware_source_unlocked);
	if (tell_one(balloon, true, destination))
		return 0;
	balloon->size--;
	return -ENOENT;
}

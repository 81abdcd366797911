// SPDX-License-Identifier: MIT
/*
 * Pages of a virtio balloon: inflation, deflation, and the migration of one. Pages are
 * allocated before the device's lock is taken; a shortage is never fought: what was got is
 * sent, and the rest waits 200 ms. The order always satisfies must-tell-host: inflated pages
 * are not taken back and deflated ones not freed before the host has used the arrays that name
 * them.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>

#define BULK 64 /* pages allocated at once */

uint64_t virtio_balloon_room(struct virtio_balloon *balloon)
{
	struct mm_statistics now;
	uint64_t reserve;

	mm_statistics(&now);
	reserve = balloon_reserve(virtio_balloon_guest_pages(balloon));
	return now.free > reserve ? now.free - reserve : 0;
}

/* Up to `most` pages by the dozen. */
static uint64_t allocate_bulk(struct virtio_balloon *balloon, struct list_head *entries,
			      uint64_t most)
{
	struct page *pages[BULK];
	uint64_t total = 0;
	unsigned got = BULK;

	while (got == BULK && most - total >= BULK) {
		got = balloon_pages_alloc(&balloon->core, pages, BULK);
		for (unsigned i = 0; i < got; i++)
			list_add_tail(entries, &pages[i]->list);
		total += got;
	}
	return total;
}

/* Whole free blocks first, scattered pages last; base pages allocated. */
static uint64_t allocate(struct virtio_balloon *balloon, struct list_head *entries,
			 uint64_t pages)
{
	struct page *page = NULL;
	uint64_t got = 0;

	while (pages - got >= BALLOON_BLOCK_PAGES &&
	       (page = balloon_block_alloc(&balloon->core)) != NULL) {
		list_add_tail(entries, &page->list);
		got += BALLOON_BLOCK_PAGES;
	}
	got += allocate_bulk(balloon, entries, pages - got);
	while (got < pages && (page = balloon_page_alloc(&balloon->core)) != NULL) {
		list_add_tail(entries, &page->list);
		got++;
	}
	return got;
}

static void note_shortage(struct virtio_balloon *balloon, uint64_t got, uint64_t pages)
{
	balloon->shortages++;
	balloon->retry_at = clock_ns() + balloon->retry_ns;
	if (virtio_balloon_may_complain(&balloon->shortage_told))
		log_info("balloon: %s: memory is short: %llu of %llu pages for now, trying "
			 "again every %u ms",
			 balloon->device->name, (unsigned long long)got,
			 (unsigned long long)pages,
			 (unsigned)(balloon->retry_ns / NSEC_PER_MSEC));
}

int virtio_balloon_inflate_step(struct virtio_balloon *balloon, uint64_t units)
{
	uint64_t pages = MIN(units, virtio_balloon_batch_units(balloon, balloon->inflate)) /
			 VIRTIO_BALLOON_UNITS_PER_PAGE;
	struct list_head entries = LIST_INIT(entries);
	uint64_t got = allocate(balloon, &entries, MIN(pages, virtio_balloon_room(balloon)));
	int error;

	if (got < pages)
		note_shortage(balloon, got, pages);
	if (got == 0)
		return 0;
	HOOK(virtio_balloon_allocated);
	mutex_lock(&balloon->lock);
	error = balloon->ready ? 0 : -EIO;
	/* Or somebody was in need meanwhile. */
	if (error || balloon->yielded) {
		mutex_unlock(&balloon->lock);
		balloon_free_list(&entries);
		return error;
	}
	virtio_balloon_arrays_fill(balloon, &entries);
	balloon_enqueue_list(&balloon->core, &entries);
	balloon->size += got * VIRTIO_BALLOON_UNITS_PER_PAGE;
	error = virtio_balloon_arrays_send(balloon, balloon->inflate,
					   got * VIRTIO_BALLOON_UNITS_PER_PAGE);
	mutex_unlock(&balloon->lock);
	return error;
}

int virtio_balloon_take_back(struct virtio_balloon *balloon, uint64_t units,
			     struct list_head *entries, uint64_t *count)
{
	int error = 0;

	units = MIN(MIN(units, virtio_balloon_batch_units(balloon, balloon->deflate)),
		    balloon->size);
	balloon_dequeue_list(&balloon->core, entries, units / VIRTIO_BALLOON_UNITS_PER_PAGE);
	*count = virtio_balloon_arrays_fill(balloon, entries);
	if (*count)
		error = virtio_balloon_arrays_send(balloon, balloon->deflate, *count);
	if (error)
		/* The host may still be at them: they wait for the reset with the others. */
		balloon_enqueue_list(&balloon->core, entries);
	else
		balloon->size -= *count;
	return error;
}

int virtio_balloon_deflate_step(struct virtio_balloon *balloon, uint64_t target)
{
	struct list_head entries = LIST_INIT(entries);
	uint64_t surplus, count = 0;
	int error;

	HOOK(virtio_balloon_deflating);
	mutex_lock(&balloon->lock);
	error = balloon->ready ? 0 : -EIO;
	/* Who was in need meanwhile may have taken it. */
	surplus = balloon->size - MIN(balloon->size, target);
	if (!error && surplus > 0)
		error = virtio_balloon_take_back(balloon, surplus, &entries, &count);
	mutex_unlock(&balloon->lock);
	balloon_free_list(&entries);
	/* All are isolated: whoever moves them gives them back soon. */
	if (!error && surplus > 0 && count == 0)
		thread_sleep_ns(VIRTIO_BALLOON_ISOLATED_NS);
	return error;
}

/* ---- migration ---- */

static int page_send(struct virtio_balloon *balloon, struct virtio_queue *queue,
		     const struct page *page)
{
	return virtio_balloon_arrays_send(balloon, queue,
					  virtio_balloon_arrays_fill_page(balloon, page));
}

/*
 * The host gets destination, then gives source back (V-T6). When it does not acknowledge,
 * nobody knows what it has: source stays in the balloon, destination is kept, and the reset
 * that follows ends both loans.
 */
static int swap(struct virtio_balloon *balloon, struct page *destination, struct page *source)
{
	int error = page_send(balloon, balloon->inflate, destination);

	HOOK(virtio_balloon_inflated);
	if (!error)
		error = page_send(balloon, balloon->deflate, source);
	if (error) {
		page_get(destination);
		list_add_tail(&balloon->limbo, &destination->list);
		virtio_balloon_tell_broken(balloon);
	}
	return error;
}

int virtio_balloon_migrate(struct balloon_device *core, struct page *destination,
			   struct page *source)
{
	struct virtio_balloon *balloon = container_of(core, struct virtio_balloon, core);
	int error = -EAGAIN;

	/* Its holder may be waiting for the memory that this is to free (V-T5). */
	if (!mutex_trylock(&balloon->lock))
		return -EAGAIN;
	if (balloon->ready)
		error = swap(balloon, destination, source);
	mutex_unlock(&balloon->lock);
	return error;
}

// SPDX-License-Identifier: MIT
/*
 * Page numbers on their way to the host: up to 128 arrays of 256 numbers are published with one
 * notification, one descriptor each, and one interrupt says that the host has used them all.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <mm/folio.h>
#include <platform/clock.h>

#define ARRAY_BYTES (VIRTIO_BALLOON_ARRAY * sizeof(struct ring32))

int virtio_balloon_arrays_alloc(struct virtio_balloon *balloon)
{
	unsigned order = log2_ceil(VIRTIO_BALLOON_ARRAYS_MAX * ARRAY_BYTES / PAGE_SIZE) + 1;

	while (!balloon->arrays && order-- > 0)
		balloon->arrays = folio_alloc(NODE_ANY, order, FOLIO_NOWARN, NULL);
	if (!balloon->arrays)
		return -ENOMEM;
	balloon->nr_arrays = (unsigned)(folio_size(balloon->arrays) / ARRAY_BYTES);
	return 0;
}

static struct ring32 *array_at(const struct virtio_balloon *balloon, unsigned nr)
{
	return (struct ring32 *)folio_address(balloon->arrays) + nr * VIRTIO_BALLOON_ARRAY;
}

uint64_t virtio_balloon_batch_units(const struct virtio_balloon *balloon,
				    const struct virtio_queue *queue)
{
	return (uint64_t)MIN(balloon->nr_arrays, queue->ring.layout.size) *
	       VIRTIO_BALLOON_ARRAY;
}

/* Write the unit numbers of an entry; where the next ones go. */
static inline struct ring32 *entry_fill(struct ring32 *out, const struct page *page)
{
	uint64_t left = balloon_entry_pages(page) * VIRTIO_BALLOON_UNITS_PER_PAGE;
	uint64_t unit = page_to_pfn(page).nr * VIRTIO_BALLOON_UNITS_PER_PAGE;

	ring32_store(out++, (uint32_t)unit);
	while (UNLIKELY(--left))
		ring32_store(out++, (uint32_t)++unit);
	return out;
}

uint64_t virtio_balloon_arrays_fill(struct virtio_balloon *balloon,
				    const struct list_head *entries)
{
	struct ring32 *start = array_at(balloon, 0);
	struct ring32 *out = start;
	const struct page *page;

	list_for_each_entry (page, entries, list)
		out = entry_fill(out, page);
	return (uint64_t)(out - start);
}

uint64_t virtio_balloon_arrays_fill_page(struct virtio_balloon *balloon,
					 const struct page *page)
{
	struct ring32 *start = array_at(balloon, 0);

	return (uint64_t)(entry_fill(start, page) - start);
}

static int arrays_add(struct virtio_balloon *balloon, struct virtio_queue *queue,
		      uint64_t units)
{
	for (unsigned nr = 0; units > 0; nr++) {
		uint64_t here = MIN(units, VIRTIO_BALLOON_ARRAY);
		struct virtqueue_piece piece = {
			.start = virt_to_phys(array_at(balloon, nr)),
			.length = (uint32_t)(here * sizeof(struct ring32)),
		};
		int error = virtqueue_add(&queue->ring, &piece, 1, 0, array_at(balloon, nr));

		if (error)
			return error;
		units -= here;
	}
	return 0;
}

/* Sleep until the device has used everything that is out, as far as its index tells. */
static int used_wait(struct virtio_balloon *balloon, struct virtio_queue *queue)
{
	unsigned count = queue->ring.outstanding;
	uint64_t deadline = wait_deadline(balloon->patience_ns);
	struct irq_state irq;
	int error = 0;

	if (virtqueue_arm(&queue->ring, count))
		return 0;
	HOOK(virtio_balloon_waits);
	irq = wait_queue_lock(&balloon->news);
	while (virtqueue_pending(&queue->ring) < count && !error)
		if (balloon->config_news && virtio_device_needs_reset(balloon->device))
			error = -EIO;
		else
			error = wait_queue_sleep(&balloon->news, &irq, deadline);
	wait_queue_unlock(&balloon->news, irq);
	/* What was used while the time ran out has only its interrupt still to come. */
	return virtqueue_pending(&queue->ring) < count ? error : 0;
}

static int used_take(struct virtio_queue *queue)
{
	uint32_t written;

	while (virtqueue_take(&queue->ring, &written))
		;
	return virtqueue_is_broken(&queue->ring) || queue->ring.outstanding ? -EIO : 0;
}

static int send(struct virtio_balloon *balloon, struct virtio_queue *queue, uint64_t units)
{
	int error = arrays_add(balloon, queue, units);

	if (error)
		return error;
	virtqueue_kick(&queue->ring);
	error = used_wait(balloon, queue);
	if (error == -ETIMEDOUT)
		log_error("balloon: %s: %s of %u pages not acknowledged within %u ms",
			  balloon->device->name,
			  queue == balloon->inflate ? "inflate" : "deflate", (unsigned)units,
			  (unsigned)(balloon->patience_ns / NSEC_PER_MSEC));
	if (!error)
		error = used_take(queue);
	virtqueue_disarm(&queue->ring);
	return error;
}

int virtio_balloon_arrays_send(struct virtio_balloon *balloon, struct virtio_queue *queue,
			       uint64_t units)
{
	int error = send(balloon, queue, units);

	/* Late it may still read the arrays, and would take what the next one wrote there for
	 * an answer to this one: a page that is free again for one to inflate. */
	if (error)
		balloon->ready = false;
	return error;
}

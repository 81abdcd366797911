// SPDX-License-Identifier: MIT
/*
 * Blocks go to the device as buffers it may write to, one descriptor each, and are the guest's
 * again once all were used. A device that does not use them is reset before any of them is used
 * for something else; one that does not even reset keeps them for ever.
 *
 * Two threads: page reporting's is in report(), the balloon's resets. Who reports holds `lock`
 * while buffers are out; the other asks it to leave first.
 */
#include <drivers/balloon/virtio_hinting.h>
#include <drivers/balloon/virtio_reporting.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <platform/clock.h>

static struct virtio_reporting *reporting_of(struct page_reporting_device *device)
{
	return container_of(device, struct virtio_reporting, device);
}

/*
 * Poison is taken only by a guest that writes a value into free pages (V-T14). One whose free
 * pages keep a value may not report to a device that knows nothing of the value (V-T15).
 */
uint64_t virtio_reporting_refused(uint64_t offered)
{
	if (!page_reporting_free_keeps_value)
		return VIRTIO_BALLOON_F_POISON;
	return offered & VIRTIO_BALLOON_F_POISON ? 0 : VIRTIO_BALLOON_F_REPORTING;
}

int virtio_reporting_tell_value(struct virtio_reporting *reporting)
{
	int error;

	if (!virtio_has_feature(reporting->virtio, VIRTIO_BALLOON_F_POISON))
		return 0;
	error = virtio_config_write32(reporting->virtio, VIRTIO_BALLOON_CONFIG_POISON,
				      page_reporting_free_value);
	if (error)
		log_error("balloon: %s: offers page poison, but no field for the value (error "
			  "%d): not driven, offer neither or both",
			  reporting->virtio->name, error);
	return error;
}

/* ---- the queue, in the reporting thread ---- */

/* No chain is longer than its queue. */
static unsigned blocks_per_buffer(const struct virtqueue *ring)
{
	return MIN(MAX(ring->layout.indirect_entries, 1), ring->layout.size);
}

static int blocks_add(struct virtio_reporting *reporting, const struct phys *blocks,
		      unsigned count)
{
	struct virtqueue *ring = &reporting->queue->ring;
	unsigned most = blocks_per_buffer(ring);

	for (unsigned at = 0; at < count;) {
		struct virtqueue_piece pieces[VIRTIO_REPORTING_PIECES];
		unsigned n = 0;
		int error;

		for (; n < most && at < count; n++, at++)
			pieces[n] = (struct virtqueue_piece){blocks[at], PAGE_REPORTING_BLOCK};
		error = virtqueue_add(ring, pieces, 0, n, reporting);
		if (error)
			return error;
	}
	return 0;
}

static int used_wait(struct virtio_reporting *reporting)
{
	struct virtqueue *ring = &reporting->queue->ring;
	unsigned count = ring->outstanding;
	uint64_t deadline = wait_deadline(reporting->patience_ns);
	struct irq_state irq;
	int error = 0;

	if (virtqueue_arm(ring, count))
		return 0;
	irq = wait_queue_lock(&reporting->news);
	while (virtqueue_pending(ring) < count && !error)
		error = reporting->leave ? -EIO
					 : wait_queue_sleep(&reporting->news, &irq, deadline);
	wait_queue_unlock(&reporting->news, irq);
	/* What was used while the time ran out has only its interrupt still to come. */
	return virtqueue_pending(ring) < count ? error : 0;
}

static int used_take(struct virtqueue *ring)
{
	uint32_t written;

	while (virtqueue_take(ring, &written))
		;
	return virtqueue_is_broken(ring) || ring->outstanding ? -EIO : 0;
}

static int blocks_send(struct virtio_reporting *reporting, const struct phys *blocks,
		       unsigned count)
{
	struct virtqueue *ring = &reporting->queue->ring;
	int error = blocks_add(reporting, blocks, count);

	if (error)
		return error;
	virtqueue_kick(ring);
	error = used_wait(reporting);
	if (error == -ETIMEDOUT)
		log_error("balloon: %s: report of %u free blocks not acknowledged within %u ms",
			  reporting->virtio->name, count,
			  (unsigned)(reporting->patience_ns / NSEC_PER_MSEC));
	if (!error)
		error = used_take(ring);
	virtqueue_disarm(ring);
	return error;
}

/* What is in the queue is the device's until it was reset. */
static int reset_wait(struct virtio_reporting *reporting, uint64_t resets)
{
	uint64_t deadline = wait_deadline(2 * reporting->patience_ns);
	struct irq_state irq = wait_queue_lock(&reporting->news);
	int error = 0;

	while (reporting->resets == resets && !error)
		error = wait_queue_sleep(&reporting->news, &irq, deadline);
	if (reporting->stuck)
		error = -ETIMEDOUT;
	wait_queue_unlock(&reporting->news, irq);
	return error ? -EOWNERDEAD : -EIO;
}

static int report(struct page_reporting_device *device, const struct phys *blocks,
		  unsigned count)
{
	struct virtio_reporting *reporting = reporting_of(device);
	struct irq_state irq;
	uint64_t resets;
	int error;

	mutex_lock(&reporting->lock);
	error = reporting->queue ? blocks_send(reporting, blocks, count) : -ENODEV;
	irq = wait_queue_lock(&reporting->news);
	resets = reporting->resets;
	reporting->failed |= error && reporting->queue;
	wait_queue_unlock(&reporting->news, irq);
	if (!error || !reporting->queue) {
		mutex_unlock(&reporting->lock);
		return error;
	}
	mutex_unlock(&reporting->lock);
	reporting->complain(reporting->virtio);
	return reset_wait(reporting, resets);
}

void virtio_reporting_used(struct virtio_reporting *reporting)
{
	struct irq_state irq = wait_queue_lock(&reporting->news);

	wait_queue_wake_all(&reporting->news);
	wait_queue_unlock(&reporting->news, irq);
}

/* ---- the balloon's thread ---- */

static void news_change(struct virtio_reporting *reporting, bool leave)
{
	struct irq_state irq = wait_queue_lock(&reporting->news);

	reporting->leave = leave;
	wait_queue_wake_all(&reporting->news);
	wait_queue_unlock(&reporting->news, irq);
}

bool virtio_reporting_failed(struct virtio_reporting *reporting)
{
	struct irq_state irq = wait_queue_lock(&reporting->news);
	bool failed = reporting->failed;

	wait_queue_unlock(&reporting->news, irq);
	return failed;
}

void virtio_reporting_hold(struct virtio_reporting *reporting)
{
	news_change(reporting, true);
	mutex_lock(&reporting->lock);
}

void virtio_reporting_detach(struct virtio_reporting *reporting)
{
	if (!reporting->queue)
		return;
	while (virtqueue_detach(&reporting->queue->ring))
		;
}

void virtio_reporting_resume(struct virtio_reporting *reporting, bool stuck, bool usable)
{
	struct irq_state irq;

	if (!usable)
		reporting->queue = NULL;
	/* Before anybody reports again: what fails from now on is out until the next reset. */
	irq = wait_queue_lock(&reporting->news);
	reporting->leave = reporting->failed = false;
	reporting->stuck |= stuck;
	reporting->resets++;
	wait_queue_wake_all(&reporting->news);
	wait_queue_unlock(&reporting->news, irq);
	mutex_unlock(&reporting->lock);
	HOOK(virtio_reporting_resumed);
}

/* ---- start and end ---- */

void virtio_reporting_init(struct virtio_reporting *reporting, struct virtio_device *virtio,
			   uint64_t patience_ns, void (*complain)(struct virtio_device *))
{
	reporting->virtio = virtio;
	reporting->patience_ns = patience_ns;
	reporting->complain = complain;
	mutex_init(&reporting->lock);
	wait_queue_init(&reporting->news);
}

int virtio_reporting_queue(struct virtio_reporting *reporting,
			   void (*callback)(struct virtio_queue *))
{
	struct virtio_queue_request request = {
		.index = VIRTIO_BALLOON_QUEUE_REPORTING,
		.size = PAGE_REPORTING_BATCH,
		.indirect_entries = VIRTIO_REPORTING_PIECES,
		.callback = callback,
	};
	unsigned first = VIRTIO_BALLOON_QUEUE_REPORTING_FIRST;
	int error = -ENODEV;

	reporting->queue = NULL;
	HOOK(virtio_reporting_queue);
	if (!virtio_has_feature(reporting->virtio, VIRTIO_BALLOON_F_REPORTING))
		return 0;
	/* Before it come the queues of other features. */
	first += virtio_has_feature(reporting->virtio, VIRTIO_BALLOON_F_STATS);
	first += virtio_has_feature(reporting->virtio, VIRTIO_BALLOON_F_HINTING);
	while ((error == -ENODEV || error == -EBUSY) && request.index >= first) {
		error = virtio_queue_create(reporting->virtio, &request, &reporting->queue);
		request.index--;
	}
	if (error != -ENODEV && error != -EBUSY)
		return error;
	log_warn("balloon: %s: offers free page reporting, but no queue for it: not used",
		 reporting->virtio->name);
	return 0;
}

/* Blocks that go at once; 0 without a queue. */
static unsigned capacity(struct virtio_reporting *reporting)
{
	const struct virtqueue *ring;
	unsigned blocks = 0;

	/* The balloon's thread may be resetting the device already. */
	mutex_lock(&reporting->lock);
	if (reporting->queue) {
		ring = &reporting->queue->ring;
		blocks = MIN(ring->layout.size * blocks_per_buffer(ring), PAGE_REPORTING_BATCH);
	}
	mutex_unlock(&reporting->lock);
	return blocks;
}

void virtio_reporting_start(struct virtio_reporting *reporting)
{
	int error;

	reporting->device.capacity = capacity(reporting);
	if (!reporting->device.capacity)
		return;
	reporting->device.name = reporting->virtio->name;
	reporting->device.report = report;
	reporting->device.keeps_value =
		virtio_has_feature(reporting->virtio, VIRTIO_BALLOON_F_POISON);
	error = page_reporting_register(&reporting->device);
	reporting->registered = error == 0;
	if (error)
		log_warn("balloon: %s: free memory is not reported (error %d)%s",
			 reporting->virtio->name, error,
			 error == -EBUSY ? ": another device does it" : "");
}

void virtio_reporting_stop(struct virtio_reporting *reporting)
{
	if (reporting->registered)
		page_reporting_unregister(&reporting->device);
	reporting->registered = false;
}

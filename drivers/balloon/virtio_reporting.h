// SPDX-License-Identifier: MIT
/*
 * Free page reporting of a virtio balloon: its queue, which the page reporting thread fills,
 * and the balloon's thread, which resets the device when it does not behave. The balloon's
 * driver calls these; nobody else includes this.
 */
#ifndef DRIVERS_BALLOON_VIRTIO_REPORTING_H
#define DRIVERS_BALLOON_VIRTIO_REPORTING_H

#include <drivers/virtio/virtio.h>
#include <kernel/mutex.h>
#include <mm/page_reporting.h>

#define VIRTIO_BALLOON_F_STATS     BIT64(1)
#define VIRTIO_BALLOON_F_POISON    BIT64(4)
#define VIRTIO_BALLOON_F_REPORTING BIT64(5)

#define VIRTIO_BALLOON_CONFIG_POISON 12u /* what free pages contain, four bytes of it */

/* Devices number their queues without gaps, so the place depends on which others they have. */
#define VIRTIO_BALLOON_QUEUE_REPORTING       4u
#define VIRTIO_BALLOON_QUEUE_REPORTING_FIRST 2u

/* One descriptor per block; with indirect tables so many blocks share an entry of the ring,
 * which is short (QEMU: 32); fewer where the ring is shorter than that (2.7.5.3.1). */
#define VIRTIO_REPORTING_PIECES 16u

/* Fields: R under `lock`; Q under news.lock; others fixed. */
struct virtio_reporting {
	struct page_reporting_device device;
	struct virtio_device *virtio;
	uint64_t patience_ns;
	/* Ask the balloon's thread to reset the device. */
	void (*complain)(struct virtio_device *virtio);
	struct mutex lock;
	struct virtio_queue *queue; /* R; NULL: the device has none, or is given up */
	bool registered;            /* probe and remove only */

	struct wait_queue news;
	bool leave;      /* Q: a reset is wanted, leave the queue alone */
	bool failed;     /* Q: a report failed, blocks may be in the queue */
	bool stuck;      /* Q: the device did not reset */
	uint64_t resets; /* Q: finished */
};

void virtio_reporting_init(struct virtio_reporting *reporting, struct virtio_device *virtio,
			   uint64_t patience_ns, void (*complain)(struct virtio_device *));

/* Before the device is ready: the value of free pages, if it was negotiated. */
int virtio_reporting_tell_value(struct virtio_reporting *reporting) MUST_CHECK;
/* Before the device is ready: find and create the queue, if reporting was negotiated. A device
 * that has none in spite of that is driven without. */
int virtio_reporting_queue(struct virtio_reporting *reporting,
			   void (*callback)(struct virtio_queue *)) MUST_CHECK;
/* What callback() does: the queue has news. Interrupt context. */
void virtio_reporting_used(struct virtio_reporting *reporting);

/* When everything runs: register with mm. Not an error when another device reports. */
void virtio_reporting_start(struct virtio_reporting *reporting);
/* First thing of the end; the balloon's thread still runs. */
void virtio_reporting_stop(struct virtio_reporting *reporting);

/* Did a report fail, so that the device must be reset? */
bool virtio_reporting_failed(struct virtio_reporting *reporting);

/* Around a reset: nobody is in the queue; then what was in it is taken out; what came of it. */
void virtio_reporting_hold(struct virtio_reporting *reporting) ACQUIRE(&reporting->lock);
void virtio_reporting_detach(struct virtio_reporting *reporting);
void virtio_reporting_resume(struct virtio_reporting *reporting, bool stuck, bool usable)
	RELEASE(&reporting->lock);

/* Features to leave alone of an offer: what the guest cannot keep to. */
uint64_t virtio_reporting_refused(uint64_t offered);

#endif

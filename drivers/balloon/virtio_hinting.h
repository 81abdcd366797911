// SPDX-License-Identifier: MIT
/*
 * Free page hinting of a virtio balloon (spec-balloon B5): during a live migration the host
 * asks for free memory that it need not send. The blocks stay with the hinting thread until the
 * host is done, or memory is short. The balloon's driver calls these; nobody else includes this
 * but reports.
 */
#ifndef DRIVERS_BALLOON_VIRTIO_HINTING_H
#define DRIVERS_BALLOON_VIRTIO_HINTING_H

#include <drivers/virtio/virtio.h>
#include <kernel/lock.h>
#include <kernel/mutex.h>
#include <mm/shrinker.h>

#define VIRTIO_BALLOON_F_HINTING BIT64(3)

/* Command id of the host: one of these two, or run with that id. */
#define VIRTIO_BALLOON_CONFIG_HINTING 8u
#define VIRTIO_HINTING_STOP           0u /* send no more, hold what was sent */
#define VIRTIO_HINTING_DONE           1u /* release all */

#define VIRTIO_BALLOON_QUEUE_HINTING       3u
/* Devices number their queues without gaps: its place beside one without statistics. */
#define VIRTIO_BALLOON_QUEUE_HINTING_FIRST 2u

#define VIRTIO_HINTING_SIZE      256u /* entries of the ring, if the device has as many */
/* Blocks the host has not used yet, at most: nobody can have them back meanwhile. */
#define VIRTIO_HINTING_IN_FLIGHT 64u

/* Fields: R under `lock`; B under blocks_lock; Q under news.lock; others fixed. */
struct virtio_hinting {
	struct virtio_device *virtio;
	uint64_t patience_ns;
	/* Ask the balloon's thread to reset the device. */
	void (*complain)(struct virtio_device *virtio);
	struct thread *thread;     /* NULL: no hinting with this device */
	struct shrinker *shrinker; /* the same */

	struct mutex lock;
	struct virtio_queue *queue; /* R; NULL: the device has none, or is given up */
	struct ring32 start_word;   /* R: ids on their way, where the device reads them */
	struct ring32 stop_word;    /* R */
	uint32_t wanted;            /* R: id as last read */
	uint32_t followed;          /* R: the last one that was acted on */
	unsigned order;             /* R: of the next block */
	uint64_t silence_told;      /* R: when the message was given, 0 never */

	struct spin_lock blocks_lock;
	struct list_head blocks; /* B: used by the host, largest first */

	/* For reports, which are content with what they see; base pages. */
	_Atomic uint64_t held;     /* in `blocks` */
	_Atomic uint64_t hinted;   /* sent since boot */
	_Atomic uint64_t returned; /* taken back because memory was short */
	_Atomic uint64_t runs;
	_Atomic bool pressed; /* memory was short during the run: no more of it */

	struct wait_queue news;
	bool config_news; /* Q: the id may have changed */
	bool used_news;   /* Q: the host used buffers */
	bool leave;       /* Q: a reset is wanted, leave the queue alone */
	bool failed;      /* Q: the queue broke */
	bool stopping;    /* Q */
};

void virtio_hinting_init(struct virtio_hinting *hinting, struct virtio_device *virtio,
			 uint64_t patience_ns, void (*complain)(struct virtio_device *));

/* Before the device is ready: create the queue, if hinting was negotiated. -EINVAL: one too
 * short for an id and a block. A device that has no queue is driven without. */
int virtio_hinting_queue(struct virtio_hinting *hinting,
			 void (*callback)(struct virtio_queue *)) MUST_CHECK;
/* Interrupt context: the queue, the configuration has news. */
void virtio_hinting_used(struct virtio_hinting *hinting);
void virtio_hinting_config_changed(struct virtio_hinting *hinting);

/* When everything runs. Without memory for it there is a message, and no hinting. */
void virtio_hinting_start(struct virtio_hinting *hinting);
/* First thing of the end; the balloon's thread still runs. Blocks stay for detach. */
void virtio_hinting_stop(struct virtio_hinting *hinting);

/* Did the queue break, so that the device must be reset? */
bool virtio_hinting_failed(struct virtio_hinting *hinting);

/* Around a reset: nobody is in the queue; then every block is free again; what came of it. */
void virtio_hinting_hold(struct virtio_hinting *hinting) ACQUIRE(&hinting->lock);
void virtio_hinting_detach(struct virtio_hinting *hinting);
void virtio_hinting_resume(struct virtio_hinting *hinting, bool usable) RELEASE(&hinting->lock);

#endif

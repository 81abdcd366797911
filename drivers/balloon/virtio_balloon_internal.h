// SPDX-License-Identifier: MIT
/*
 * What the files of the virtio balloon call of each other; nobody else includes it. Thread
 * context unless said; "the thread" is the device's own.
 */
#ifndef DRIVERS_BALLOON_VIRTIO_BALLOON_INTERNAL_H
#define DRIVERS_BALLOON_VIRTIO_BALLOON_INTERNAL_H

#include <drivers/balloon/virtio_balloon.h>

/* News. Wake the thread; `config`: the configuration may have changed. Any context. */
void virtio_balloon_wake(struct virtio_balloon *balloon, bool config);
/* A migration met a device that does not behave: the thread resets it. */
void virtio_balloon_tell_broken(struct virtio_balloon *balloon);
/* The device may want statistics. Any context. */
void virtio_balloon_tell_stats(struct virtio_balloon *balloon);
/* True once for each time it was said. */
bool virtio_balloon_take_config_news(struct virtio_balloon *balloon);
bool virtio_balloon_take_stats_news(struct virtio_balloon *balloon);
bool virtio_balloon_take_broken(struct virtio_balloon *balloon);
void virtio_balloon_forget_news(struct virtio_balloon *balloon);
bool virtio_balloon_is_stopping(struct virtio_balloon *balloon);
/* Sleep until there is news or the deadline came; false when the device goes away. */
bool virtio_balloon_wait(struct virtio_balloon *balloon, uint64_t deadline);

/* Arrays. Room for as many as one block of memory gives; one page holds four. */
int virtio_balloon_arrays_alloc(struct virtio_balloon *balloon) MUST_CHECK;
/* Units that fit one batch on this queue. */
uint64_t virtio_balloon_batch_units(const struct virtio_balloon *balloon,
				    const struct virtio_queue *queue);
/* Write the unit numbers of entries in their order, at most a batch, or of a base page; the
 * count. With the device's lock, as is sending. */
uint64_t virtio_balloon_arrays_fill(struct virtio_balloon *balloon,
				    const struct list_head *entries);
uint64_t virtio_balloon_arrays_fill_page(struct virtio_balloon *balloon,
					 const struct page *page);
/* Tell the host of that many units in the arrays and wait until it has heard. -EIO for a device
 * that broke, -ETIMEDOUT after its patience: then the host may have the pages and look at the
 * arrays; only a reset ends that, and until then the balloon is not ready. */
int virtio_balloon_arrays_send(struct virtio_balloon *balloon, struct virtio_queue *queue,
			       uint64_t units) MUST_CHECK;

/* Pages. Base pages that may be taken now so that the reserve stays free. */
uint64_t virtio_balloon_room(struct virtio_balloon *balloon);
/* The thread moves up to `units`, or down to `target`, at most one batch; errors as sending. */
int virtio_balloon_inflate_step(struct virtio_balloon *balloon, uint64_t units) MUST_CHECK;
int virtio_balloon_deflate_step(struct virtio_balloon *balloon, uint64_t target) MUST_CHECK;
/* With the device's lock: up to `units` leave the balloon and the host has heard of it: into
 * *count and `entries`, for the caller to free without the lock. Errors as sending; all stay in
 * the balloon then. */
int virtio_balloon_take_back(struct virtio_balloon *balloon, uint64_t units,
			     struct list_head *entries, uint64_t *count)
	REQUIRES(&balloon->lock) MUST_CHECK;
balloon_migrate_fn virtio_balloon_migrate;

/* Statistics. Create the queue if it was negotiated; a device that has none is driven without.
 */
int virtio_balloon_stats_queue(struct virtio_balloon *balloon) MUST_CHECK;
/* Give the device fresh figures: when it is ready, and when it used the last ones. */
int virtio_balloon_stats_offer(struct virtio_balloon *balloon) MUST_CHECK;
int virtio_balloon_stats_answer(struct virtio_balloon *balloon) MUST_CHECK;
/* After a reset. */
void virtio_balloon_stats_detach(struct virtio_balloon *balloon);

/* Target. Move towards it until it is reached, memory is short or the device breaks. */
int virtio_balloon_resize(struct virtio_balloon *balloon) MUST_CHECK;
void virtio_balloon_write_actual(struct virtio_balloon *balloon);
/* The host shall have more, as far as need allows. */
bool virtio_balloon_wants_more(const struct virtio_balloon *balloon);
/* Base pages of the guest, those in this balloon among them. */
uint64_t virtio_balloon_guest_pages(struct virtio_balloon *balloon);
/* A message that a host can provoke at will may be given now; `last`: when it was, 0 never. */
bool virtio_balloon_may_complain(uint64_t *last);

/* Need. Help requests that would fail, if the device allows it; thread context, no lock. */
void virtio_balloon_oom_start(struct virtio_balloon *balloon);
void virtio_balloon_oom_stop(struct virtio_balloon *balloon);

#endif

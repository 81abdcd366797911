// SPDX-License-Identifier: MIT
/*
 * Virtio balloon (device type 5): the device side of mm/balloon. One thread per device follows
 * the host's target. Here is what the tests and the shell command see; nobody else includes it.
 */
#ifndef DRIVERS_BALLOON_VIRTIO_BALLOON_H
#define DRIVERS_BALLOON_VIRTIO_BALLOON_H

#include <drivers/balloon/virtio_hinting.h>
#include <drivers/balloon/virtio_reporting.h>
#include <drivers/virtio/virtio.h>
#include <kernel/mutex.h>
#include <mm/balloon.h>
#include <mm/reclaim.h>

#define VIRTIO_BALLOON_F_MUST_TELL_HOST BIT64(0)
#define VIRTIO_BALLOON_F_DEFLATE_ON_OOM BIT64(2)

#define VIRTIO_BALLOON_CONFIG_TARGET 0u /* units the host wants */
#define VIRTIO_BALLOON_CONFIG_ACTUAL 4u /* units the host shall have */

#define VIRTIO_BALLOON_QUEUE_INFLATE 0u
#define VIRTIO_BALLOON_QUEUE_DEFLATE 1u
#define VIRTIO_BALLOON_QUEUE_STATS   2u

/* The host counts in units of 4 KiB whatever the guest's page size. */
#define VIRTIO_BALLOON_UNIT_SHIFT     12
#define VIRTIO_BALLOON_UNITS_PER_PAGE (1u << (PAGE_SHIFT - VIRTIO_BALLOON_UNIT_SHIFT))

/* Unit numbers in one buffer (a device may refuse more), and buffers for one notification. */
#define VIRTIO_BALLOON_ARRAY      256u
#define VIRTIO_BALLOON_ARRAYS_MAX 128u

/* A statistic is a 16-bit tag and a 64-bit value, packed, little-endian. */
#define VIRTIO_BALLOON_STATS_TAGS  16u
#define VIRTIO_BALLOON_STATS_ENTRY 10u

#define VIRTIO_BALLOON_RETRY_NS    UINT64_C(200000000)   /* after an allocation failed */
#define VIRTIO_BALLOON_REPORT_NS   UINT64_C(250000000)   /* between two writes of `actual` */
#define VIRTIO_BALLOON_ISOLATED_NS UINT64_C(1000000)     /* between looks for isolated pages */
#define VIRTIO_BALLOON_QUIET_NS    UINT64_C(10000000000) /* between two messages of a kind */
#define VIRTIO_BALLOON_PATIENCE_NS UINT64_C(30000000000) /* for the host to acknowledge */
#define VIRTIO_BALLOON_RECOVERIES  16u /* resets before the device is given up */

/* Given back to a request that would fail, and how long that waits for the device's lock. */
#define VIRTIO_BALLOON_OOM_UNITS   256u
#define VIRTIO_BALLOON_OOM_WAIT_NS UINT64_C(1000000000)

/* Fields: M under `lock`; Q under news.lock; T only the device's thread; others fixed. */
struct virtio_balloon {
	struct virtio_device *device;
	struct balloon_device core;
	struct virtio_queue *inflate; /* M */
	struct virtio_queue *deflate; /* M */
	struct folio *arrays;         /* M: contents; nr_arrays buffers of unit numbers */
	unsigned nr_arrays;
	uint64_t patience_ns;
	uint64_t retry_ns;
	struct thread *thread;
	struct list_head link; /* virtio_balloons, under virtio_balloons_lock */

	struct mutex lock;      /* pages on their way to or from the host */
	bool ready;             /* M: the queues work, and no array is still out */
	struct list_head limbo; /* M: pages the host may have, but no list: until the reset */

	struct virtio_reporting reporting;
	struct virtio_hinting hinting;

	struct oom_hook oom;
	bool helps_in_need; /* `oom` is registered */
	/* M for writing: pages were given in need, nothing is inflated until the target moves;
	 * how many units since boot. */
	_Atomic bool yielded;
	_Atomic uint64_t given_in_need;
	uint64_t
		need_told; /* when a message was given last, 0 never; one hook runs at a time */
	struct virtio_queue *stats; /* T; NULL: the device has none */
	/* T, while the device does not have them */
	uint8_t stats_entries[VIRTIO_BALLOON_STATS_TAGS * VIRTIO_BALLOON_STATS_ENTRY];

	struct wait_queue news;
	bool config_news; /* Q: the target may have moved */
	bool stats_news;  /* Q: the device may want statistics */
	bool broken;      /* Q: a migration met a device that does not behave */
	bool stopping;    /* Q */

	/* T, but for reports, which are content with what they see. All in units of the host.
	 */
	_Atomic uint64_t size;       /* lent to the host, or on the way */
	_Atomic uint32_t wanted;     /* target as the host gave it */
	_Atomic uint64_t target;     /* rounded and bounded */
	_Atomic uint64_t actual;     /* last written, or about to be */
	_Atomic uint64_t shortages;  /* steps that got fewer pages than they wanted */
	_Atomic unsigned recoveries; /* resets of the device since it was probed */
	_Atomic bool dead;           /* the device was given up */
	_Atomic uint64_t retry_at;   /* no inflation before */
	uint64_t actual_at;          /* T: when it was written */
	uint64_t shortage_told;      /* T: when messages were given last, 0 never */
	uint64_t absurd_told;        /* T */
};

extern struct mutex virtio_balloons_lock;
extern struct list_head virtio_balloons;

/* Units rounded up to whole guest pages, so that inflate and deflate do not alternate (V-T3).
 */
uint64_t virtio_balloon_round(uint64_t units, unsigned units_per_page);

#endif

// SPDX-License-Identifier: MIT
/*
 * Driver side of a split virtqueue. A buffer is a chain of memory pieces, those the device
 * reads first; it goes out with a cookie and comes back exactly once, through virtqueue_take()
 * or, after the device was reset, through virtqueue_detach(). Nothing the device writes is
 * trusted: a used entry that cannot be true marks the queue broken, with a message, and from
 * then on the queue gives nothing out and takes nothing in until the device was reset.
 *
 * No locks inside: the driver serialises all calls on one queue; its interrupt handler only
 * wakes.
 */
#ifndef DRIVERS_VIRTIO_VIRTQUEUE_H
#define DRIVERS_VIRTIO_VIRTQUEUE_H

#include <drivers/virtio/ring.h>
#include <kernel/attributes.h>
#include <platform/types.h>

/* Entries; the format allows 32768, more than this is never asked for. */
#define VIRTQUEUE_SIZE_MAX  1024u
/* Pieces of one buffer. */
#define VIRTQUEUE_CHAIN_MAX 64u

struct virtqueue_piece {
	struct phys start;
	uint32_t length; /* bytes, not 0 */
};

struct virtqueue_layout {
	const char *device; /* names for messages, live as long as the queue */
	unsigned index;
	unsigned size;             /* a power of two, 1 to VIRTQUEUE_SIZE_MAX */
	unsigned indirect_entries; /* per buffer, 0 to VIRTQUEUE_CHAIN_MAX; 0: no tables */
	bool event_index;
};

/* What we remember about a descriptor; the shared copy may be scribbled over by the device. */
struct virtqueue_slot {
	void *cookie;      /* not NULL: head of a buffer that is with the device */
	uint32_t writable; /* bytes the device may write */
	uint32_t total;    /* bytes of the whole buffer */
	uint16_t next;     /* of the chain, or of the free list */
	uint16_t count;    /* descriptors in use by the buffer */
	uint64_t round;    /* of the kick that published, or will publish, the buffer */
};

struct virtqueue {
	struct virtqueue_layout layout;
	struct ring_descriptor *descriptors;
	struct ring_available *available;
	struct ring_used *used;
	struct ring_descriptor *tables; /* layout.size tables of indirect_entries, or NULL */
	struct virtqueue_slot *slots;
	uint16_t free_head;
	uint16_t free_count;  /* descriptors */
	uint16_t next_index;  /* available index once all that was added is published */
	uint16_t published;   /* available index the device may see */
	uint16_t taken;       /* used index up to which we looked */
	uint16_t outstanding; /* buffers added and not yet taken */
	bool broken;
	uint64_t round; /* publications so far */
	uint64_t kicks; /* notifications sent, for reports */
	/* Tell the device to look; not NULL before the first kick. */
	void (*notify)(struct virtqueue *vq);
	void *notify_arg;
};

/* Bytes of shared memory and of private slots a layout needs. */
size_t virtqueue_memory_size(const struct virtqueue_layout *layout);
size_t virtqueue_slots_size(const struct virtqueue_layout *layout);

/* Lay an empty queue out in `memory` (direct map, contiguous, 16-byte aligned, overwritten) and
 * `slots`. 0, or -EINVAL when the layout is out of range. */
int virtqueue_init(struct virtqueue *vq, const struct virtqueue_layout *layout, void *memory,
		   void *slots) MUST_CHECK;

/* Where the device finds the three areas. */
struct phys virtqueue_descriptor_address(const struct virtqueue *vq);
struct phys virtqueue_available_address(const struct virtqueue *vq);
struct phys virtqueue_used_address(const struct virtqueue *vq);

/*
 * Queue a buffer: nr_read pieces the device reads, then nr_write it writes. The device does not
 * see it before virtqueue_kick(). 0; -ENOSPC without room (take used buffers first); -EINVAL
 * for no pieces, an empty piece, too many or more than 4 GiB in all; -EIO when broken. cookie
 * is not NULL.
 */
int virtqueue_add(struct virtqueue *vq, const struct virtqueue_piece *pieces, unsigned nr_read,
		  unsigned nr_write, void *cookie) MUST_CHECK;

/* Publish everything added since the last call; notify the device if it wants to know. True
 * when it was notified. */
bool virtqueue_kick(struct virtqueue *vq);

/*
 * Next used buffer's cookie, or NULL when there is none or the queue broke. *written: bytes the
 * device says it wrote, never more than the buffer's writable part.
 */
void *virtqueue_take(struct virtqueue *vq, uint32_t *written) MUST_CHECK;

/* Used buffers waiting to be taken, as the device says: anything from 0 to 65535. */
unsigned virtqueue_pending(const struct virtqueue *vq);

/*
 * Ask for an interrupt once `count` more buffers are used (1 to outstanding). Without event
 * index any used buffer interrupts. True when that many are waiting already: then do not sleep.
 */
bool virtqueue_arm(struct virtqueue *vq, unsigned count) MUST_CHECK;
/* Ask for none; the device may still send some. */
void virtqueue_disarm(struct virtqueue *vq);

/* After a reset of the device only: any buffer's cookie that was still with it, then NULL. The
 * queue stays unusable until virtqueue_init(). */
void *virtqueue_detach(struct virtqueue *vq) MUST_CHECK;

bool virtqueue_is_broken(const struct virtqueue *vq);

/* First thing wrong with our private state, or NULL. */
const char *virtqueue_check(const struct virtqueue *vq);

#endif

// SPDX-License-Identifier: MIT
/*
 * Device side of a split virtqueue, for tests: it reads what the driver published, copies data
 * in and out, and returns buffers, honestly or not. It believes the driver, which is under
 * test, no more than a real device does: a chain that cannot be is reported as 0 pieces.
 */
#ifndef TESTS_DRIVERS_FAKE_RING_H
#define TESTS_DRIVERS_FAKE_RING_H

#include <drivers/virtio/virtqueue.h>

struct fake_ring {
	struct ring_descriptor *descriptors;
	struct ring_available *available;
	struct ring_used *used;
	unsigned size;
	bool event_index;
	uint16_t seen;     /* available index up to which buffers were taken */
	uint16_t signaled; /* used index at the last interrupt decision */
};

struct fake_chain {
	uint16_t head;
	unsigned nr_read;
	unsigned nr_write;
	struct virtqueue_piece pieces[VIRTQUEUE_CHAIN_MAX]; /* read ones first */
};

void fake_ring_init(struct fake_ring *ring, unsigned size, bool event_index,
		    struct phys descriptors, struct phys available, struct phys used);

/* Next published buffer, its number alone or with its pieces; false when there is none. */
bool fake_ring_pop_head(struct fake_ring *ring, uint16_t *head);
bool fake_ring_pop(struct fake_ring *ring, struct fake_chain *chain);

/* Put an entry into the used ring and publish it. */
void fake_ring_push(struct fake_ring *ring, uint32_t id, uint32_t length);
/* Set the used index to anything. */
void fake_ring_set_used(struct fake_ring *ring, uint16_t index);

/* Would a real device interrupt now? Asked once after a batch of pushes. */
bool fake_ring_interrupts(struct fake_ring *ring);

/* With event index: notify me only once the available index passes `index`. */
void fake_ring_set_notify_event(struct fake_ring *ring, uint16_t index);

#endif

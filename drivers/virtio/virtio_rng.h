// SPDX-License-Identifier: MIT
/*
 * State of an entropy device, for virtio_rng.c and its test.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_RNG_H
#define DRIVERS_VIRTIO_VIRTIO_RNG_H

#include <drivers/virtio/virtio.h>
#include <kernel/work.h>

#define VIRTIO_RNG_BYTES 64u

/* All but `work` belongs to the work's function. */
struct virtio_rng {
	struct virtio_queue *queue;
	struct delayed_work work;
	uint8_t *buffer; /* VIRTIO_RNG_BYTES, zero while the device does not have it */
	bool asked;
};

#endif

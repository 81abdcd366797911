// SPDX-License-Identifier: MIT
/*
 * Virtio entropy source (device type 4): one small buffer, asked for at start and then rarely,
 * because the kernel's generator only needs fresh input now and then. What comes is mixed in
 * and wiped; a device that gives nothing, or the same for ever, does no harm there.
 */
#include <drivers/virtio/virtio_rng.h>

#include <errno.h>
#include <kernel/random.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <platform/memory.h>

#define RNG_REFRESH_NS (300 * NSEC_PER_SEC)

static void ask(struct virtio_rng *rng)
{
	struct virtqueue_piece piece = {virt_to_phys(rng->buffer), VIRTIO_RNG_BYTES};

	/* A queue that broke has said so; without it the other sources remain. */
	rng->asked = virtqueue_add(&rng->queue->ring, &piece, 0, 1, rng->buffer) == 0;
	if (rng->asked && !virtqueue_arm(&rng->queue->ring, 1))
		virtqueue_kick(&rng->queue->ring);
}

static void receive(struct virtio_rng *rng)
{
	uint32_t written;

	if (!virtqueue_take(&rng->queue->ring, &written))
		return;
	rng->asked = false;
	random_feed(rng->buffer, written, written * 8);
	memset(rng->buffer, 0, VIRTIO_RNG_BYTES);
	delayed_work_start(&rng->work, RNG_REFRESH_NS);
}

static void rng_work(struct work *work)
{
	struct virtio_rng *rng = container_of(work, struct virtio_rng, work.work);

	if (rng->asked)
		receive(rng);
	else
		ask(rng);
}

static void queue_used(struct virtio_queue *queue)
{
	struct virtio_rng *rng = queue->device->driver_data;

	delayed_work_start(&rng->work, 0);
}

static void remove(struct virtio_device *device)
{
	struct virtio_rng *rng = device->driver_data;
	int error = virtio_device_quiesce(device);

	delayed_work_cancel_sync(&rng->work);
	if (error)
		return; /* the device may still write to the buffer */
	kfree(rng->buffer);
	kfree(rng);
}

static int probe(struct virtio_device *device)
{
	struct virtio_queue_request request = {.size = 1, .callback = queue_used};
	struct virtio_rng *rng = kzalloc(sizeof(*rng));
	int error;

	if (!rng)
		return -ENOMEM;
	rng->buffer = kzalloc(VIRTIO_RNG_BYTES);
	delayed_work_init(&rng->work, rng_work);
	device->driver_data = rng;
	error = rng->buffer ? virtio_queue_create(device, &request, &rng->queue) : -ENOMEM;
	if (!error)
		error = virtio_device_ready(device);
	if (error)
		remove(device); /* an interrupt may have started the work already */
	else
		delayed_work_start(&rng->work, 0);
	return error;
}

static const struct virtio_driver virtio_rng_driver = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.probe = probe,
	.remove = remove,
};
VIRTIO_DRIVER(rng, virtio_rng_driver);

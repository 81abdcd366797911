// SPDX-License-Identifier: MIT
/*
 * What virtio.c does for every driver: configuration space and queues, against a device made of
 * memory.
 */
#include <drivers/virtio/virtio.h>

#include <errno.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/test.h>

static struct fake_virtio *fake;
static unsigned changes; /* readings of the generation that still differ */

static uint32_t restless_generation(struct virtio_device *device)
{
	(void)device;
	return changes ? changes-- : 0;
}

static void create(void)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	for (unsigned i = 0; i < 8; i++)
		fake->config[i] = (uint8_t)(i + 1);
}

TEST(virtio, fields_beyond_configuration_space_are_refused)
{
	uint64_t wide = 1;
	uint32_t value = 1;

	create();
	fake->device.config_size = 6;
	CHECK_EQ(virtio_config_read32(&fake->device, 0, &value), 0);
	CHECK_EQ(value, 0x04030201);
	CHECK_EQ(virtio_config_read32(&fake->device, 4, &value), -ERANGE);
	CHECK_EQ(value, 0);
	CHECK_EQ(virtio_config_read32(&fake->device, 0xfffffffc, &value), -ERANGE);
	CHECK_EQ(virtio_config_read64(&fake->device, 0, &wide), -ERANGE);
	CHECK_EQ(virtio_config_write32(&fake->device, 4, 5), -ERANGE);
	CHECK_EQ(fake->config_writes, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio, wide_field_that_changes_while_read_is_read_again)
{
	struct virtio_transport restless;
	uint64_t value;

	create();
	restless = *fake->device.transport;
	restless.generation = restless_generation;
	fake->device.transport = &restless;
	changes = 3;
	CHECK_EQ(virtio_config_read64(&fake->device, 0, &value), 0);
	CHECK_EQ(value, UINT64_C(0x0807060504030201));
	CHECK_EQ(changes, 0);
	changes = 1000000;
	CHECK_EQ(virtio_config_read64(&fake->device, 0, &value), -EAGAIN);
	CHECK_EQ(value, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio, queue_is_created_once_and_only_if_the_device_has_it)
{
	struct virtio_queue_request request = {.index = 0, .size = 16};
	struct virtio_queue *queue;

	create();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	CHECK_EQ(virtio_queue_create(&fake->device, &request, &queue), -EBUSY);
	request.index = FAKE_QUEUES;
	CHECK_EQ(virtio_queue_create(&fake->device, &request, &queue), -ENODEV);
	virtio_device_detach(&fake->device);
	fake_virtio_destroy(fake);
}

TEST(virtio, device_nobody_drives_is_not_touched)
{
	create();
	fake->device.id = 0x7777;
	fake->status = VIRTIO_STATUS_DRIVER_OK;
	CHECK_EQ(virtio_device_attach(&fake->device), -ENODEV);
	CHECK_EQ(fake->status, VIRTIO_STATUS_DRIVER_OK);
	CHECK_EQ(fake->resets, 0);
	fake_virtio_destroy(fake);
}

static const struct virtio_transport *behaved;
static unsigned slow_looks;

/* The status is read while the device resets, and whoever reads does not run for some time. */
static uint8_t slow_status_read(struct virtio_device *device)
{
	if (slow_looks == 0)
		return behaved->status_read(device);
	slow_looks--;
	thread_sleep_ns(VIRTIO_RESET_LIMIT_NS + NSEC_PER_SEC / 10);
	return VIRTIO_STATUS_ACKNOWLEDGE;
}

TEST(virtio, device_that_has_reset_when_the_time_is_up_is_not_given_up)
{
	struct virtio_transport slow;

	create();
	behaved = fake->device.transport;
	slow = *behaved;
	slow.status_read = slow_status_read;
	fake->device.transport = &slow;
	slow_looks = 1;
	CHECK_EQ(virtio_device_reset(&fake->device), 0);
	CHECK(!fake->device.stuck);
	fake_virtio_destroy(fake);
}

/* A driver that gives the second queue a buffer as soon as the first one's was used. */
#define TWO_QUEUES_ID 0x7778

static struct folio *contents;
static unsigned answers;

static uint32_t keep_no_books(struct fake_virtio *device, unsigned queue,
			      const struct fake_chain *chain)
{
	(void)device, (void)queue, (void)chain;
	return 0;
}

static void give(struct virtio_queue *queue)
{
	struct virtqueue_piece piece = {folio_phys(contents), PAGE_SIZE};

	CHECK_EQ(virtqueue_add(&queue->ring, &piece, 1, 0, contents), 0);
	CHECK(!virtqueue_arm(&queue->ring, 1));
	virtqueue_kick(&queue->ring);
}

static void answer(struct virtio_queue *queue)
{
	answers++;
	give(queue->device->driver_data);
}

static int two_queues_probe(struct virtio_device *device)
{
	struct virtio_queue_request request = {.size = 4, .callback = answer};
	struct virtio_queue *first, *second;
	int error = virtio_queue_create(device, &request, &first);

	request = (struct virtio_queue_request){.index = 1, .size = 4};
	if (!error)
		error = virtio_queue_create(device, &request, &second);
	if (!error)
		error = virtio_device_ready(device);
	if (error)
		return error;
	device->driver_data = second;
	give(first);
	return 0;
}

static void two_queues_remove(struct virtio_device *device)
{
	CHECK_EQ(virtio_device_quiesce(device), 0);
}

static const struct virtio_driver two_queues_driver = {
	.name = "two-queues",
	.id = TWO_QUEUES_ID,
	.probe = two_queues_probe,
	.remove = two_queues_remove,
};
VIRTIO_DRIVER(two_queues, two_queues_driver);

TEST(virtio, buffer_given_while_the_device_uses_others_is_held)
{
	contents = folio_alloc(NODE_ANY, 0, 0, NULL);
	NEED(contents, "no memory for a buffer");
	create();
	fake->device.id = TWO_QUEUES_ID;
	fake->serve = keep_no_books;
	answers = 0;
	fake_virtio_behave(fake, FAKE_HOLD);
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	CHECK_EQ(fake_virtio_held(fake), 1);
	fake_virtio_release(fake);
	CHECK_EQ(answers, 1);
	CHECK_EQ(fake_virtio_held(fake), 1);
	virtio_device_detach(&fake->device);
	fake_virtio_destroy(fake);
	folio_put(contents);
}

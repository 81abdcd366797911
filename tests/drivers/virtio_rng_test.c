// SPDX-License-Identifier: MIT
/*
 * The entropy driver against a device made of memory: it asks once, takes what is there, and
 * survives a device that gives nothing, too much, or never answers.
 */
#include <drivers/virtio/virtio_rng.h>

#include <errno.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <platform/memory.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/test.h>

#define LIMIT_NS (20 * NSEC_PER_SEC)

static struct fake_virtio *fake;
static uint32_t gift; /* bytes the device writes */

static uint32_t give(struct fake_virtio *device, unsigned queue, const struct fake_chain *chain)
{
	uint8_t *bytes = phys_to_virt(chain->pieces[0].start);

	(void)queue;
	if (chain->nr_read != 0 || chain->nr_write != 1 || chain->pieces[0].length < 16)
		device->host_errors++;
	device->nr_buffers++;
	for (uint32_t i = 0; i < gift && i < chain->pieces[0].length; i++)
		bytes[i] = (uint8_t)(i + 1);
	return gift;
}

static struct virtio_rng *rng(void)
{
	return fake->device.driver_data;
}

static void create(enum fake_behaviour behaviour, uint32_t bytes)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	fake->device.id = VIRTIO_ID_RNG;
	fake->device.config_size = 0;
	fake->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX;
	fake->serve = give;
	fake->behaviour = behaviour;
	gift = bytes;
}

static void attach(enum fake_behaviour behaviour, uint32_t bytes)
{
	create(behaviour, bytes);
	REQUIRE(virtio_device_attach(&fake->device) == 0);
}

/* The driver's work does not run, and will not. An interrupt, or the work, may have been about
 * to start it once more. */
static void stop_work(void)
{
	for (unsigned i = 0; i < 2; i++) {
		timer_cancel_sync(&rng()->work.timer);
		work_flush(&rng()->work.work);
	}
}

/* Run the driver's work until `reached`, a look at its state while it rests, as it does then.
 */
static bool wait_until(bool (*reached)(void))
{
	uint64_t end = clock_ns() + LIMIT_NS;

	while (clock_ns() < end) {
		thread_sleep_ns(NSEC_PER_MSEC);
		stop_work();
		if (reached())
			return true;
		delayed_work_start(&rng()->work, 0);
	}
	return false;
}

static bool all_taken(void)
{
	return fake->nr_buffers > 0 && rng()->queue->ring.outstanding == 0;
}

static bool is_asked(void)
{
	return fake->nr_buffers > 0;
}

static bool is_broken(void)
{
	return virtqueue_is_broken(&rng()->queue->ring);
}

static bool is_held(void)
{
	return fake_virtio_held(fake) > 0;
}

static void detach(void)
{
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_rng, one_buffer_is_asked_for_taken_and_wiped)
{
	static const uint8_t zero[VIRTIO_RNG_BYTES];

	attach(FAKE_PROMPT, VIRTIO_RNG_BYTES);
	REQUIRE(wait_until(all_taken));
	CHECK_EQ(fake->nr_buffers, 1);
	CHECK(memcmp(rng()->buffer, zero, sizeof(zero)) == 0);
	detach();
}

TEST(virtio_rng, device_that_gives_nothing_is_not_asked_in_a_loop)
{
	attach(FAKE_PROMPT, 0);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK(wait_until(is_asked));
	CHECK_EQ(fake->nr_buffers, 1);
	detach();
}

TEST(virtio_rng, device_that_says_it_wrote_too_much_is_left_alone)
{
	attach(FAKE_TOO_LONG, 0);
	CHECK(wait_until(is_broken));
	detach();
}

TEST(virtio_rng, removal_with_a_buffer_that_never_came_back)
{
	attach(FAKE_HOLD, 0);
	CHECK(wait_until(is_held));
	detach();
}

static const struct virtio_transport *behaved;

/* Interrupts for a buffer it was never given, and needs a reset as soon as it is started. */
static void interrupt_and_fail(struct virtio_device *device, uint8_t status)
{
	struct irq_state irq;

	behaved->status_write(device, status);
	if (!(status & VIRTIO_STATUS_DRIVER_OK))
		return;
	irq = irq_save();
	virtio_device_queue_interrupt(device, 0);
	irq_restore(irq);
	fake_virtio_needs_reset(fake);
}

TEST(virtio_rng, device_that_fails_at_the_start_leaves_no_work_behind)
{
	static struct virtio_transport hostile;

	create(FAKE_PROMPT, VIRTIO_RNG_BYTES);
	behaved = fake->device.transport;
	hostile = *behaved;
	hostile.status_write = interrupt_and_fail;
	fake->device.transport = &hostile;
	CHECK_EQ(virtio_device_attach(&fake->device), -EIO);
	/* Work for a driver that is gone would run now. */
	thread_sleep_ns(5 * NSEC_PER_MSEC);
	fake_virtio_destroy(fake);
}

/* Interrupts for a queue it was not told of yet, and takes its time. */
static int interrupt_and_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	struct irq_state irq = irq_save();

	virtio_device_queue_interrupt(device, 0);
	irq_restore(irq);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	return behaved->queue_enable(device, queue);
}

TEST(virtio_rng, interrupt_while_the_queue_is_made_asks_nobody)
{
	static struct virtio_transport hostile;

	create(FAKE_PROMPT, VIRTIO_RNG_BYTES);
	behaved = fake->device.transport;
	hostile = *behaved;
	hostile.queue_enable = interrupt_and_enable;
	fake->device.transport = &hostile;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	REQUIRE(wait_until(all_taken));
	CHECK_EQ(fake->nr_buffers, 1);
	detach();
}

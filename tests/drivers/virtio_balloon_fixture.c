// SPDX-License-Identifier: MIT
/*
 * A virtio balloon below a device made of memory. See the header.
 */
#include <tests/drivers/virtio_balloon_fixture.h>

struct fake_virtio *host;

void host_create(void)
{
	host = fake_virtio_create();
	NEED(host, "no memory for the fake device");
}

void host_attach(void)
{
	host_create();
	REQUIRE(virtio_device_attach(&host->device) == 0);
}

struct virtio_balloon *host_balloon(void)
{
	return host->device.driver_data;
}

bool balloon_rests(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool sleeps = wait_queue_first(&balloon->news) != NULL;

	wait_queue_unlock(&balloon->news, irq);
	return sleeps;
}

void balloon_resize(struct virtio_balloon *balloon, struct fake_virtio *fake, uint32_t units)
{
	fake_virtio_set_target(fake, units);
	WAIT_FOR(balloon_rests(balloon) && fake_virtio_actual(fake) == units &&
		 fake_virtio_given(fake) == units);
}

void host_resize(uint32_t units)
{
	balloon_resize(host_balloon(), host, units);
}

void host_detach(void)
{
	struct balloon_events before, after;
	uint64_t held;

	/* One that is not at its target may take more until it is gone. */
	do {
		balloon_events(&before);
		held = balloon_pages(&host_balloon()->core);
		balloon_events(&after);
	} while (after.inflate != before.inflate || after.deflate != before.deflate);
	virtio_device_detach(&host->device);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, held + after.inflate - before.inflate);
	CHECK_EQ(host->host_errors, 0);
	CHECK_EQ(host->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(host);
}

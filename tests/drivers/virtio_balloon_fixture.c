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

void host_resize(uint32_t units)
{
	fake_virtio_set_target(host, units);
	WAIT_FOR(fake_virtio_actual(host) == units && fake_virtio_given(host) == units);
}

void host_detach(void)
{
	struct balloon_events before, after;
	uint64_t held = balloon_pages(&host_balloon()->core);

	balloon_events(&before);
	virtio_device_detach(&host->device);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, held + after.inflate - before.inflate);
	CHECK_EQ(host->host_errors, 0);
	CHECK_EQ(host->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(host);
}

// SPDX-License-Identifier: MIT
/*
 * Page poison of the virtio balloon: a guest whose free pages keep a value tells the device
 * that value, before the device works, and may then report free pages to it.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/thread.h>
#include <mm/page_reporting.h>
#include <platform/clock.h>
#include <platform/memory.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/test.h>

#define QUEUE 2 /* of reports: no statistics, no hints */
#define VALUE UINT32_C(0xa5a5a5a5)

static struct fake_virtio *fake;

/* What others left free is reported as soon as the device works; nothing is inflated. */
static uint32_t take_report(struct fake_virtio *device, unsigned queue,
			    const struct fake_chain *chain)
{
	device->host_errors += queue != QUEUE || chain->nr_read != 0;
	return 0;
}

/* What attach says, with free pages that keep VALUE. */
static int attach(unsigned config_size)
{
	int error;

	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	fake->device.config_size = config_size;
	fake->offered |= VIRTIO_BALLOON_F_POISON | VIRTIO_BALLOON_F_REPORTING;
	fake->serve = take_report;
	fake->queue_size[QUEUE] = 32;
	page_reporting_free_keeps_value = true;
	page_reporting_free_value = VALUE;
	error = virtio_device_attach(&fake->device);
	page_reporting_free_keeps_value = false;
	return error;
}

static uint32_t told(void)
{
	return le32_load(fake->config + VIRTIO_BALLOON_CONFIG_POISON);
}

TEST(virtio_poison, value_is_told_before_the_device_works_and_memory_is_reported)
{
	struct page_reporting_statistics now;

	REQUIRE(attach(16) == 0);
	CHECK(fake->accepted & VIRTIO_BALLOON_F_POISON);
	CHECK(fake->accepted & VIRTIO_BALLOON_F_REPORTING);
	CHECK_EQ(told(), VALUE);
	CHECK(page_reporting_statistics(&now) != NULL);
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_poison, device_without_the_field_is_refused)
{
	CHECK(attach(8) != 0);
	CHECK_EQ(fake->status, 0);
	fake_virtio_destroy(fake);
}

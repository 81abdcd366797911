// SPDX-License-Identifier: MIT
/*
 * The statistics queue of the virtio balloon (spec-balloon B4) against a device made of memory,
 * which keeps each buffer until the test lets it go.
 */
#include <tests/drivers/virtio_balloon_fixture.h>

#include <mm/folio.h>
#include <mm/mm.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

static void create(unsigned size)
{
	host_create();
	host->offered |= VIRTIO_BALLOON_F_STATS;
	host->queue_size[VIRTIO_BALLOON_QUEUE_STATS] = size;
}

static void attach(void)
{
	create(128);
	REQUIRE(virtio_device_attach(&host->device) == 0);
}

/* The device wants fresh figures. */
static void ask(void)
{
	unsigned before = fake_virtio_stats(host);

	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_stats(host) == before + 1);
}

static uint64_t value_of(unsigned tag)
{
	const uint8_t *entry = host->stats + tag * VIRTIO_BALLOON_STATS_ENTRY;

	CHECK_EQ(le16_load(entry), tag);
	return le64_load(entry + 2);
}

TEST(virtio_balloon_stats, V_T9_each_use_of_the_buffer_is_one_refresh)
{
	attach();
	/* One is there as soon as the device is ready. */
	CHECK_EQ(fake_virtio_stats(host), 1);
	for (unsigned i = 0; i < 3; i++) {
		ask();
		/* Never two: the device counts a second one as an error of ours. */
		CHECK_EQ(fake_virtio_held(host), 1);
		CHECK_EQ(host->stats_bytes, 10 * VIRTIO_BALLOON_STATS_TAGS);
		for (unsigned tag = 0; tag < VIRTIO_BALLOON_STATS_TAGS; tag++)
			(void)value_of(tag);
	}
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_stats(host), 4);
	host_detach();
}

TEST(virtio_balloon_stats, figures_are_those_of_the_guest)
{
	struct mm_statistics memory;
	uint64_t got, failed, large;
	struct page *block;

	attach();
	ask();
	large = value_of(8);
	block = page_alloc(NODE_ANY, 9, 0);
	NEED(block, "no block of 2 MiB");
	mm_large_blocks(&got, &failed);
	CHECK_EQ(got, large + 1);
	mm_statistics(&memory);
	ask();
	CHECK_EQ(value_of(5), memory.managed * PAGE_SIZE);
	/* Others allocate meanwhile, but not much. */
	CHECK(value_of(4) + MIB(1) > memory.free * PAGE_SIZE);
	CHECK(value_of(4) < memory.free * PAGE_SIZE + MIB(1));
	/* Without what the balloon never takes. */
	CHECK(value_of(6) + balloon_reserve(memory.managed) * PAGE_SIZE == value_of(4));
	CHECK_EQ(value_of(8), got);
	CHECK_EQ(value_of(9), failed);
	for (unsigned tag = 0; tag <= 3; tag++)
		CHECK_EQ(value_of(tag), 0);
	page_free(block, 9);
	host_detach();
}

TEST(virtio_balloon_stats, lent_pages_are_not_counted_as_the_guests)
{
	struct mm_statistics memory;

	attach();
	mm_statistics(&memory);
	fake_virtio_set_target(host, 1000);
	WAIT_FOR(fake_virtio_actual(host) == 1000);
	ask();
	CHECK_EQ(value_of(5), (memory.managed - 1000) * PAGE_SIZE);
	host_detach();
}

TEST(virtio_balloon_stats, blocks_of_balloons_are_no_demand_of_the_guest)
{
	uint64_t got, failed;

	attach();
	mm_large_blocks(&got, &failed);
	fake_virtio_set_target(host, 5 * BALLOON_BLOCK_PAGES);
	WAIT_FOR(fake_virtio_actual(host) == 5 * BALLOON_BLOCK_PAGES);
	ask();
	CHECK_EQ(value_of(8), got);
	CHECK_EQ(value_of(9), failed);
	host_detach();
}

TEST(virtio_balloon_stats, asked_during_a_resize_is_answered)
{
	attach();
	for (unsigned i = 1; i <= 20; i++) {
		fake_virtio_set_target(host, i % 2 ? 4000 : 0);
		ask();
	}
	host_resize(1); /* at rest, whatever it reached before */
	host_detach();
}

TEST(virtio_balloon_stats, reset_offers_them_again)
{
	attach();
	text_sink_open();
	fake_virtio_needs_reset(host);
	WAIT_FOR(host_balloon()->recoveries == 1 && fake_virtio_stats(host) == 2);
	(void)text_sink_close();
	ask();
	CHECK_EQ(fake_virtio_held(host), 1);
	host_detach();
}

TEST(virtio_balloon_stats, device_that_uses_the_buffer_twice_is_survived)
{
	attach();
	text_sink_open();
	fake_virtio_behave(host, FAKE_TWICE);
	fake_virtio_release(host);
	WAIT_FOR(host_balloon()->recoveries == 1 && fake_virtio_stats(host) == 2);
	fake_virtio_behave(host, FAKE_PROMPT);
	CHECK(strstr(text_sink_close(), "the device does not behave") != NULL);
	ask();
	host_detach();
}

TEST(virtio_balloon_stats, device_without_the_queue_it_offers_is_driven_without)
{
	create(0);
	text_sink_open();
	REQUIRE(virtio_device_attach(&host->device) == 0);
	CHECK(strstr(text_sink_close(), "offers statistics, but no queue") != NULL);
	fake_virtio_set_target(host, 10);
	WAIT_FOR(fake_virtio_actual(host) == 10);
	CHECK_EQ(fake_virtio_stats(host), 0);
	host_detach();
}

TEST(virtio_balloon_stats, reporting_does_not_take_the_queue_for_its_own)
{
	create(128);
	host->offered |= VIRTIO_BALLOON_F_REPORTING;
	text_sink_open();
	REQUIRE(virtio_device_attach(&host->device) == 0);
	CHECK(strstr(text_sink_close(), "no queue for it: not used") != NULL);
	ask();
	host_detach();
}

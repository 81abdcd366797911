// SPDX-License-Identifier: MIT
/*
 * Virtio over channel I/O: the balloon driver through the transport against a channel subsystem
 * made of memory, with both kinds of interrupts, and everything the device can refuse.
 */
#include <drivers/virtio/virtio_ccw.h>

#include <drivers/balloon/virtio_balloon.h>
#include <errno.h>
#include <kernel/thread.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/fake_channel.h>
#include <tests/drivers/virtio_balloon_fixture.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>
#include <tests/wait.h>

static struct fake_channel *channel;
static struct fake_subchannel *s;

static void create(void)
{
	channel = fake_channel_new();
	s = fake_channel_add_balloon(channel, 0, 0);
}

/* The device behind the only subchannel; attached last. */
static struct virtio_device *device(void)
{
	return list_entry(virtio_devices.prev, struct virtio_device, link);
}

static struct virtio_balloon *balloon(void)
{
	return device()->driver_data;
}

static void detach(void)
{
	virtio_ccw_detach(device());
	CHECK_EQ(s->fake->host_errors, 0);
	CHECK_EQ(s->fake->nr_given, 0);
	fake_channel_end(channel);
}

/* Refused, with a message that has `text` in it, and nothing left behind. */
static void check_refused(const char *text)
{
	text_sink_open();
	CHECK_EQ(virtio_ccw_probe_all(&channel->io), 0);
	CHECK(strstr(text_sink_close(), text) != NULL);
	CHECK(!s->enabled);
	fake_channel_end(channel);
}

/* Nobody else looks at the configuration of a balloon that rests. */
static void attach_and_rest(void)
{
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	WAIT_FOR(balloon_rests(balloon()));
}

static void resize(uint32_t units)
{
	balloon_resize(balloon(), s->fake, units);
}

TEST(virtio_ccw, machine_without_channels_has_no_devices)
{
	CHECK_EQ(virtio_ccw_probe_all(NULL), 0);
}

TEST(virtio_ccw, balloon_follows_its_target_by_adapter_interrupts)
{
	create();
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	CHECK_STR(device()->name, "virtio-ccw 0.0.0000");
	CHECK_EQ(s->revision, 2);
	CHECK_EQ(device()->config_size, 8);
	CHECK(s->summary != 0);
	resize(3 * 128 * 256 + 5);
	/* One for each 128 arrays, and no interrupt without need. */
	CHECK_EQ(s->fake->kicks, 4);
	CHECK(s->fake->interrupts <= 4);
	resize(0);
	detach();
}

TEST(virtio_ccw, balloon_follows_its_target_by_classic_indicators)
{
	create();
	s->reject = 0x73;
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	CHECK(s->summary == 0);
	resize(1000);
	resize(10);
	detach();
}

TEST(virtio_ccw, older_revision_is_taken_and_older_than_1_refused)
{
	create();
	s->max_revision = 1;
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	CHECK_EQ(s->revision, 1);
	resize(300);
	detach();
	create();
	s->max_revision = 0;
	check_refused("refuses revisions 1 to 2");
}

TEST(virtio_ccw, features_that_are_refused_end_the_attachment)
{
	create();
	s->fake->behaviour = FAKE_WRONG_FEATURES;
	check_refused("refuses features");
	create();
	s->fake->offered &= ~VIRTIO_F_VERSION_1;
	check_refused("offers no VERSION_1");
}

TEST(virtio_ccw, device_that_takes_no_indicators_is_not_driven)
{
	create();
	s->reject = 0x53;
	check_refused("takes no indicators");
	create();
	s->fail = 0x73;
	check_refused("takes no indicators");
}

TEST(virtio_ccw, queue_that_is_not_taken_ends_the_attachment)
{
	create();
	s->check = 0x13;
	check_refused("queue 0: not taken");
}

TEST(virtio_ccw, configuration_ends_where_the_device_stops)
{
	uint32_t value;

	create();
	s->short_by = 3;
	attach_and_rest();
	CHECK_EQ(device()->config_size, 5);
	CHECK_EQ(virtio_config_read32(device(), 0, &value), 0);
	CHECK_EQ(virtio_config_read32(device(), 4, &value), -ERANGE);
	/* It shrinks afterwards: never what lies beyond. */
	s->short_by = 6;
	CHECK_EQ(virtio_config_read32(device(), 0, &value), 0);
	CHECK_EQ(value, 0xffffffff);
	s->short_by = 0;
	detach();
}

TEST(virtio_ccw, generation_changes_with_any_byte)
{
	const struct virtio_transport *transport;
	uint32_t before;

	create();
	attach_and_rest();
	transport = device()->transport;
	before = transport->generation(device());
	CHECK_EQ(transport->generation(device()), before);
	s->fake->config[7] ^= 1;
	CHECK(transport->generation(device()) != before);
	s->fake->config[7] ^= 1;
	CHECK_EQ(transport->generation(device()), before);
	detach();
}

TEST(virtio_ccw, narrow_fields_are_read_and_written_alone)
{
	const struct virtio_transport *transport;

	create();
	attach_and_rest();
	transport = device()->transport;
	s->fake->config[5] = 0x34;
	s->fake->config[6] = 0x12;
	s->fake->config[7] = 0x56;
	CHECK_EQ(transport->config_read(device(), 5, 1), 0x34);
	CHECK_EQ(transport->config_read(device(), 6, 2), 0x5612);
	transport->config_write(device(), 6, 1, 0x77);
	CHECK_EQ(s->fake->config[5], 0x34);
	CHECK_EQ(s->fake->config[6], 0x77);
	CHECK_EQ(s->fake->config[7], 0x56);
	detach();
}

TEST(virtio_ccw, device_that_asks_for_a_reset_is_reset)
{
	create();
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	resize(500);
	fake_virtio_needs_reset(s->fake);
	WAIT_FOR(balloon()->recoveries == 1);
	WAIT_FOR(fake_virtio_given(s->fake) == 500);
	detach();
}

TEST(virtio_ccw, device_that_never_interrupts_is_reset_and_given_up)
{
	create();
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	fake_virtio_behave(s->fake, FAKE_HOLD);
	balloon()->patience_ns = NSEC_PER_MSEC;
	fake_virtio_set_target(s->fake, 100);
	WAIT_FOR(balloon()->recoveries >= 2);
	fake_virtio_behave(s->fake, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_given(s->fake) == 100);
	detach();
}

TEST(virtio_ccw, lost_interrupts_do_not_lose_buffers)
{
	create();
	s->without_interrupts = true;
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	/* The target was read at start: 8 bytes for the size of everything, then its own. */
	WAIT_FOR(fake_virtio_config_reads(s->fake) > 8);
	balloon()->patience_ns = NSEC_PER_MSEC;
	fake_virtio_set_target(s->fake, 100);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_given(s->fake), 0);
	s->without_interrupts = false;
	resize(100);
	detach();
}

TEST(virtio_ccw, device_that_goes_away_while_it_starts_is_left_out)
{
	create();
	s->starts_to_gone = 8; /* in the middle of negotiation */
	text_sink_open();
	CHECK_EQ(virtio_ccw_probe_all(&channel->io), 0);
	CHECK(strstr(text_sink_close(), "ccw: 0.0.0000: gone") != NULL);
	fake_channel_end(channel);
}

TEST(virtio_ccw, device_that_goes_away_gives_everything_back)
{
	struct virtio_balloon *b;

	create();
	REQUIRE(virtio_ccw_probe_all(&channel->io) == 1);
	resize(500);
	b = balloon();
	b->patience_ns = NSEC_PER_MSEC;
	fake_subchannel_remove(s);
	CHECK(virtio_device_needs_reset(device()));
	CHECK_EQ(balloon_pages(&b->core), 500);
	virtio_ccw_detach(device()); /* the runner looks for leaks */
	fake_channel_end(channel);
}

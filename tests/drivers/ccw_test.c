// SPDX-License-Identifier: MIT
/*
 * Subchannels against a channel subsystem made of memory: what is found, what a command gives,
 * and everything a device can do wrong, which is an error and never a hang.
 */
#include <drivers/ccw/ccw.h>

#include <errno.h>
#include <platform/clock.h>
#include <tests/drivers/fake_channel.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#define COMMAND 0x21 /* nobody's: the model rejects what it does not know */

static struct fake_channel *channel;
static struct ccw_device *taken[FAKE_SUBCHANNELS];
static unsigned nr_taken;

static int take(struct ccw_device *device)
{
	taken[nr_taken++] = device;
	return 0;
}

static int leave(struct ccw_device *device)
{
	(void)device;
	return -ENODEV;
}

static unsigned enumerate(void)
{
	nr_taken = 0;
	return ccw_enumerate(&channel->io, take);
}

static void give_back(void)
{
	while (nr_taken > 0) {
		/* By hand what a lost device keeps: the model has forgotten it. */
		taken[--nr_taken]->lost = false;
		ccw_device_free(taken[nr_taken]);
	}
	fake_channel_end(channel);
}

/* One device that was found and behaved so far. */
static struct fake_subchannel *one(void)
{
	struct fake_subchannel *s;

	channel = fake_channel_new();
	s = fake_channel_add(channel, 0, 0);
	REQUIRE(enumerate() == 1);
	return s;
}

TEST(ccw, devices_of_all_sets_are_found_and_a_missing_number_ends_a_set)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0);
	fake_channel_add(channel, 0, 1)->model = 5;
	fake_channel_add(channel, 0, 3); /* behind the end */
	fake_channel_add(channel, 2, 0);
	CHECK_EQ(enumerate(), 3);
	CHECK_STR(taken[0]->name, "0.0.0000");
	CHECK_STR(taken[1]->name, "0.0.0001");
	CHECK_STR(taken[2]->name, "0.2.0000");
	CHECK_EQ(taken[1]->control_unit, 0x3270);
	CHECK_EQ(taken[1]->model, 5);
	/* One for each subchannel, one for each end of a set, two for each that is switched on.
	 */
	CHECK_EQ(channel->stores, 3 + 4 + 2 * 3);
	give_back();
	CHECK(!channel->subchannels[0].enabled);
}

TEST(ccw, without_subchannel_sets_only_the_first_is_looked_at)
{
	channel = fake_channel_new();
	channel->has_sets = false;
	fake_channel_add(channel, 0, 0);
	fake_channel_add(channel, 1, 0);
	CHECK_EQ(enumerate(), 1);
	give_back();
}

TEST(ccw, subchannels_without_a_device_are_passed_over)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0)->valid = false;
	fake_channel_add(channel, 0, 1)->type = 3;
	fake_channel_add(channel, 0, 2);
	CHECK_EQ(enumerate(), 1);
	CHECK_EQ(channel->subchannels[0].starts + channel->subchannels[1].starts, 0);
	give_back();
}

TEST(ccw, devices_nobody_wants_are_switched_off_again)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0);
	CHECK_EQ(ccw_enumerate(&channel->io, leave), 0);
	CHECK(!channel->subchannels[0].enabled);
	fake_channel_end(channel);
}

TEST(ccw, device_that_goes_away_while_it_is_identified_is_left_out)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0)->starts_to_gone = 1;
	fake_channel_add(channel, 0, 1);
	text_sink_open();
	CHECK_EQ(enumerate(), 1);
	CHECK(strstr(text_sink_close(), "ccw: 0.0.0000: gone") != NULL);
	CHECK_STR(taken[0]->name, "0.0.0001");
	give_back();
}

TEST(ccw, device_that_does_not_say_what_it_is_is_left_out)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0)->reject = CCW_COMMAND_SENSE_ID;
	fake_channel_add(channel, 0, 1)->stays_disabled = 1000;
	CHECK_EQ(enumerate(), 0);
	/* Switching on was tried a bounded number of times. */
	CHECK_EQ(channel->subchannels[1].stays_disabled, 1000 - CCW_BUSY_TRIES);
	give_back();
}

TEST(ccw, switching_on_is_tried_again)
{
	channel = fake_channel_new();
	fake_channel_add(channel, 0, 0)->stays_disabled = 3;
	CHECK_EQ(enumerate(), 1);
	give_back();
}

TEST(ccw, rejected_command_is_told_from_other_unit_checks)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};

	CHECK_EQ(ccw_run(taken[0], COMMAND, data, 8), -EOPNOTSUPP);
	CHECK_EQ(s->senses, 1);
	s->fail = CCW_COMMAND_SENSE_ID;
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -EIO);
	CHECK(strstr(text_sink_close(), "unit check, sense 1000") != NULL);
	CHECK_EQ(s->senses, 2);
	s->fail = FAKE_NO_COMMAND;
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), SENSE_ID_SIZE);
	CHECK_EQ(data[0], 0xff);
	give_back();
}

TEST(ccw, program_check_and_impossible_count_are_errors)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};

	s->check = CCW_COMMAND_SENSE_ID;
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -EIO);
	CHECK(strstr(text_sink_close(), "subchannel status 0x20") != NULL);
	s->check = FAKE_NO_COMMAND;
	s->too_long = CCW_COMMAND_SENSE_ID;
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -EIO);
	give_back();
}

TEST(ccw, command_that_never_ends_is_cleared_and_the_device_given_up)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};
	unsigned starts;

	s->silent = true;
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], COMMAND, data, 8), -ETIMEDOUT);
	CHECK(strstr(text_sink_close(), "did not end in 200 ms") != NULL);
	CHECK_EQ(s->clears, 1);
	starts = s->starts;
	CHECK(taken[0]->lost);
	CHECK_EQ(ccw_run(taken[0], COMMAND, data, 8), -ETIMEDOUT);
	CHECK_EQ(s->starts, starts);
	give_back();
}

TEST(ccw, clear_that_never_ends_is_given_up_too)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};

	s->silent = s->deaf = true;
	CHECK_EQ(ccw_run(taken[0], COMMAND, data, 8), -ETIMEDOUT);
	CHECK_EQ(s->clears, 1);
	give_back();
}

TEST(ccw, busy_device_is_tried_again_and_given_up_in_the_end)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};

	s->busy = CCW_BUSY_TRIES - 1;
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), SENSE_ID_SIZE);
	s->busy = CCW_BUSY_TRIES;
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -ETIMEDOUT);
	CHECK(strstr(text_sink_close(), "busy for ever") != NULL);
	CHECK_EQ(s->busy, 0);
	give_back();
}

TEST(ccw, device_that_is_gone_is_reported_once)
{
	struct fake_subchannel *s = one();
	uint8_t data[8] = {0};

	fake_subchannel_remove(s);
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -ENODEV);
	CHECK(strstr(text_sink_close(), "ccw: 0.0.0000: gone") != NULL);
	text_sink_open();
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), -ENODEV);
	CHECK_STR(text_sink_close(), "");
	give_back();
}

static _Atomic unsigned attentions;

static void count_attention(struct ccw_device *device)
{
	(void)device;
	attentions++;
}

TEST(ccw, status_that_nobody_asked_for_is_passed_on)
{
	struct fake_subchannel *s = one();
	uint64_t end = clock_ns() + 20 * NSEC_PER_SEC;
	uint8_t data[8] = {0};
	struct irq_state irq;

	attentions = 0;
	ccw_set_attention(taken[0], count_attention);
	/* In the way of a command, which takes it and runs all the same. */
	fake_subchannel_alert(s);
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), SENSE_ID_SIZE);
	while (attentions == 0 && clock_ns() < end)
		;
	CHECK_EQ(attentions, 1);
	/* By its own interrupt. */
	fake_subchannel_alert(s);
	irq = irq_save();
	channel->io.subchannel_interrupt(&channel->io, s->id);
	channel->io.subchannel_interrupt(&channel->io, s->id + 1); /* of a stranger */
	irq_restore(irq);
	CHECK_EQ(attentions, 2);
	CHECK(!s->pending);
	ccw_set_attention(taken[0], NULL);
	fake_subchannel_alert(s);
	irq = irq_save();
	channel->io.subchannel_interrupt(&channel->io, s->id);
	irq_restore(irq);
	CHECK_EQ(attentions, 2);
	give_back();
}

static const struct channel_operations *prompt;
static unsigned slow_looks;

/* The status is not there yet, and whoever looks does not run for some time. */
static unsigned slow_test(struct channel_io *io, uint32_t subchannel, void *irb)
{
	uint64_t end = clock_ns() + CCW_LIMIT_NS + CCW_LIMIT_NS / 4;

	if (slow_looks == 0)
		return prompt->test(io, subchannel, irb);
	slow_looks--;
	memset(irb, 0, CHANNEL_IRB_SIZE);
	while (clock_ns() < end)
		;
	return 1;
}

TEST(ccw, command_that_has_ended_when_the_time_is_up_is_no_loss)
{
	struct channel_operations slow;
	uint8_t data[8] = {0};

	(void)one();
	prompt = channel->io.operations;
	slow = *prompt;
	slow.test = slow_test;
	channel->io.operations = &slow;
	slow_looks = 1;
	CHECK_EQ(ccw_run(taken[0], CCW_COMMAND_SENSE_ID, data, 8), SENSE_ID_SIZE);
	CHECK(!taken[0]->lost);
	channel->io.operations = prompt;
	give_back();
}

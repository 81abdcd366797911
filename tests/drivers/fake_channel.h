// SPDX-License-Identifier: MIT
/*
 * A channel subsystem made of memory: subchannels whose device side is in the hands of a test.
 * Behind one may stand a virtio device (fake_virtio.h), reached by the commands of Virtio 1.2,
 * 4.3. It ends every command inside SSCH, as hypervisors do, rightly or wrongly.
 */
#ifndef TESTS_DRIVERS_FAKE_CHANNEL_H
#define TESTS_DRIVERS_FAKE_CHANNEL_H

#include <drivers/ccw/channel.h>
#include <tests/drivers/fake_virtio.h>

#define FAKE_SUBCHANNELS 6
#define FAKE_NO_COMMAND  0x100u

struct fake_channel;

/* Everything under the channel's lock once devices are attached. */
struct fake_subchannel {
	struct fake_channel *channel;
	uint32_t id;
	/* As it is built. */
	bool valid;   /* there is a device number */
	uint8_t type; /* 0: I/O */
	uint16_t number;
	uint16_t control_unit;
	uint8_t model;
	/* How it misbehaves. */
	bool gone;               /* cc 3 from now on */
	unsigned starts_to_gone; /* and from the n-th SSCH on; 0: never */
	unsigned stays_disabled; /* MSCHs without effect to come */
	unsigned busy;           /* SSCHs with cc 2 to come */
	bool silent;             /* commands never end, but can be cleared */
	bool deaf;               /* nor that */
	bool without_interrupts; /* indicators are set and nobody is told */
	unsigned reject;         /* this command is rejected (FAKE_NO_COMMAND: none) */
	unsigned fail;           /* this one ends with another unit check */
	unsigned check;          /* this one with a program check */
	unsigned too_long;       /* this one with a residual count above its count */
	unsigned short_by;       /* bytes that reading configuration gives too few */
	unsigned max_revision;
	/* State. */
	bool enabled;
	bool pending;
	uint8_t response[CHANNEL_IRB_SIZE];
	uint8_t sense[SENSE_SIZE];
	int revision;
	unsigned starts, clears, senses;
	uint64_t queue_indicators, config_indicators, summary; /* physical; 0: not set */
	struct fake_virtio *fake;                              /* NULL: no virtio device */
	struct virtio_queue queues[FAKE_QUEUES];
	struct virtio_driver driver; /* its config_changed is how the fake device tells us */
};

struct fake_channel {
	struct channel_io io;
	struct spin_lock lock;
	bool has_sets;
	unsigned stores;
	unsigned nr;
	struct fake_subchannel subchannels[FAKE_SUBCHANNELS];
};

/* An empty channel subsystem; static storage, one at a time. */
struct fake_channel *fake_channel_new(void);
/* Give its virtio devices back. */
void fake_channel_end(struct fake_channel *channel);

/* A subchannel, in ascending order of ids. */
struct fake_subchannel *fake_channel_add(struct fake_channel *channel, unsigned set,
					 unsigned number);
/* One with a balloon behind it. ERRORs the test when memory is short. */
struct fake_subchannel *fake_channel_add_balloon(struct fake_channel *channel, unsigned set,
						 unsigned number);

/* Status that nobody asked for, without an interrupt. */
void fake_subchannel_alert(struct fake_subchannel *subchannel);
/* It is taken away while somebody uses it. */
void fake_subchannel_remove(struct fake_subchannel *subchannel);

#endif

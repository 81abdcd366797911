// SPDX-License-Identifier: MIT
/*
 * Devices of a channel subsystem: found by looking at every subchannel, driven by one channel
 * command at a time. A command is waited for with a bound and without sleeping, in any context;
 * whoever offers channel I/O to virtio does it inside the instruction. Status that nobody asked
 * for is taken and passed on as "attention".
 *
 * Nothing a device says is believed: a command that ends with a fault, does not end, or a
 * device that is gone is an error with a message, once per device for the last two.
 */
#ifndef DRIVERS_CCW_CCW_H
#define DRIVERS_CCW_CCW_H

#include <drivers/ccw/channel.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/timer.h>

#define CCW_DATA_MAX   512u
#define CCW_NAME_MAX   16
#define CCW_LIMIT_NS   UINT64_C(200000000) /* for one command */
#define CCW_BUSY_TRIES 16u

/* What the channel reads and writes: below 2 GiB, one page per device. */
struct ccw_area {
	uint8_t ccw[CCW_SIZE];
	uint8_t sense[SENSE_SIZE];
	uint8_t data[CCW_DATA_MAX] __attribute__((aligned(8)));
	uint8_t shared[512] __attribute__((aligned(8))); /* the driver's, for as long as it has
							  * the device */
};

/* lock: whatever a command uses, and the flags. */
struct ccw_device {
	char name[CCW_NAME_MAX]; /* "0.0.0001": set and device number, as people write it */
	struct channel_io *io;
	uint32_t subchannel;
	uint16_t control_unit; /* type and model, from SENSE ID */
	uint8_t model;
	struct ccw_area *area;
	struct folio *memory;
	void (*attention)(struct ccw_device *device); /* under the lock of enabled devices */
	void *driver_data;
	struct list_head link; /* enabled devices */
	struct timer timer;    /* attention that a command found */
	struct spin_lock lock;
	bool gone; /* there is no such device any more */
	bool lost; /* it does not stop, or does not reset: it may still use its area */
	bool told_of_attention; /* status was taken; attention is owed */
};

/*
 * Look at every subchannel of every set and call found() for each device that answers SENSE ID;
 * it takes the device over (and frees it in the end) when it returns 0. Number of devices
 * taken. Thread context.
 */
unsigned ccw_enumerate(struct channel_io *io, int (*found)(struct ccw_device *device));

/* Disable the subchannel and free the record; no attention afterwards. The area of a lost
 * device is never used again. Thread context. */
void ccw_device_free(struct ccw_device *device);

/* Who hears of status that nobody asked for: interrupt context, may be spurious. After NULL it
 * does not run any more. Not from itself. */
void ccw_set_attention(struct ccw_device *device, void (*attention)(struct ccw_device *device));

/*
 * One command with up to CCW_DATA_MAX bytes, copied to the device before and back after.
 * Number of bytes transferred; -EOPNOTSUPP when the device rejects the command; -EIO when it
 * ended with another fault; -ETIMEDOUT when it does not end or the device is lost; -ENODEV when
 * it is gone. Any context.
 */
int ccw_run(struct ccw_device *device, uint8_t command, void *data, unsigned length);

/* Physical address of something in device->area. */
uint64_t ccw_address(const void *in_area);

#endif

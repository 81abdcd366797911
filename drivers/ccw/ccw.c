// SPDX-License-Identifier: MIT
/*
 * Subchannels: finding devices, and one command at a time. A command holds the device's lock
 * with interrupts off from its start to its end: whoever calls may itself hold locks of
 * interrupt handlers, so what is found on the way is passed on by a timer, never from here.
 * Lock order: enabled devices, device.
 */
#include <drivers/ccw/ccw.h>

#include <errno.h>
#include <kernel/bits.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <platform/memory.h>

static struct lock_class enabled_class = {.name = "ccw devices"};
static struct lock_class device_class = {.name = "ccw device"};
static struct spin_lock enabled_lock = SPIN_LOCK_INIT(&enabled_class);
static struct list_head enabled_devices = LIST_INIT(enabled_devices);

_Static_assert(sizeof(struct ccw_area) <= PAGE_SIZE, "the area is one page");

uint64_t ccw_address(const void *in_area)
{
	return virt_to_phys(in_area).addr;
}

/* ---- one command; device->lock held ---- */

static int say(const struct ccw_device *device, int error, const char *what)
{
	log_error("ccw: %s: %s: the device is not used any more", device->name, what);
	return error;
}

/* Condition code 3: there is nothing behind the subchannel now, nor in memory we gave. */
static int gone(struct ccw_device *device)
{
	device->gone = true;
	return say(device, -ENODEV, "gone");
}

static unsigned take_status(struct ccw_device *device, uint8_t *irb)
{
	unsigned code = device->io->operations->test(device->io, device->subchannel, irb);
	uint32_t control = be32_load(irb + IRB_CONTROL);

	if (code == 0 && !(control & (IRB_START_FUNCTION | IRB_CLEAR_FUNCTION)))
		device->told_of_attention = true;
	return code;
}

/* Wait for the end of a start or clear function; its response in irb. */
static int wait_for_end(struct ccw_device *device, uint32_t function, uint8_t *irb)
{
	uint64_t start = clock_ns();

	for (;;) {
		/* Before the look: who did not run for so long looks once more. */
		bool late = clock_ns() - start > CCW_LIMIT_NS;
		unsigned code = take_status(device, irb);
		uint32_t control = be32_load(irb + IRB_CONTROL);

		if (code == 3)
			return gone(device);
		if (code == 0 && (control & function) &&
		    (function == IRB_CLEAR_FUNCTION || (control & IRB_SECONDARY)))
			return 0;
		if (code == 0 && (control & IRB_DEFERRED))
			return gone(device); /* in the middle of the function */
		if (late)
			return -ETIMEDOUT;
		cpu_relax();
	}
}

/* What never ended must not end later, in memory that has another use then. */
static int stop(struct ccw_device *device)
{
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));

	if (device->io->operations->clear(device->io, device->subchannel) == 3 ||
	    wait_for_end(device, IRB_CLEAR_FUNCTION, irb) == -ENODEV)
		return device->gone ? -ENODEV : gone(device);
	device->lost = true;
	return say(device, -ETIMEDOUT, "a command did not end in 200 ms");
}

static int start(struct ccw_device *device)
{
	uint8_t orb[CHANNEL_ORB_SIZE] __attribute__((aligned(8))) = {0};
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));

	be32_store(orb + ORB_CONTROL, ORB_CONTROL_VALUE);
	be32_store(orb + ORB_PROGRAM, (uint32_t)ccw_address(device->area->ccw));
	for (unsigned tries = 0; tries < CCW_BUSY_TRIES; tries++) {
		unsigned code =
			device->io->operations->start(device->io, device->subchannel, orb);

		if (code == 0)
			return 0;
		/* 1: status that nobody asked for is in the way; 2: a function is going on. */
		if (code == 3 || take_status(device, irb) == 3)
			return gone(device);
		clock_delay_ns(NSEC_PER_USEC);
	}
	device->lost = true;
	return say(device, -ETIMEDOUT, "busy for ever");
}

/* Run one command; 0 with the response in irb, whatever it says. */
static int execute(struct ccw_device *device, uint8_t command, const void *at, unsigned length,
		   uint8_t *irb)
{
	uint8_t *ccw = device->area->ccw;
	int error;

	ccw[0] = command;
	ccw[CCW_FLAGS] = CCW_SUPPRESS;
	be16_store(ccw + CCW_COUNT, (uint16_t)length);
	be32_store(ccw + CCW_ADDRESS, (uint32_t)ccw_address(at));
	error = start(device);
	if (error)
		return error;
	error = wait_for_end(device, IRB_START_FUNCTION, irb);
	return error == -ETIMEDOUT ? stop(device) : error;
}

/* Why a command was refused: only the device's sense data tell. */
static int sense(struct ccw_device *device, uint8_t command)
{
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));
	uint8_t *data = device->area->sense;
	int error;

	memset(data, 0, SENSE_SIZE);
	error = execute(device, CCW_COMMAND_SENSE, data, SENSE_SIZE, irb);
	if (error)
		return error;
	if (data[0] & SENSE_COMMAND_REJECT)
		return -EOPNOTSUPP;
	log_warn("ccw: %s: command %#x ended with unit check, sense %02x%02x", device->name,
		 command, data[0], data[1]);
	return -EIO;
}

static int judge(struct ccw_device *device, uint8_t command, unsigned length,
		 const uint8_t *irb)
{
	uint8_t device_status = irb[IRB_STATUS], subchannel_status = irb[IRB_STATUS + 1];
	unsigned residual = be16_load(irb + IRB_RESIDUAL);

	if (device_status & DEVICE_UNIT_CHECK)
		return sense(device, command);
	if ((subchannel_status & SUBCHANNEL_FAULTS) || residual > length) {
		log_warn("ccw: %s: command %#x of %u bytes failed: device status %#x, "
			 "subchannel status %#x, %u bytes left",
			 device->name, command, length, device_status, subchannel_status,
			 residual);
		return -EIO;
	}
	return (int)(length - residual);
}

int ccw_run(struct ccw_device *device, uint8_t command, void *data, unsigned length)
{
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));
	struct irq_state state = spin_lock_irqsave(&device->lock);
	bool attention;
	int result = device->gone ? -ENODEV : device->lost ? -ETIMEDOUT : 0;

	if (!result) {
		if (length)
			memcpy(device->area->data, data, length);
		result = execute(device, command, device->area->data, length, irb);
	}
	if (!result)
		result = judge(device, command, length, irb);
	if (result > 0)
		memcpy(data, device->area->data, length);
	attention = device->told_of_attention;
	device->told_of_attention = false;
	spin_unlock_irqrestore(&device->lock, state);
	if (attention)
		timer_start(&device->timer, clock_ns());
	return result;
}

/* ---- attention ---- */

static void attention_timer(struct timer *timer)
{
	struct ccw_device *device = container_of(timer, struct ccw_device, timer);
	struct irq_state state = spin_lock_irqsave(&enabled_lock);

	if (device->attention)
		device->attention(device);
	spin_unlock_irqrestore(&enabled_lock, state);
}

void ccw_set_attention(struct ccw_device *device, void (*attention)(struct ccw_device *device))
{
	struct irq_state state = spin_lock_irqsave(&enabled_lock);

	device->attention = attention;
	spin_unlock_irqrestore(&enabled_lock, state);
}

static void subchannel_interrupt(struct channel_io *io, uint32_t subchannel)
{
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));
	struct irq_state state = spin_lock_irqsave(&enabled_lock);
	struct ccw_device *device;

	list_for_each_entry (device, &enabled_devices, link) {
		if (device->io != io || device->subchannel != subchannel)
			continue;
		spin_lock(&device->lock);
		if (!device->gone && take_status(device, irb) == 3)
			(void)gone(device);
		device->told_of_attention = false;
		spin_unlock(&device->lock);
		if (device->attention)
			device->attention(device);
		break;
	}
	spin_unlock_irqrestore(&enabled_lock, state);
}

/* ---- finding ---- */

/* Switch the subchannel on, or off, and see that it is. */
static int modify(struct ccw_device *device, bool on)
{
	const struct channel_operations *operations = device->io->operations;
	uint8_t schib[CHANNEL_SCHIB_SIZE] __attribute__((aligned(8)));
	uint8_t irb[CHANNEL_IRB_SIZE] __attribute__((aligned(8)));
	uint32_t flags, wanted = on ? SCHIB_ENABLED : 0;

	for (unsigned tries = 0; tries < CCW_BUSY_TRIES; tries++) {
		unsigned code;

		if (operations->store(device->io, device->subchannel, schib) != 0)
			return -ENODEV;
		flags = be32_load(schib + SCHIB_FLAGS);
		if ((flags & SCHIB_ENABLED) == wanted)
			return 0;
		flags = (flags & (SCHIB_KEEP_FLAGS | SCHIB_VALID)) | wanted |
			(uint32_t)device->io->subclass << SCHIB_SUBCLASS;
		be32_store(schib + SCHIB_FLAGS, flags);
		code = operations->modify(device->io, device->subchannel, schib);
		if (code == 3)
			return -ENODEV;
		if (code == 1)
			(void)operations->test(device->io, device->subchannel, irb);
		else if (code == 2)
			clock_delay_ns(NSEC_PER_USEC);
	}
	return -EIO;
}

static int identify(struct ccw_device *device)
{
	uint8_t id[SENSE_ID_SIZE] = {0};
	int length = ccw_run(device, CCW_COMMAND_SENSE_ID, id, sizeof(id));

	if (length < 0)
		return length;
	if (length <= SENSE_ID_MODEL || id[0] != 0xff)
		return -EIO;
	device->control_unit = be16_load(id + SENSE_ID_CONTROL_UNIT);
	device->model = id[SENSE_ID_MODEL];
	return 0;
}

static struct ccw_device *device_create(struct channel_io *io, uint32_t subchannel,
					unsigned number)
{
	struct ccw_device *device = kzalloc(sizeof(*device));

	if (!device)
		return NULL;
	device->memory =
		folio_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_ZERO | FOLIO_MAY_SLEEP, NULL);
	if (!device->memory) {
		kfree(device);
		return NULL;
	}
	device->area = folio_address(device->memory);
	device->io = io;
	device->subchannel = subchannel;
	spin_lock_init(&device->lock, &device_class);
	timer_init(&device->timer, attention_timer);
	format(device->name, sizeof(device->name), "0.%u.%04x", subchannel >> 17 & 3u, number);
	return device;
}

static void device_enlist(struct ccw_device *device)
{
	struct irq_state state = spin_lock_irqsave(&enabled_lock);

	list_add_tail(&enabled_devices, &device->link);
	spin_unlock_irqrestore(&enabled_lock, state);
}

void ccw_device_free(struct ccw_device *device)
{
	struct irq_state state = spin_lock_irqsave(&enabled_lock);

	list_del(&device->link);
	spin_unlock_irqrestore(&enabled_lock, state);
	timer_cancel_sync(&device->timer);
	if (!device->gone && modify(device, false))
		log_warn("ccw: %s: the subchannel does not let itself be disabled",
			 device->name);
	if (!device->lost)
		folio_put(device->memory);
	kfree(device);
}

/* A subchannel with a device behind it: does it answer, and does anybody want it? */
static bool offer(struct channel_io *io, uint32_t subchannel, unsigned number,
		  int (*found)(struct ccw_device *device))
{
	struct ccw_device *device = device_create(io, subchannel, number);
	int error;

	if (!device) {
		log_error("ccw: no memory for subchannel %#x", subchannel);
		return false;
	}
	error = modify(device, true);
	device_enlist(device);
	if (!error)
		error = identify(device);
	if (error)
		log_warn("ccw: %s: subchannel %#x does not say what it is (error %d): not used",
			 device->name, subchannel, -error);
	else
		error = found(device);
	if (!error)
		return true;
	ccw_device_free(device);
	return false;
}

/* All subchannels of a set; the first number that is not there ends it. */
static unsigned scan_set(struct channel_io *io, unsigned set,
			 int (*found)(struct ccw_device *device))
{
	uint8_t schib[CHANNEL_SCHIB_SIZE] __attribute__((aligned(8)));
	unsigned taken = 0;

	for (unsigned number = 0; number < CHANNEL_NUMBERS; number++) {
		uint32_t subchannel = CHANNEL_ID(set, number), flags;

		if (io->operations->store(io, subchannel, schib) != 0)
			break;
		flags = be32_load(schib + SCHIB_FLAGS);
		if (!(flags & SCHIB_VALID) ||
		    (be32_load(schib + SCHIB_TYPE) & SCHIB_TYPE_MASK) != 0)
			continue;
		taken += offer(io, subchannel, (uint16_t)flags, found);
	}
	return taken;
}

unsigned ccw_enumerate(struct channel_io *io, int (*found)(struct ccw_device *device))
{
	unsigned taken = 0, sets = io->operations->enable_sets(io) ? CHANNEL_SETS : 1;

	io->subchannel_interrupt = subchannel_interrupt;
	for (unsigned set = 0; set < sets; set++)
		taken += scan_set(io, set, found);
	return taken;
}

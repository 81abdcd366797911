// SPDX-License-Identifier: MIT
/*
 * The device side of channel I/O. See the header. Instructions take the channel's lock;
 * interrupts are raised outside it, with interrupts masked.
 */
#include <tests/drivers/fake_channel.h>

#include <drivers/virtio/virtio_ccw.h>
#include <kernel/bits.h>
#include <platform/memory.h>
#include <tests/test.h>

static struct lock_class fake_class = {.name = "fake channel"};
static struct fake_channel the_channel;

static struct fake_channel *channel_of(struct channel_io *io)
{
	return container_of(io, struct fake_channel, io);
}

static struct fake_subchannel *find(struct fake_channel *channel, uint32_t id)
{
	for (unsigned i = 0; i < channel->nr; i++) {
		struct fake_subchannel *found = &channel->subchannels[i];

		if (found->id == id && !found->gone)
			return found;
	}
	return NULL;
}

/* ---- virtio's commands; lock held but for those that reach the fake device ---- */

static const struct virtio_transport *backend(const struct fake_subchannel *s)
{
	return s->fake->device.transport;
}

static void *guest(uint64_t address)
{
	return phys_to_virt(phys(address));
}

static void set_bit(uint64_t area, unsigned bit, bool leftmost)
{
	uint8_t *bytes = guest(area);
	uint8_t *byte = leftmost ? bytes + bit / 8 : bytes + 7 - bit / 8;

	__atomic_fetch_or(byte, (uint8_t)(leftmost ? 0x80 >> bit % 8 : 1 << bit % 8),
			  __ATOMIC_ACQ_REL);
}

static void raise(struct fake_subchannel *s, bool adapter)
{
	struct channel_io *io = &s->channel->io;
	struct irq_state irq = irq_save();

	if (!s->without_interrupts && adapter)
		io->adapter_interrupt();
	else if (!s->without_interrupts)
		io->subchannel_interrupt(io, s->id);
	irq_restore(irq);
}

/* The fake device has used buffers. */
static void queue_used(struct virtio_queue *queue)
{
	struct fake_subchannel *s = queue->transport_data;
	unsigned index = (unsigned)(queue - s->queues);
	struct irq_state irq = spin_lock_irqsave(&s->channel->lock);
	bool adapter = s->summary != 0, told = s->queue_indicators != 0;

	if (told)
		set_bit(s->queue_indicators, index, adapter);
	if (told && adapter)
		__atomic_store_n((uint8_t *)guest(s->summary), 1, __ATOMIC_RELEASE);
	spin_unlock_irqrestore(&s->channel->lock, irq);
	if (told && !adapter)
		fake_subchannel_alert(s);
	if (told)
		raise(s, adapter);
}

/* Its configuration has changed. */
static void config_changed(struct virtio_device *device)
{
	struct fake_subchannel *s = device->driver_data;
	struct irq_state irq = spin_lock_irqsave(&s->channel->lock);
	bool told = s->config_indicators != 0;

	if (told)
		set_bit(s->config_indicators, 0, false);
	spin_unlock_irqrestore(&s->channel->lock, irq);
	if (!told)
		return;
	fake_subchannel_alert(s);
	raise(s, false);
}

static void set_queue(struct fake_subchannel *s, const uint8_t *block)
{
	unsigned index = be16_load(block + 12);
	struct virtio_queue *queue = &s->queues[index % FAKE_QUEUES];

	queue->ring.layout.index = index;
	queue->ring.layout.size = be16_load(block + 14);
	queue->ring.descriptors = guest(be64_load(block));
	queue->ring.available = guest(be64_load(block + 16));
	queue->ring.used = guest(be64_load(block + 24));
	queue->device = &s->fake->device;
	queue->callback = queue_used;
	queue->transport_data = s;
	atomic_store(&queue->enabled, true);
	atomic_store(&s->fake->device.queues[index % FAKE_QUEUES], queue);
	(void)!backend(s)->queue_enable(&s->fake->device, queue);
}

static unsigned read_config(struct fake_subchannel *s, uint8_t *data, unsigned count)
{
	unsigned size = s->fake->device.config_size - s->short_by;

	for (unsigned i = 0; i < MIN(count, size); i++)
		data[i] = (uint8_t)backend(s)->config_read(&s->fake->device, i, 1);
	return MIN(count, size);
}

static void write_features(struct fake_subchannel *s, const uint8_t *block)
{
	uint64_t mask = UINT64_C(0xffffffff) << block[4] * 32;
	uint64_t word = (uint64_t)le32_load(block) << block[4] * 32;

	s->fake->accepted = (s->fake->accepted & ~mask) | word;
}

static void reset(struct fake_subchannel *s)
{
	s->queue_indicators = s->config_indicators = s->summary = 0;
	backend(s)->status_write(&s->fake->device, 0);
}

static bool set_revision(struct fake_subchannel *s, unsigned revision)
{
	if (s->revision >= 0 || revision > s->max_revision)
		return false;
	s->revision = (int)revision;
	return true;
}

static bool set_status(struct fake_subchannel *s, uint8_t status)
{
	backend(s)->status_write(&s->fake->device, status);
	return backend(s)->status_read(&s->fake->device) == status;
}

/* Bytes transferred, or negative for a command the device does not know or refuses. */
static int virtio_command(struct fake_subchannel *s, uint8_t command, uint8_t *data,
			  unsigned count)
{
	struct virtio_device *device = &s->fake->device;

	if (s->revision < 0 && command != 0x83)
		return -1;
	switch (command) {
	case 0x11:
		write_features(s, data);
		break;
	case 0x12:
		le32_store(data, (uint32_t)(backend(s)->features_read(device) >> data[4] * 32));
		break;
	case 0x13:
		set_queue(s, data);
		break;
	case 0x21:
		for (unsigned i = 0; i < count; i++)
			backend(s)->config_write(device, i, 1, data[i]);
		break;
	case 0x22:
		return (int)read_config(s, data, count);
	case 0x31:
		return set_status(s, data[0]) ? 1 : -1;
	case 0x32:
		be16_store(data + 2,
			   (uint16_t)backend(s)->queue_size_max(device, be16_load(data)));
		break;
	case 0x33:
		reset(s);
		break;
	case 0x43:
		s->queue_indicators = be64_load(data);
		break;
	case 0x53:
		s->config_indicators = be64_load(data);
		break;
	case 0x72:
		if (s->revision < 2)
			return -1;
		data[0] = backend(s)->status_read(device);
		break;
	case 0x73:
		s->summary = be64_load(data);
		s->queue_indicators = be64_load(data + 8);
		break;
	case 0x83:
		return set_revision(s, be16_load(data)) ? 4 : -1;
	default:
		return -1;
	}
	return (int)count;
}

/* ---- a channel program of one command ---- */

static int sense_id(const struct fake_subchannel *s, uint8_t *data, unsigned count)
{
	uint8_t id[SENSE_ID_SIZE] = {0xff};

	be16_store(id + SENSE_ID_CONTROL_UNIT, s->control_unit);
	id[SENSE_ID_MODEL] = s->model;
	memcpy(data, id, MIN(count, sizeof(id)));
	return (int)MIN(count, sizeof(id));
}

static int run(struct fake_subchannel *s, uint8_t command, uint8_t *data, unsigned count)
{
	if (command == CCW_COMMAND_SENSE) {
		s->senses++;
		memcpy(data, s->sense, MIN(count, SENSE_SIZE));
		return (int)MIN(count, SENSE_SIZE);
	}
	if (command == s->reject)
		return -1;
	if (command == CCW_COMMAND_SENSE_ID)
		return sense_id(s, data, count);
	return s->fake ? virtio_command(s, command, data, count) : -1;
}

static void respond(struct fake_subchannel *s, uint32_t control, uint8_t device_status,
		    uint8_t subchannel_status, unsigned residual)
{
	memset(s->response, 0, sizeof(s->response));
	be32_store(s->response + IRB_CONTROL, control | IRB_PENDING);
	s->response[IRB_STATUS] = device_status;
	s->response[IRB_STATUS + 1] = subchannel_status;
	be16_store(s->response + IRB_RESIDUAL, (uint16_t)residual);
	s->pending = true;
}

static void execute(struct fake_subchannel *s, const void *orb)
{
	const uint8_t *ccw = guest(be32_load((const uint8_t *)orb + ORB_PROGRAM));
	unsigned count = be16_load(ccw + CCW_COUNT);
	uint8_t *data = guest(be32_load(ccw + CCW_ADDRESS));
	int done = run(s, ccw[0], data, count);
	bool unit_check = done < 0 || ccw[0] == s->fail;
	unsigned residual = done < 0 ? count : count - (unsigned)done;

	if (unit_check)
		s->sense[0] = done < 0 ? SENSE_COMMAND_REJECT : 0x10;
	if (ccw[0] == s->too_long)
		residual = count + 1;
	respond(s, IRB_START_FUNCTION | IRB_SECONDARY | 0xc,
		(uint8_t)(0x0c | (unit_check ? DEVICE_UNIT_CHECK : 0)),
		ccw[0] == s->check ? 0x20 : 0, residual);
}

/* ---- instructions ---- */

static unsigned store(struct channel_io *io, uint32_t id, void *schib)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);

	channel->stores++;
	memset(schib, 0, CHANNEL_SCHIB_SIZE);
	if (s) {
		be32_store((uint8_t *)schib + SCHIB_FLAGS,
			   (s->enabled ? SCHIB_ENABLED : 0) | (s->valid ? SCHIB_VALID : 0) |
				   s->number);
		be32_store((uint8_t *)schib + SCHIB_TYPE, (uint32_t)s->type << 21);
	}
	spin_unlock_irqrestore(&channel->lock, irq);
	return s ? 0 : 3;
}

static unsigned modify(struct channel_io *io, uint32_t id, const void *schib)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);
	uint32_t flags = be32_load((const uint8_t *)schib + SCHIB_FLAGS);
	unsigned code = !s ? 3 : s->pending ? 1 : 0;

	if (code == 0 && s->stays_disabled > 0) {
		s->stays_disabled--;
		code = s->stays_disabled % 2 ? 2 : 0;
	} else if (code == 0) {
		s->enabled = flags & SCHIB_ENABLED;
		if (!s->enabled)
			s->revision = -1;
	}
	spin_unlock_irqrestore(&channel->lock, irq);
	return code;
}

static unsigned start(struct channel_io *io, uint32_t id, const void *orb)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);
	unsigned code = 0;

	if (s && s->starts_to_gone && s->starts + 1 >= s->starts_to_gone)
		s->gone = true;
	if (!s || s->gone || !s->enabled)
		code = 3;
	else if (s->pending)
		code = 1;
	else if (s->busy > 0)
		code = 2;
	if (code == 2)
		s->busy--;
	if (code == 0) {
		s->starts++;
		if (!s->silent)
			execute(s, orb);
	}
	spin_unlock_irqrestore(&channel->lock, irq);
	return code;
}

static unsigned test(struct channel_io *io, uint32_t id, void *irb)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);
	unsigned code = !s ? 3 : s->pending ? 0 : 1;

	memset(irb, 0, CHANNEL_IRB_SIZE);
	if (code == 0)
		memcpy(irb, s->response, CHANNEL_IRB_SIZE);
	if (s)
		s->pending = false;
	spin_unlock_irqrestore(&channel->lock, irq);
	return code;
}

static unsigned clear(struct channel_io *io, uint32_t id)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);

	if (s)
		s->clears++;
	if (s && !s->deaf)
		respond(s, IRB_CLEAR_FUNCTION, 0, 0, 0);
	spin_unlock_irqrestore(&channel->lock, irq);
	return s ? 0 : 3;
}

static bool enable_sets(struct channel_io *io)
{
	return channel_of(io)->has_sets;
}

static int64_t notify(struct channel_io *io, uint32_t id, uint64_t index, int64_t cookie)
{
	struct fake_channel *channel = channel_of(io);
	struct irq_state irq = spin_lock_irqsave(&channel->lock);
	struct fake_subchannel *s = find(channel, id);

	spin_unlock_irqrestore(&channel->lock, irq);
	/* The first notification has no cookie, all others the one that was given. */
	if (!s || index >= FAKE_QUEUES || (cookie != 0 && cookie != (int64_t)index + 7))
		return -22;
	backend(s)->notify(&s->fake->device, &s->queues[index]);
	return (int64_t)index + 7;
}

static const struct channel_operations operations = {
	.store = store,
	.modify = modify,
	.start = start,
	.test = test,
	.clear = clear,
	.enable_sets = enable_sets,
	.notify = notify,
};

/* ---- in the hands of a test ---- */

struct fake_channel *fake_channel_new(void)
{
	memset(&the_channel, 0, sizeof(the_channel));
	the_channel.io.operations = &operations;
	the_channel.io.subclass = 3;
	the_channel.has_sets = true;
	spin_lock_init(&the_channel.lock, &fake_class);
	return &the_channel;
}

void fake_channel_end(struct fake_channel *channel)
{
	for (unsigned i = 0; i < channel->nr; i++) {
		if (channel->subchannels[i].fake)
			fake_virtio_destroy(channel->subchannels[i].fake);
	}
	channel->nr = 0;
}

struct fake_subchannel *fake_channel_add(struct fake_channel *channel, unsigned set,
					 unsigned number)
{
	struct fake_subchannel *s = &channel->subchannels[channel->nr++];

	*s = (struct fake_subchannel){
		.channel = channel,
		.id = CHANNEL_ID(set, number),
		.valid = true,
		.number = (uint16_t)number,
		.control_unit = 0x3270,
		.reject = FAKE_NO_COMMAND,
		.fail = FAKE_NO_COMMAND,
		.check = FAKE_NO_COMMAND,
		.too_long = FAKE_NO_COMMAND,
		.max_revision = 2,
		.revision = -1,
	};
	return s;
}

struct fake_subchannel *fake_channel_add_balloon(struct fake_channel *channel, unsigned set,
						 unsigned number)
{
	struct fake_subchannel *s = fake_channel_add(channel, set, number);

	s->control_unit = VIRTIO_CCW_CONTROL_UNIT;
	s->model = VIRTIO_ID_BALLOON;
	s->fake = fake_virtio_create();
	if (!s->fake)
		ERROR("no memory for the fake device");
	s->driver.config_changed = config_changed;
	s->fake->device.driver = &s->driver;
	s->fake->device.driver_data = s;
	atomic_store(&s->fake->device.ready, true);
	return s;
}

void fake_subchannel_alert(struct fake_subchannel *s)
{
	struct irq_state irq = spin_lock_irqsave(&s->channel->lock);

	if (!s->pending)
		respond(s, 0x10, 0x80, 0, 0);
	spin_unlock_irqrestore(&s->channel->lock, irq);
}

void fake_subchannel_remove(struct fake_subchannel *s)
{
	struct irq_state irq = spin_lock_irqsave(&s->channel->lock);

	s->gone = true;
	spin_unlock_irqrestore(&s->channel->lock, irq);
}

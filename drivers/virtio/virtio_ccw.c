// SPDX-License-Identifier: MIT
/*
 * Virtio over channel I/O (Virtio 1.2, 4.3). Everything but notifications is a channel command;
 * the blocks of commands are big-endian, feature words and configuration space little-endian.
 * Queue interrupts are adapter interrupts, where the device knows them: it sets a bit per queue
 * and a summary byte, and no command is needed to find out. Otherwise, and for configuration
 * changes, it sets bits and makes status pending at its subchannel.
 */
#include <drivers/virtio/virtio_ccw.h>

#include <drivers/ccw/ccw.h>
#include <drivers/virtio/virtio.h>
#include <errno.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <mm/slab.h>

/* Commands, Virtio 1.2, 4.3.1.2. */
#define COMMAND_WRITE_FEATURES 0x11
#define COMMAND_READ_FEATURES  0x12
#define COMMAND_SET_QUEUE      0x13
#define COMMAND_WRITE_CONFIG   0x21
#define COMMAND_READ_CONFIG    0x22
#define COMMAND_WRITE_STATUS   0x31
#define COMMAND_READ_QUEUE     0x32
#define COMMAND_RESET          0x33
#define COMMAND_SET_INDICATORS 0x43
#define COMMAND_SET_CONFIG_IND 0x53
#define COMMAND_READ_STATUS    0x72
#define COMMAND_SET_ADAPTER    0x73
#define COMMAND_SET_REVISION   0x83

#define REVISION_HIGHEST 2u /* the first with READ_STATUS */
#define REVISION_LOWEST  1u /* below is the interface before Virtio 1.0 */

#define STATUS_STUCK 0xff

/* Indicators; the device sets bits at any time, we take them by exchanging with 0. */
struct indicators {
	uint64_t queues;
	uint64_t config; /* the lowest bit */
	uint8_t summary;
};

struct virtio_ccw {
	struct virtio_device device;
	struct ccw_device *ccw;
	struct indicators *indicators; /* in the area of the ccw device */
	unsigned revision;
	uint8_t status;  /* last written, for revisions that cannot read it */
	bool by_adapter; /* queues by adapter interrupts */
	bool listening;
	struct list_head link; /* listeners, under their lock */
};

static struct lock_class listeners_class = {.name = "virtio-ccw listeners"};
static struct spin_lock listeners_lock = SPIN_LOCK_INIT(&listeners_class);
static struct list_head listeners = LIST_INIT(listeners);

static struct virtio_ccw *virtio_ccw_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_ccw, device);
}

/* A command that must transfer everything: 0 or an error. */
static int command(struct virtio_ccw *v, uint8_t code, void *data, unsigned length)
{
	int done = ccw_run(v->ccw, code, data, length);

	return done < 0 ? done : 0;
}

static int command_read(struct virtio_ccw *v, uint8_t code, void *data, unsigned length)
{
	int done = ccw_run(v->ccw, code, data, length);

	return done < 0 ? done : (unsigned)done < length ? -EIO : 0;
}

/* ---- the transport ---- */

/* What is gone uses no memory any more, as after a reset; what fails may do anything. */
static uint8_t status_after(int error)
{
	return error == -ENODEV ? 0 : STATUS_STUCK;
}

static uint8_t status_read(struct virtio_device *device)
{
	struct virtio_ccw *v = virtio_ccw_of(device);
	uint8_t status = STATUS_STUCK;
	int error;

	if (v->revision < REVISION_HIGHEST)
		return v->status;
	error = command_read(v, COMMAND_READ_STATUS, &status, 1);
	return error ? status_after(error) : status;
}

/* A device that refuses a status keeps the one it has. */
static void status_write(struct virtio_device *device, uint8_t status)
{
	struct virtio_ccw *v = virtio_ccw_of(device);
	uint8_t byte = status;
	int error = status ? command(v, COMMAND_WRITE_STATUS, &byte, 1)
			   : command(v, COMMAND_RESET, NULL, 0);

	if (!error)
		v->status = status;
	else if (error != -EOPNOTSUPP)
		v->status = status_after(error);
}

static uint64_t features_read(struct virtio_device *device)
{
	uint64_t features = 0;

	for (uint8_t word = 0; word < 2; word++) {
		uint8_t block[5] = {0, 0, 0, 0, word};

		if (command_read(virtio_ccw_of(device), COMMAND_READ_FEATURES, block,
				 sizeof(block)))
			return 0;
		features |= (uint64_t)le32_load(block) << word * 32;
	}
	return features;
}

/* A word that does not arrive shows when the device refuses FEATURES_OK. */
static void features_write(struct virtio_device *device, uint64_t features)
{
	for (uint8_t word = 0; word < 2; word++) {
		uint8_t block[5] = {0, 0, 0, 0, word};

		le32_store(block, (uint32_t)(features >> word * 32));
		(void)!command(virtio_ccw_of(device), COMMAND_WRITE_FEATURES, block,
			       sizeof(block));
	}
}

/* Configuration is only ever read from its start. */
static int config_fetch(struct virtio_ccw *v, uint8_t *config, unsigned length)
{
	int error = command_read(v, COMMAND_READ_CONFIG, config, length);

	if (error)
		memset(config, 0xff, length);
	return error;
}

/* There is no generation: a sum over everything stands in, which changes when any byte does. */
static uint32_t generation(struct virtio_device *device)
{
	uint8_t config[CCW_DATA_MAX];
	uint32_t sum = 2166136261u; /* Fowler, Noll, Vo: FNV-1a */

	(void)!config_fetch(virtio_ccw_of(device), config, device->config_size);
	for (unsigned i = 0; i < device->config_size; i++)
		sum = (sum ^ config[i]) * 16777619u;
	return sum;
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
	uint8_t config[CCW_DATA_MAX];

	(void)!config_fetch(virtio_ccw_of(device), config, offset + width);
	return width == 1   ? config[offset]
	       : width == 2 ? le16_load(config + offset)
			    : le32_load(config + offset);
}

/* What lies before the field is written too, so it must be what it was. */
static void config_write(struct virtio_device *device, unsigned offset, unsigned width,
			 uint32_t value)
{
	struct virtio_ccw *v = virtio_ccw_of(device);
	uint8_t config[CCW_DATA_MAX], bytes[4];

	if (config_fetch(v, config, offset + width))
		return;
	le32_store(bytes, value);
	memcpy(config + offset, bytes, width);
	if (command(v, COMMAND_WRITE_CONFIG, config, offset + width))
		log_warn("virtio: %s: configuration at %u was not taken", device->name, offset);
}

static unsigned queue_size_max(struct virtio_device *device, unsigned index)
{
	uint8_t block[4] = {0};

	be16_store(block, (uint16_t)index);
	if (command_read(virtio_ccw_of(device), COMMAND_READ_QUEUE, block, sizeof(block)))
		return 0;
	return be16_load(block + 2);
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	const struct virtqueue *ring = &queue->ring;
	uint8_t block[32] = {0};
	int error;

	be64_store(block, virtqueue_descriptor_address(ring).addr);
	be16_store(block + 12, (uint16_t)ring->layout.index);
	be16_store(block + 14, (uint16_t)ring->layout.size);
	be64_store(block + 16, virtqueue_available_address(ring).addr);
	be64_store(block + 24, virtqueue_used_address(ring).addr);
	queue->transport_data = NULL; /* the host's cookie */
	error = command(virtio_ccw_of(device), COMMAND_SET_QUEUE, block, sizeof(block));
	if (error)
		log_error("virtio: %s: queue %u: not taken (error %d)", device->name,
			  ring->layout.index, -error);
	return error;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	struct ccw_device *ccw = virtio_ccw_of(device)->ccw;
	int64_t cookie =
		ccw->io->operations->notify(ccw->io, ccw->subchannel, queue->ring.layout.index,
					    (intptr_t)queue->transport_data);

	/* A device that is gone shows with the next command. */
	queue->transport_data = (void *)(intptr_t)MAX(cookie, 0);
}

/* ---- interrupts ---- */

/* Classic indicators count from the lowest bit, those of adapters from the leftmost. */
static void queues_look(struct virtio_ccw *v)
{
	uint64_t raw = __atomic_exchange_n(&v->indicators->queues, 0, __ATOMIC_ACQ_REL);
	uint64_t bits = be64_load(&raw);

	for (unsigned i = 0; bits && i < VIRTIO_QUEUES_MAX; i++) {
		uint64_t bit = v->by_adapter ? BIT64(63) >> i : BIT64(i);

		if (bits & bit)
			virtio_device_queue_interrupt(&v->device, i);
		bits &= ~bit;
	}
}

static void attention(struct ccw_device *ccw)
{
	struct virtio_ccw *v = ccw->driver_data;

	if (__atomic_exchange_n(&v->indicators->config, 0, __ATOMIC_ACQ_REL))
		virtio_device_config_interrupt(&v->device);
	queues_look(v);
}

/* First the summary, then the bits: what comes in between interrupts again. */
static void adapter_interrupt(void)
{
	struct irq_state state = spin_lock_irqsave(&listeners_lock);
	struct virtio_ccw *v;

	list_for_each_entry (v, &listeners, link) {
		if (__atomic_exchange_n(&v->indicators->summary, 0, __ATOMIC_ACQ_REL))
			queues_look(v);
	}
	spin_unlock_irqrestore(&listeners_lock, state);
}

static void listen(struct virtio_ccw *v, bool on)
{
	struct irq_state state = spin_lock_irqsave(&listeners_lock);

	if (on && !v->listening)
		list_add_tail(&listeners, &v->link);
	else if (!on && v->listening)
		list_del(&v->link);
	v->listening = on;
	spin_unlock_irqrestore(&listeners_lock, state);
	ccw_set_attention(v->ccw, on ? attention : NULL);
}

static int indicators_set(struct virtio_ccw *v)
{
	uint8_t adapter[25] = {0}, address[8];
	int error;

	be64_store(adapter, ccw_address(&v->indicators->summary));
	be64_store(adapter + 8, ccw_address(&v->indicators->queues));
	adapter[24] = v->ccw->io->subclass;
	error = command(v, COMMAND_SET_ADAPTER, adapter, sizeof(adapter));
	v->by_adapter = error == 0;
	be64_store(address, ccw_address(&v->indicators->queues));
	if (error == -EOPNOTSUPP)
		error = command(v, COMMAND_SET_INDICATORS, address, sizeof(address));
	be64_store(address, ccw_address(&v->indicators->config));
	if (!error)
		error = command(v, COMMAND_SET_CONFIG_IND, address, sizeof(address));
	return error;
}

static int interrupts_enable(struct virtio_device *device)
{
	struct virtio_ccw *v = virtio_ccw_of(device);
	int error;

	listen(v, true);
	error = indicators_set(v);
	if (error)
		log_error("virtio: %s: takes no indicators (error %d): without interrupts the "
			  "device cannot be driven",
			  device->name, -error);
	return error;
}

static void interrupts_disable(struct virtio_device *device)
{
	listen(virtio_ccw_of(device), false);
}

static const struct virtio_transport transport = {
	.status_read = status_read,
	.status_write = status_write,
	.features_read = features_read,
	.features_write = features_write,
	.generation = generation,
	.config_read = config_read,
	.config_write = config_write,
	.queue_size_max = queue_size_max,
	.queue_enable = queue_enable,
	.notify = notify,
	.interrupts_enable = interrupts_enable,
	.interrupts_disable = interrupts_disable,
};

/* ---- finding ---- */

/* The highest revision both know; a device keeps it until its subchannel is disabled. */
static int revision_choose(struct virtio_ccw *v)
{
	int error = -EOPNOTSUPP;

	v->revision = REVISION_HIGHEST + 1;
	while (error == -EOPNOTSUPP && v->revision > REVISION_LOWEST) {
		uint8_t block[4] = {0};

		be16_store(block, (uint16_t)--v->revision);
		error = command(v, COMMAND_SET_REVISION, block, sizeof(block));
	}
	if (error == -EOPNOTSUPP)
		log_error("virtio: %s: refuses revisions %u to %u: only modern devices are "
			  "driven (QEMU: max_revision=%u)",
			  v->device.name, REVISION_LOWEST, REVISION_HIGHEST, REVISION_HIGHEST);
	return error;
}

/* Configuration ends where the device stops giving bytes. */
static int config_size(struct virtio_ccw *v)
{
	uint8_t config[CCW_DATA_MAX];
	int length = ccw_run(v->ccw, COMMAND_READ_CONFIG, config, sizeof(config));

	if (length < 0)
		return length;
	v->device.config_size = (unsigned)length;
	return 0;
}

static int attach(struct virtio_ccw *v)
{
	int error = revision_choose(v);

	if (!error)
		error = config_size(v);
	if (!error)
		error = virtio_device_attach(&v->device);
	/* Nobody else uses it any more. */
	if (error && v->device.stuck)
		v->ccw->lost = true;
	return error;
}

static int found(struct ccw_device *ccw)
{
	struct virtio_ccw *v;
	int error;

	if (ccw->control_unit != VIRTIO_CCW_CONTROL_UNIT)
		return -ENODEV;
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->ccw = ccw;
	v->indicators = (struct indicators *)(void *)ccw->area->shared;
	v->device.id = ccw->model;
	v->device.transport = &transport;
	ccw->driver_data = v;
	format(v->device.name, sizeof(v->device.name), "virtio-ccw %s", ccw->name);
	error = attach(v);
	if (error)
		kfree(v);
	return error;
}

void virtio_ccw_detach(struct virtio_device *device)
{
	struct virtio_ccw *v = virtio_ccw_of(device);

	virtio_device_detach(device);
	v->ccw->lost |= device->stuck;
	ccw_device_free(v->ccw);
	kfree(v);
}

unsigned virtio_ccw_probe_all(struct channel_io *io)
{
	if (!io)
		return 0;
	io->adapter_interrupt = adapter_interrupt;
	return ccw_enumerate(io, found);
}

// SPDX-License-Identifier: MIT
/*
 * Status machine, negotiation, queues and configuration space, the same for every transport.
 * A queue's record lives from its first creation to detach, because an interrupt may look at it
 * at any time; only its ring comes and goes with resets. Memory that a device knows of is given
 * back only after the device confirmed a reset: one that does not keeps it for ever.
 */
#include <drivers/virtio/virtio.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/log.h>
#include <kernel/shutdown.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <platform/cpu.h>

#define CONFIG_READ_TRIES 16

struct list_head virtio_devices = LIST_INIT(virtio_devices);

bool virtio_device_needs_reset(struct virtio_device *device)
{
	uint8_t status = device->transport->status_read(device);

	return (status & VIRTIO_STATUS_NEEDS_RESET) || !(status & VIRTIO_STATUS_DRIVER_OK);
}

static void status_add(struct virtio_device *device, uint8_t bits)
{
	uint8_t status = device->transport->status_read(device);

	device->transport->status_write(device, status | bits);
}

static void queues_disable(struct virtio_device *device)
{
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		struct virtio_queue *queue = atomic_load(&device->queues[i]);

		if (queue)
			atomic_store(&queue->enabled, false);
	}
}

int virtio_device_reset(struct virtio_device *device)
{
	uint64_t start = clock_ns();

	atomic_store(&device->ready, false);
	queues_disable(device);
	device->transport->status_write(device, 0);
	for (;;) {
		/* Before the look: who did not run for so long looks once more. */
		bool late = clock_ns() - start > VIRTIO_RESET_LIMIT_NS;

		if (device->transport->status_read(device) == 0)
			break;
		if (late) {
			device->stuck = true;
			log_error("virtio: %s: no answer to a reset within %u ms (status %#x): "
				  "device given up, the memory it knows stays unused",
				  device->name,
				  (unsigned)(VIRTIO_RESET_LIMIT_NS / NSEC_PER_MSEC),
				  device->transport->status_read(device));
			return -ETIMEDOUT;
		}
		thread_yield();
	}
	device->stuck = false;
	return 0;
}

static uint64_t features_wanted(const struct virtio_device *device, uint64_t offered)
{
	const struct virtio_driver *driver = device->driver;
	uint64_t refused = driver->features_refused ? driver->features_refused(offered) : 0;

	return (driver->features & ~refused) | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX |
	       VIRTIO_F_INDIRECT | VIRTIO_F_ACCESS_PLATFORM;
}

static int negotiate(struct virtio_device *device)
{
	const struct virtio_transport *transport = device->transport;

	status_add(device, VIRTIO_STATUS_ACKNOWLEDGE);
	status_add(device, VIRTIO_STATUS_DRIVER);
	device->features = transport->features_read(device);
	device->features &= features_wanted(device, device->features);
	if (!virtio_has_feature(device, VIRTIO_F_VERSION_1)) {
		log_error("virtio: %s: offers no VERSION_1: only modern devices are driven "
			  "(QEMU: disable-legacy=on or a transitional device)",
			  device->name);
		return -ENODEV;
	}
	transport->features_write(device, device->features);
	status_add(device, VIRTIO_STATUS_FEATURES_OK);
	if (!(transport->status_read(device) & VIRTIO_STATUS_FEATURES_OK)) {
		log_error("virtio: %s: refuses features %#llx of its own offer", device->name,
			  (unsigned long long)device->features);
		return -ENODEV;
	}
	return transport->interrupts_enable(device);
}

int virtio_device_ready(struct virtio_device *device)
{
	atomic_store(&device->ready, true);
	status_add(device, VIRTIO_STATUS_DRIVER_OK);
	if (!virtio_device_needs_reset(device))
		return 0;
	log_error("virtio: %s: did not start (status %#x)", device->name,
		  device->transport->status_read(device));
	return -EIO;
}

static const struct virtio_driver *driver_find(uint32_t id)
{
	table_for_each (quire_virtio_drivers, driver)
		if ((*driver)->id == id)
			return *driver;
	return NULL;
}

/* Memory of a queue goes back, unless a device may still write to it. */
static void queue_free_memory(struct virtio_queue *queue)
{
	if (!queue->memory)
		return;
	if (!queue->device->stuck)
		folio_put(queue->memory);
	queue->memory = NULL;
	kfree(queue->ring.slots);
	queue->ring.slots = NULL;
}

static void queues_free_memory(struct virtio_device *device)
{
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
		struct virtio_queue *queue = atomic_load(&device->queues[i]);

		if (queue)
			queue_free_memory(queue);
	}
}

int virtio_device_quiesce(struct virtio_device *device)
{
	int error = device->stuck ? -ETIMEDOUT : virtio_device_reset(device);

	device->transport->interrupts_disable(device);
	return error;
}

/* Whether it resets or is stuck: no interrupt afterwards, so the queues' records may go. */
static void device_stop(struct virtio_device *device)
{
	(void)!virtio_device_quiesce(device); /* reports a stuck device itself */
	queues_free_memory(device);
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		kfree(atomic_exchange(&device->queues[i], NULL));
}

int virtio_devices_shutdown(void)
{
	struct list_head *link;
	int error = 0;

	for (link = virtio_devices.prev; link != &virtio_devices; link = link->prev) {
		struct virtio_device *device = list_entry(link, struct virtio_device, link);
		int result;

		if (device->driver->shutdown)
			device->driver->shutdown(device);
		result = virtio_device_quiesce(device);
		error = error ? error : result;
	}
	return error;
}

static int run_shutdown(struct shutdown_hook *hook)
{
	(void)hook;
	return virtio_devices_shutdown();
}

/* Registered while there are devices. */
static struct shutdown_hook shutdown_hook = {
	.name = "virtio", .stage = SHUTDOWN_DEVICES, .run = run_shutdown};

int virtio_device_attach(struct virtio_device *device)
{
	int error;

	device->driver = driver_find(device->id);
	if (!device->driver)
		return -ENODEV;
	error = virtio_device_reset(device);
	if (error)
		return error;
	error = negotiate(device);
	if (!error)
		error = device->driver->probe(device);
	if (error) {
		status_add(device, VIRTIO_STATUS_FAILED);
		device_stop(device);
		return error;
	}
	if (list_is_empty(&virtio_devices))
		shutdown_hook_register(&shutdown_hooks, &shutdown_hook);
	list_add_tail(&virtio_devices, &device->link);
	return 0;
}

void virtio_device_detach(struct virtio_device *device)
{
	list_del(&device->link);
	if (list_is_empty(&virtio_devices))
		shutdown_hook_unregister(&shutdown_hooks, &shutdown_hook);
	device->driver->remove(device);
	device_stop(device);
	device->driver = NULL;
}

int virtio_device_restart(struct virtio_device *device)
{
	if (device->stuck)
		return -ETIMEDOUT;
	queues_free_memory(device);
	return negotiate(device);
}

/* Size to use: what the driver wants, or the largest power of two the device takes. */
static int queue_size_choose(struct virtio_device *device,
			     const struct virtio_queue_request *request, unsigned *size)
{
	unsigned max = device->transport->queue_size_max(device, request->index);

	if (max == 0)
		return -ENODEV;
	if (max > 32768) {
		log_error("virtio: %s: queue %u: impossible size %u (1 to 32768): not used",
			  device->name, request->index, max);
		return -EINVAL;
	}
	*size = MIN(request->size, BIT(log2_floor(max)));
	return 0;
}

/* Record for the index, new or left from before a reset. */
static struct virtio_queue *queue_record(struct virtio_device *device, unsigned index)
{
	struct virtio_queue *queue = atomic_load(&device->queues[index]);

	if (queue)
		return queue;
	queue = kzalloc(sizeof(*queue));
	if (queue) {
		queue->device = device;
		atomic_store(&device->queues[index], queue);
	}
	return queue;
}

static void queue_notify(struct virtqueue *ring)
{
	struct virtio_queue *queue = container_of(ring, struct virtio_queue, ring);

	queue->device->transport->notify(queue->device, queue);
}

static int queue_lay_out(struct virtio_queue *queue, const struct virtqueue_layout *layout)
{
	size_t bytes = virtqueue_memory_size(layout);
	void *slots = kzalloc(virtqueue_slots_size(layout));
	int error;

	if (!slots)
		return -ENOMEM;
	queue->memory = folio_alloc(NODE_ANY, log2_ceil((bytes + PAGE_SIZE - 1) >> PAGE_SHIFT),
				    FOLIO_MAY_SLEEP, NULL);
	if (!queue->memory) {
		kfree(slots);
		return -ENOMEM;
	}
	error = virtqueue_init(&queue->ring, layout, folio_address(queue->memory), slots);
	ASSERT(!error);
	queue->ring.notify = queue_notify;
	return 0;
}

int virtio_queue_create(struct virtio_device *device,
			const struct virtio_queue_request *request,
			struct virtio_queue **created)
{
	struct virtqueue_layout layout = {
		.device = device->name,
		.index = request->index,
		.event_index = virtio_has_feature(device, VIRTIO_F_EVENT_INDEX),
	};
	struct virtio_queue *queue;
	int error;

	ASSERT(request->index < VIRTIO_QUEUES_MAX && is_power_of_two(request->size));
	if (virtio_has_feature(device, VIRTIO_F_INDIRECT))
		layout.indirect_entries = request->indirect_entries;
	error = queue_size_choose(device, request, &layout.size);
	if (error)
		return error;
	queue = queue_record(device, request->index);
	if (!queue)
		return -ENOMEM;
	if (queue->memory)
		return -EBUSY;
	error = queue_lay_out(queue, &layout);
	if (error)
		return error;
	queue->callback = request->callback;
	error = device->transport->queue_enable(device, queue);
	if (error)
		return error; /* the device may know the memory: freed after the reset */
	*created = queue;
	/* Last: there is nothing to hear of before, and the callback may look at all of it. */
	atomic_store(&queue->enabled, true);
	return 0;
}

void virtio_device_config_interrupt(struct virtio_device *device)
{
	if (atomic_load(&device->ready) && device->driver->config_changed)
		device->driver->config_changed(device);
}

void virtio_device_queue_interrupt(struct virtio_device *device, unsigned index)
{
	struct virtio_queue *queue = atomic_load(&device->queues[index]);

	if (queue && atomic_load(&queue->enabled) && queue->callback)
		queue->callback(queue);
}

void virtio_device_queues_interrupt(struct virtio_device *device)
{
	for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
		virtio_device_queue_interrupt(device, i);
}

static bool config_field_exists(const struct virtio_device *device, unsigned offset,
				unsigned size)
{
	return offset <= device->config_size && size <= device->config_size - offset;
}

int virtio_config_read32(struct virtio_device *device, unsigned offset, uint32_t *value)
{
	*value = 0;
	if (!config_field_exists(device, offset, 4))
		return -ERANGE;
	*value = device->transport->config_read(device, offset, 4);
	return 0;
}

int virtio_config_read64(struct virtio_device *device, unsigned offset, uint64_t *value)
{
	const struct virtio_transport *transport = device->transport;
	uint64_t low, high;
	uint32_t before;

	*value = 0;
	if (!config_field_exists(device, offset, 8))
		return -ERANGE;
	for (int tries = 0; tries < CONFIG_READ_TRIES; tries++) {
		before = transport->generation(device);
		low = transport->config_read(device, offset, 4);
		high = transport->config_read(device, offset + 4, 4);
		if (transport->generation(device) == before) {
			*value = low | high << 32;
			return 0;
		}
	}
	return -EAGAIN;
}

int virtio_config_write32(struct virtio_device *device, unsigned offset, uint32_t value)
{
	if (!config_field_exists(device, offset, 4))
		return -ERANGE;
	device->transport->config_write(device, offset, 4, value);
	return 0;
}

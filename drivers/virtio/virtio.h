// SPDX-License-Identifier: MIT
/*
 * Virtio devices above their transport: the status machine, feature negotiation, queues,
 * checked configuration space, and the table of drivers. Only devices that offer VERSION_1 are
 * driven. A transport (virtio_pci.c, virtio_mmio.c, a test's fake) finds a device, fills the
 * first part of struct virtio_device and calls virtio_device_attach().
 *
 * Life of a device: attach -> reset, negotiate -> driver's probe (creates queues, calls
 * virtio_device_ready()) -> ... -> detach -> driver's remove -> reset, queues freed. A driver
 * that finds its device broken calls virtio_device_restart() and builds its queues again.
 */
#ifndef DRIVERS_VIRTIO_VIRTIO_H
#define DRIVERS_VIRTIO_VIRTIO_H

#include <drivers/virtio/virtqueue.h>
#include <kernel/list.h>
#include <kernel/table.h>

#define VIRTIO_ID_NET     1u
#define VIRTIO_ID_RNG     4u
#define VIRTIO_ID_BALLOON 5u

#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER      2u
#define VIRTIO_STATUS_DRIVER_OK   4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED      128u

#define VIRTIO_F_INDIRECT        BIT64(28)
#define VIRTIO_F_EVENT_INDEX     BIT64(29)
#define VIRTIO_F_VERSION_1       BIT64(32)
#define VIRTIO_F_ACCESS_PLATFORM BIT64(33) /* bus addresses: physical ones, no IOMMU is on */

#define VIRTIO_QUEUES_MAX     16u
#define VIRTIO_NAME_MAX       40
#define VIRTIO_RESET_LIMIT_NS UINT64_C(1000000000)

struct virtio_device;
struct virtio_queue;

/*
 * What differs between buses. All in thread context but notify. Values in host order. A device
 * that is gone reads all ones; nothing here judges values, virtio.c does.
 */
struct virtio_transport {
	uint8_t (*status_read)(struct virtio_device *device);
	void (*status_write)(struct virtio_device *device, uint8_t status);
	uint64_t (*features_read)(struct virtio_device *device);
	void (*features_write)(struct virtio_device *device, uint64_t features);
	uint32_t (*generation)(struct virtio_device *device);
	/* width 1, 2 or 4, offset a multiple of it and inside device->config_size */
	uint32_t (*config_read)(struct virtio_device *device, unsigned offset, unsigned width);
	void (*config_write)(struct virtio_device *device, unsigned offset, unsigned width,
			     uint32_t value);
	/* Largest size of a queue, 0 when it does not exist. */
	unsigned (*queue_size_max)(struct virtio_device *device, unsigned index);
	/* Tell the device where the queue lies, connect its interrupt, switch it on. */
	int (*queue_enable)(struct virtio_device *device, struct virtio_queue *queue);
	void (*notify)(struct virtio_device *device, struct virtio_queue *queue);
	/* Connect the interrupt for configuration changes; before any queue_enable, after every
	 * reset. */
	int (*interrupts_enable)(struct virtio_device *device);
	/* No handler runs any more and none will. Harmless when not enabled. */
	void (*interrupts_disable)(struct virtio_device *device);
};

struct virtio_queue {
	struct virtqueue ring; /* owned by the driver once created */
	struct virtio_device *device;
	/* Interrupt context: only wakes somebody. */
	void (*callback)(struct virtio_queue *queue);
	struct folio
		*memory; /* NULL: not created, or given up with a device that never reset */
	void *transport_data; /* the transport's place for a doorbell */
	_Atomic bool enabled; /* interrupts are passed on to callback */
};

struct virtio_driver {
	const char *name;
	uint32_t id;       /* device type */
	uint64_t features; /* wanted beyond VERSION_1, EVENT_INDEX and INDIRECT */
	/* Of what the device offers, what the driver leaves alone this time; NULL: nothing. */
	uint64_t (*features_refused)(uint64_t offered);
	/* Thread context, device negotiated. 0, or an error: then the device is reset and its
	 * queues are freed. */
	int (*probe)(struct virtio_device *device);
	/* Stop using the device; it is reset after. */
	void (*remove)(struct virtio_device *device);
	/* The machine ends: stop using the device, free nothing; it is reset after. NULL: the
	 * reset is enough. */
	void (*shutdown)(struct virtio_device *device);
	/* Interrupt context; NULL when the driver does not care. */
	void (*config_changed)(struct virtio_device *device);
};

struct virtio_device {
	/* The transport's part, fixed from attach to detach. */
	char name[VIRTIO_NAME_MAX]; /* "virtio-pci 0000:00:03.0" */
	const struct virtio_transport *transport;
	void *transport_data;
	uint32_t id;
	unsigned config_size; /* bytes of configuration space */

	uint64_t features; /* negotiated */
	const struct virtio_driver *driver;
	void *driver_data;
	/* Slots stay until detach, so that a late interrupt finds a queue or NULL. */
	_Atomic(struct virtio_queue *) queues[VIRTIO_QUEUES_MAX];
	_Atomic bool ready; /* configuration interrupts are passed on */
	bool stuck;         /* it did not reset: memory it knows is never used again */
	struct list_head link;
};

TABLE_DECLARE(quire_virtio_drivers, struct virtio_driver);

#define VIRTIO_DRIVER(id, record) \
	TABLE_ENTRY(quire_virtio_drivers, struct virtio_driver, record)

/* For transports. Reset, negotiate and probe. 0; -ENODEV without a driver or for a device that
 * is not a modern one; -ETIMEDOUT when it does not reset; or the probe's error. */
int virtio_device_attach(struct virtio_device *device) MUST_CHECK;
void virtio_device_detach(struct virtio_device *device);
/* The machine ends: drivers stop and devices are reset, the last attached first. 0, or the
 * first error of a reset. Thread context. */
int virtio_devices_shutdown(void) MUST_CHECK;
/* For transports, interrupt context. */
void virtio_device_config_interrupt(struct virtio_device *device);
void virtio_device_queue_interrupt(struct virtio_device *device, unsigned index);
/* Any queue may have news: transports with one interrupt for several. */
void virtio_device_queues_interrupt(struct virtio_device *device);

/* For drivers. */
static inline bool virtio_has_feature(const struct virtio_device *device, uint64_t feature)
{
	return (device->features & feature) != 0;
}

struct virtio_queue_request {
	unsigned index;
	unsigned size;             /* wanted; the device's maximum may be less */
	unsigned indirect_entries; /* used only when the device knows indirect tables */
	void (*callback)(struct virtio_queue *queue);
};

/*
 * Create and enable a queue. 0; -ENODEV when the device has none of this index; -EINVAL for a
 * size it cannot mean; -ENOMEM; -EBUSY when it exists. Freed by restart and detach.
 */
int virtio_queue_create(struct virtio_device *device,
			const struct virtio_queue_request *request,
			struct virtio_queue **queue) MUST_CHECK;

/* Set DRIVER_OK. 0, or -EIO when the device does not keep it. */
int virtio_device_ready(struct virtio_device *device) MUST_CHECK;

/* The device asks for a reset, is gone, or was reset behind our back. */
bool virtio_device_needs_reset(struct virtio_device *device);

/*
 * Reset. Afterwards the device touches no memory: the driver detaches its buffers. Interrupts
 * of the queues are no longer passed on. -ETIMEDOUT with a message when the device does not
 * answer within VIRTIO_RESET_LIMIT_NS: then what it knows of must never be used again.
 */
int virtio_device_reset(struct virtio_device *device) MUST_CHECK;

/* For a driver's end: reset, and wait until no interrupt handler runs; what handlers look at
 * may be freed. -ETIMEDOUT as virtio_device_reset(). */
int virtio_device_quiesce(struct virtio_device *device) MUST_CHECK;

/* After a reset: free the queues and negotiate again; then as in probe. Errors as attach. */
int virtio_device_restart(struct virtio_device *device) MUST_CHECK;

/*
 * Fields of configuration space, little-endian there. -ERANGE when the device has no such field
 * (*value is 0 then), -EAGAIN when a 64-bit one changed in every of several readings.
 */
int virtio_config_read32(struct virtio_device *device, unsigned offset,
			 uint32_t *value) MUST_CHECK;
int virtio_config_read64(struct virtio_device *device, unsigned offset,
			 uint64_t *value) MUST_CHECK;
int virtio_config_write32(struct virtio_device *device, unsigned offset,
			  uint32_t value) MUST_CHECK;

/* All attached devices, for reports; changes only while drivers bind. */
extern struct list_head virtio_devices;

#endif

// SPDX-License-Identifier: MIT
/*
 * Virtio over PCI, the modern interface only. The device names its register structures by
 * vendor capabilities; each is checked against the size of the BAR it names before it is
 * mapped. Interrupts are MSI-X: entry 0 for configuration changes, entry q + 1 for queue q;
 * where entries or vectors run out, a queue shares entry 0. Without MSI-X (QEMU's balloon) the
 * line interrupt stands in, and the ISR structure tells what it is about.
 */
#include <drivers/virtio/virtio_pci.h>

#include <drivers/driver.h>
#include <drivers/virtio/virtio.h>
#include <errno.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <mm/slab.h>
#include <pci/capability.h>
#include <pci/intx.h>
#include <pci/msix.h>
#include <pci/regs.h>
#include <platform/barrier.h>

#define VENDOR_REDHAT    0x1af4
#define CAPABILITY_ID    0x09
#define NO_VECTOR        0xffffu
#define VECTORS_MAX      (VIRTIO_QUEUES_MAX + 1)
#define REGION_TYPES_MAX 5
#define REGIONS_READ_MAX 32

/* Offsets in the common structure. */
#define COMMON_DEVICE_FEATURE_SELECT 0
#define COMMON_DEVICE_FEATURE        4
#define COMMON_DRIVER_FEATURE_SELECT 8
#define COMMON_DRIVER_FEATURE        12
#define COMMON_CONFIG_VECTOR         16
#define COMMON_STATUS                20
#define COMMON_GENERATION            21
#define COMMON_QUEUE_SELECT          22
#define COMMON_QUEUE_SIZE            24
#define COMMON_QUEUE_VECTOR          26
#define COMMON_QUEUE_ENABLE          28
#define COMMON_QUEUE_NOTIFY_OFFSET   30
#define COMMON_QUEUE_DESCRIPTORS     32
#define COMMON_QUEUE_AVAILABLE       40
#define COMMON_QUEUE_USED            48

/* Bits of the ISR structure. */
#define ISR_QUEUE  0x1
#define ISR_CONFIG 0x2

struct virtio_pci;

struct virtio_pci_vector {
	struct virtio_pci *owner;
	unsigned entry;
	bool connected;
};

struct virtio_pci {
	struct virtio_device device;
	struct pci_device *pci;
	struct virtio_pci_region regions[REGION_TYPES_MAX]; /* by type; length 0: absent */
	volatile uint8_t *common;
	volatile uint8_t *notify;
	volatile uint8_t *config; /* NULL: no configuration space */
	volatile uint8_t *isr;    /* NULL: none, and then no line interrupt */
	unsigned entries;         /* of MSI-X while enabled, else 0 */
	struct virtio_pci_vector vectors[VECTORS_MAX];
};

static struct virtio_pci *virtio_pci_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_pci, device);
}

uint32_t virtio_pci_type(uint16_t vendor, uint16_t device, uint16_t subsystem)
{
	if (vendor != VENDOR_REDHAT || device < 0x1000 || device > 0x107f)
		return 0;
	return device >= 0x1040 ? device - 0x1040u : subsystem;
}

/* Bytes below which a structure of this type is of no use. */
static uint32_t region_size_min(unsigned type)
{
	switch (type) {
	case VIRTIO_PCI_COMMON:
		return VIRTIO_PCI_COMMON_SIZE;
	case VIRTIO_PCI_NOTIFY:
		return 2;
	default:
		return 1;
	}
}

const char *virtio_pci_region_problem(const struct virtio_pci_region *region,
				      const struct pci_bar *bar)
{
	if (region->length_of_capability < (region->type == VIRTIO_PCI_NOTIFY ? 20 : 16))
		return "capability too short";
	if (bar->kind != PCI_BAR_MEMORY32 && bar->kind != PCI_BAR_MEMORY64)
		return "BAR is no memory BAR";
	if (region->length < region_size_min(region->type))
		return "structure too small";
	if (region->offset > bar->size || region->length > bar->size - region->offset)
		return "structure reaches beyond its BAR";
	if (region->offset % 4 != 0)
		return "structure is not aligned";
	return NULL;
}

bool virtio_pci_doorbell_fits(const struct virtio_pci_region *notify, uint16_t queue_offset)
{
	uint64_t at = (uint64_t)queue_offset * notify->multiplier;

	return at % 2 == 0 && at + 2 <= notify->length;
}

/* ---- finding the structures ---- */

static int region_read(struct pci_device *pci, unsigned at, struct virtio_pci_region *region)
{
	int error = pci_read8(pci, at + 2, &region->length_of_capability);

	if (!error)
		error = pci_read8(pci, at + 3, &region->type);
	if (!error)
		error = pci_read8(pci, at + 4, &region->bar);
	if (!error)
		error = pci_read32(pci, at + 8, &region->offset);
	if (!error)
		error = pci_read32(pci, at + 12, &region->length);
	if (!error && region->type == VIRTIO_PCI_NOTIFY && region->length_of_capability >= 20)
		error = pci_read32(pci, at + 16, &region->multiplier);
	return error;
}

/* Keep a structure if it is the first good one of its type. */
static void region_consider(struct virtio_pci *v, const struct virtio_pci_region *region)
{
	struct pci_bar bar;
	const char *problem;

	if (region->type < VIRTIO_PCI_COMMON || region->type > VIRTIO_PCI_CONFIG ||
	    v->regions[region->type].length)
		return;
	if (pci_bar_size(v->pci, region->bar, &bar))
		problem = "no such BAR";
	else
		problem = virtio_pci_region_problem(region, &bar);
	if (problem)
		log_warn("virtio: %s: structure of type %u at BAR %u offset %#x size %#x: %s: "
			 "ignored",
			 v->device.name, region->type, region->bar, region->offset,
			 region->length, problem);
	else
		v->regions[region->type] = *region;
}

static void regions_find(struct virtio_pci *v)
{
	struct pci_capability_walk walk;
	unsigned count = 0;

	pci_capability_walk_start(&walk, v->pci);
	while (pci_capability_walk_next(&walk) && count < REGIONS_READ_MAX) {
		struct virtio_pci_region region = {0};

		if (walk.id != CAPABILITY_ID)
			continue;
		count++;
		if (!region_read(v->pci, walk.offset, &region))
			region_consider(v, &region);
	}
}

static volatile uint8_t *region_map(struct virtio_pci *v, unsigned type)
{
	const struct virtio_pci_region *region = &v->regions[type];

	if (!region->length)
		return NULL;
	return pci_bar_map(v->pci, region->bar, region->offset, region->length);
}

static int regions_map(struct virtio_pci *v)
{
	if (!v->regions[VIRTIO_PCI_COMMON].length || !v->regions[VIRTIO_PCI_NOTIFY].length) {
		log_error("virtio: %s: no usable modern registers (QEMU: do not set "
			  "disable-modern=on)",
			  v->device.name);
		return -ENXIO;
	}
	v->common = region_map(v, VIRTIO_PCI_COMMON);
	v->notify = region_map(v, VIRTIO_PCI_NOTIFY);
	v->config = region_map(v, VIRTIO_PCI_CONFIG);
	v->isr = region_map(v, VIRTIO_PCI_ISR);
	v->device.config_size = v->config ? v->regions[VIRTIO_PCI_CONFIG].length : 0;
	return v->common && v->notify ? 0 : -EIO;
}

/* ---- the transport ---- */

static uint8_t status_read(struct virtio_device *device)
{
	return mmio_read8(virtio_pci_of(device)->common + COMMON_STATUS);
}

static void status_write(struct virtio_device *device, uint8_t status)
{
	mmio_write8(virtio_pci_of(device)->common + COMMON_STATUS, status);
}

static uint64_t features_read(struct virtio_device *device)
{
	volatile uint8_t *common = virtio_pci_of(device)->common;
	uint64_t features;

	mmio_write32(common + COMMON_DEVICE_FEATURE_SELECT, 0);
	features = mmio_read32(common + COMMON_DEVICE_FEATURE);
	mmio_write32(common + COMMON_DEVICE_FEATURE_SELECT, 1);
	return features | (uint64_t)mmio_read32(common + COMMON_DEVICE_FEATURE) << 32;
}

static void features_write(struct virtio_device *device, uint64_t features)
{
	volatile uint8_t *common = virtio_pci_of(device)->common;

	mmio_write32(common + COMMON_DRIVER_FEATURE_SELECT, 0);
	mmio_write32(common + COMMON_DRIVER_FEATURE, (uint32_t)features);
	mmio_write32(common + COMMON_DRIVER_FEATURE_SELECT, 1);
	mmio_write32(common + COMMON_DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static uint32_t generation(struct virtio_device *device)
{
	return mmio_read8(virtio_pci_of(device)->common + COMMON_GENERATION);
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
	return mmio_read(virtio_pci_of(device)->config + offset, width);
}

static void config_write(struct virtio_device *device, unsigned offset, unsigned width,
			 uint32_t value)
{
	mmio_write(virtio_pci_of(device)->config + offset, width, value);
}

static unsigned queue_size_max(struct virtio_device *device, unsigned index)
{
	volatile uint8_t *common = virtio_pci_of(device)->common;

	mmio_write16(common + COMMON_QUEUE_SELECT, (uint16_t)index);
	return mmio_read16(common + COMMON_QUEUE_SIZE);
}

static void vector_interrupt(void *arg)
{
	struct virtio_pci_vector *vector = arg;
	struct virtio_device *device = &vector->owner->device;

	if (vector->entry > 0) {
		virtio_device_queue_interrupt(device, vector->entry - 1);
		return;
	}
	virtio_device_config_interrupt(device);
	virtio_device_queues_interrupt(device);
}

/* Reading the ISR structure also makes the device let go of the line. */
static void line_interrupt(void *arg)
{
	struct virtio_pci *v = arg;
	uint8_t reasons = mmio_read8(v->isr);

	if (reasons & ISR_CONFIG)
		virtio_device_config_interrupt(&v->device);
	if (reasons & ISR_QUEUE)
		virtio_device_queues_interrupt(&v->device);
}

/* True if the entry of its own calls vector_interrupt() from now on. */
static bool vector_connect(struct virtio_pci *v, unsigned entry)
{
	struct virtio_pci_vector *vector = &v->vectors[entry];

	if (entry >= v->entries)
		return false;
	if (!vector->connected) {
		vector->owner = v;
		vector->entry = entry;
		vector->connected =
			!pci_msix_connect(v->pci, entry, 0, vector_interrupt, vector);
	}
	return vector->connected;
}

static void addresses_write(volatile uint8_t *common, const struct virtqueue *ring)
{
	uint64_t addresses[3] = {
		virtqueue_descriptor_address(ring).addr,
		virtqueue_available_address(ring).addr,
		virtqueue_used_address(ring).addr,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		volatile uint8_t *at = common + COMMON_QUEUE_DESCRIPTORS + i * 8;

		mmio_write32(at, (uint32_t)addresses[i]);
		mmio_write32(at + 4, (uint32_t)(addresses[i] >> 32));
	}
}

/* For the selected queue; a device that has no such vector says so. */
static bool queue_vector_set(struct virtio_pci *v, unsigned entry)
{
	mmio_write16(v->common + COMMON_QUEUE_VECTOR, (uint16_t)entry);
	return mmio_read16(v->common + COMMON_QUEUE_VECTOR) == entry;
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	struct virtio_pci *v = virtio_pci_of(device);
	const struct virtqueue_layout *layout = &queue->ring.layout;
	unsigned entry = vector_connect(v, layout->index + 1) ? layout->index + 1 : 0;
	uint16_t offset;

	mmio_write16(v->common + COMMON_QUEUE_SELECT, (uint16_t)layout->index);
	mmio_write16(v->common + COMMON_QUEUE_SIZE, (uint16_t)layout->size);
	addresses_write(v->common, &queue->ring);
	offset = mmio_read16(v->common + COMMON_QUEUE_NOTIFY_OFFSET);
	if (!virtio_pci_doorbell_fits(&v->regions[VIRTIO_PCI_NOTIFY], offset)) {
		log_error("virtio: %s: queue %u: doorbell %u lies outside the notify structure",
			  device->name, layout->index, offset);
		return -ENXIO;
	}
	queue->transport_data =
		(void *)(uintptr_t)(v->notify +
				    (size_t)offset * v->regions[VIRTIO_PCI_NOTIFY].multiplier);
	if (v->entries && !queue_vector_set(v, entry)) {
		log_error("virtio: %s: queue %u: no interrupt vector", device->name,
			  layout->index);
		return -ENOSPC;
	}
	mmio_write16(v->common + COMMON_QUEUE_ENABLE, 1);
	return 0;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	(void)device;
	mmio_write16(queue->transport_data, (uint16_t)queue->ring.layout.index);
}

static void interrupts_disable(struct virtio_device *device)
{
	struct virtio_pci *v = virtio_pci_of(device);

	pci_msix_disable(v->pci);
	pci_intx_disconnect(v->pci);
	v->entries = 0;
	for (unsigned i = 0; i < VECTORS_MAX; i++)
		v->vectors[i].connected = false;
}

static int line_enable(struct virtio_pci *v)
{
	int error = -ENODEV;

	if (v->pci->intx)
		return 0;
	if (v->isr)
		error = pci_intx_connect(v->pci, line_interrupt, v);
	if (error)
		log_error("virtio: %s: neither MSI-X nor a line interrupt (error %d): the "
			  "device cannot be driven",
			  v->device.name, error);
	return error;
}

static int interrupts_enable(struct virtio_device *device)
{
	struct virtio_pci *v = virtio_pci_of(device);

	if (!v->entries && v->pci->msix) {
		int entries = pci_msix_enable(v->pci);

		v->entries = entries > 0 ? MIN((unsigned)entries, VECTORS_MAX) : 0;
	}
	if (!v->entries)
		return line_enable(v);
	if (!vector_connect(v, 0))
		return -ENOSPC;
	mmio_write16(v->common + COMMON_CONFIG_VECTOR, 0);
	return mmio_read16(v->common + COMMON_CONFIG_VECTOR) == NO_VECTOR ? -ENOSPC : 0;
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

/* ---- binding ---- */

static uint32_t device_type(const struct pci_device *pci)
{
	uint16_t subsystem = 0;

	(void)!pci_read16(pci, PCI_REG_SUBSYSTEM + 2, &subsystem); /* 0: no type */
	return virtio_pci_type(pci->vendor, pci->device, subsystem);
}

/* A device that bypasses translation takes physical addresses everywhere. */
static int reach_memory(struct virtio_pci *v)
{
	if (v->pci->fabric->access->operations->translates &&
	    (features_read(&v->device) & VIRTIO_F_ACCESS_PLATFORM)) {
		log_error("virtio: %s: insists on address translation, for which there are no "
			  "tables here: not driven (QEMU: iommu_platform=off)",
			  v->device.name);
		return -EOPNOTSUPP;
	}
	return pci_path_enable(v->pci, PCI_COMMAND_MASTER);
}

static int probe(struct pci_device *pci)
{
	uint32_t type = device_type(pci);
	char address[PCI_ADDRESS_TEXT];
	struct virtio_pci *v;
	int error;

	if (!type)
		return -ENODEV;
	v = kzalloc(sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->pci = pci;
	v->device.id = type;
	v->device.transport = &transport;
	format(v->device.name, sizeof(v->device.name), "virtio-pci %s",
	       pci_address_format(pci->address, address));
	regions_find(v);
	error = regions_map(v);
	if (!error)
		error = reach_memory(v);
	if (!error)
		error = virtio_device_attach(&v->device);
	if (error) {
		kfree(v);
		return error;
	}
	pci->driver_data = v;
	return 0;
}

static void remove(struct pci_device *pci)
{
	struct virtio_pci *v = pci->driver_data;

	virtio_device_detach(&v->device);
	kfree(v);
}

static const struct pci_id ids[] = {
	{VENDOR_REDHAT, PCI_ANY_ID, 0, 0},
	{0, 0, 0, 0},
};
PCI_DRIVER(virtio_pci, ids, probe, remove);

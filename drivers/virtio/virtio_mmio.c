// SPDX-License-Identifier: MIT
/*
 * Virtio over MMIO, version 2 (Virtio 1.2, 4.2). There is nothing to enumerate: the hypervisor
 * names each place on the command line. A place may be empty (device id 0). All queues share
 * one level-triggered line, which stays up until what the device reported was acknowledged.
 */
#include <drivers/virtio/virtio_mmio.h>

#include <drivers/virtio/virtio.h>
#include <errno.h>
#include <kernel/command_line.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <mm/slab.h>
#include <platform/barrier.h>
#include <platform/irq.h>
#include <platform/mmu.h>

COMMAND_LINE_KEY(
	virtio_mmio, "virtio_mmio.device",
	"SIZE@ADDRESS:LINE: a virtio device there; given by the hypervisor, may repeat");

#define MMIO_MAGIC   0x74726976u /* "virt" */
#define MMIO_VERSION 2u

#define REG_MAGIC                 0x000
#define REG_VERSION               0x004
#define REG_DEVICE_ID             0x008
#define REG_DEVICE_FEATURES       0x010
#define REG_DEVICE_FEATURE_SELECT 0x014
#define REG_DRIVER_FEATURES       0x020
#define REG_DRIVER_FEATURE_SELECT 0x024
#define REG_QUEUE_SELECT          0x030
#define REG_QUEUE_SIZE_MAX        0x034
#define REG_QUEUE_SIZE            0x038
#define REG_QUEUE_READY           0x044
#define REG_QUEUE_NOTIFY          0x050
#define REG_INTERRUPT_STATUS      0x060
#define REG_INTERRUPT_ACKNOWLEDGE 0x064
#define REG_STATUS                0x070
#define REG_QUEUE_DESCRIPTORS     0x080
#define REG_QUEUE_AVAILABLE       0x090
#define REG_QUEUE_USED            0x0a0
#define REG_GENERATION            0x0fc
#define REG_CONFIG                0x100

#define INTERRUPT_QUEUE  1u
#define INTERRUPT_CONFIG 2u

struct virtio_mmio {
	struct virtio_device device;
	volatile uint8_t *registers;
	struct virtio_mmio_place place;
	struct irq_vector vector;
	bool has_vector;
};

static volatile uint8_t *registers_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_mmio, device)->registers;
}

static uint32_t reg_read(struct virtio_device *device, unsigned offset)
{
	return mmio_read32(registers_of(device) + offset);
}

static void reg_write(struct virtio_device *device, unsigned offset, uint32_t value)
{
	mmio_write32(registers_of(device) + offset, value);
}

/* ---- the transport ---- */

static uint8_t status_read(struct virtio_device *device)
{
	return (uint8_t)reg_read(device, REG_STATUS);
}

static void status_write(struct virtio_device *device, uint8_t status)
{
	reg_write(device, REG_STATUS, status);
}

static uint64_t features_read(struct virtio_device *device)
{
	uint64_t features;

	reg_write(device, REG_DEVICE_FEATURE_SELECT, 0);
	features = reg_read(device, REG_DEVICE_FEATURES);
	reg_write(device, REG_DEVICE_FEATURE_SELECT, 1);
	return features | (uint64_t)reg_read(device, REG_DEVICE_FEATURES) << 32;
}

static void features_write(struct virtio_device *device, uint64_t features)
{
	reg_write(device, REG_DRIVER_FEATURE_SELECT, 0);
	reg_write(device, REG_DRIVER_FEATURES, (uint32_t)features);
	reg_write(device, REG_DRIVER_FEATURE_SELECT, 1);
	reg_write(device, REG_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static uint32_t generation(struct virtio_device *device)
{
	return reg_read(device, REG_GENERATION);
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
	return mmio_read(registers_of(device) + REG_CONFIG + offset, width);
}

static void config_write(struct virtio_device *device, unsigned offset, unsigned width,
			 uint32_t value)
{
	mmio_write(registers_of(device) + REG_CONFIG + offset, width, value);
}

static unsigned queue_size_max(struct virtio_device *device, unsigned index)
{
	reg_write(device, REG_QUEUE_SELECT, index);
	return reg_read(device, REG_QUEUE_SIZE_MAX);
}

static void address_write(struct virtio_device *device, unsigned offset, struct phys address)
{
	reg_write(device, offset, (uint32_t)address.addr);
	reg_write(device, offset + 4, (uint32_t)(address.addr >> 32));
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	const struct virtqueue *ring = &queue->ring;

	reg_write(device, REG_QUEUE_SELECT, ring->layout.index);
	if (reg_read(device, REG_QUEUE_READY)) {
		log_error("virtio: %s: queue %u: in use although the device was reset",
			  device->name, ring->layout.index);
		return -EBUSY;
	}
	reg_write(device, REG_QUEUE_SIZE, ring->layout.size);
	address_write(device, REG_QUEUE_DESCRIPTORS, virtqueue_descriptor_address(ring));
	address_write(device, REG_QUEUE_AVAILABLE, virtqueue_available_address(ring));
	address_write(device, REG_QUEUE_USED, virtqueue_used_address(ring));
	reg_write(device, REG_QUEUE_READY, 1);
	return reg_read(device, REG_QUEUE_READY) ? 0 : -EIO;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	reg_write(device, REG_QUEUE_NOTIFY, queue->ring.layout.index);
}

static void line_interrupt(void *arg)
{
	struct virtio_mmio *mmio = arg;
	uint32_t reasons = reg_read(&mmio->device, REG_INTERRUPT_STATUS);

	/* First acknowledge, then look: what comes in between raises the line again. */
	reg_write(&mmio->device, REG_INTERRUPT_ACKNOWLEDGE, reasons);
	if (reasons & INTERRUPT_CONFIG)
		virtio_device_config_interrupt(&mmio->device);
	if (reasons & INTERRUPT_QUEUE)
		virtio_device_queues_interrupt(&mmio->device);
}

static int interrupts_enable(struct virtio_device *device)
{
	struct virtio_mmio *mmio = container_of(device, struct virtio_mmio, device);
	int error;

	if (mmio->has_vector)
		return 0;
	error = irq_vector_alloc(0, line_interrupt, mmio, &mmio->vector);
	if (error)
		return error;
	error = irq_line_route(mmio->place.line, true, false, &mmio->vector);
	if (error) {
		log_error("virtio: %s: interrupt line %u cannot be used (error %d)",
			  device->name, mmio->place.line, error);
		irq_vector_free(&mmio->vector);
		return error;
	}
	mmio->has_vector = true;
	return 0;
}

static void interrupts_disable(struct virtio_device *device)
{
	struct virtio_mmio *mmio = container_of(device, struct virtio_mmio, device);

	if (mmio->has_vector)
		irq_vector_free(&mmio->vector);
	mmio->has_vector = false;
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

/* ---- places ---- */

/* Copy up to a separator (or the end) and read it as a number; characters taken with the
 * separator, or -EINVAL. */
static int number_take(const char *text, size_t length, char separator, uint64_t *value)
{
	char digits[32];
	size_t n = 0;

	while (n < length && text[n] != separator)
		n++;
	if (n == 0 || n >= sizeof(digits) || (n == length && separator == '@'))
		return -EINVAL;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!command_line_parse_number(digits, value))
		return -EINVAL;
	return (int)(n < length ? n + 1 : n);
}

int virtio_mmio_place_parse(const char *text, size_t length, struct virtio_mmio_place *place)
{
	static const char separators[] = {'@', ':', ':'};
	uint64_t numbers[3];

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		int taken = number_take(text, length, separators[i], &numbers[i]);

		if (taken < 0)
			return taken;
		text += taken;
		length -= (size_t)taken;
	}
	if (numbers[0] < VIRTIO_MMIO_SIZE_MIN || numbers[0] > VIRTIO_MMIO_SIZE_MAX ||
	    numbers[1] % 4 || numbers[1] > UINT64_MAX - numbers[0] || numbers[2] > UINT16_MAX)
		return -EINVAL;
	*place = (struct virtio_mmio_place){numbers[0], numbers[1], (unsigned)numbers[2]};
	return 0;
}

/* 0 with a driver bound, -ENODEV for an empty place or a device nobody drives. */
static int place_identify(struct virtio_mmio *mmio)
{
	uint32_t version;

	if (reg_read(&mmio->device, REG_MAGIC) != MMIO_MAGIC) {
		log_warn("virtio: %s: no virtio registers there: check virtio_mmio.device=",
			 mmio->device.name);
		return -ENODEV;
	}
	mmio->device.id = reg_read(&mmio->device, REG_DEVICE_ID);
	if (mmio->device.id == 0)
		return -ENODEV;
	version = reg_read(&mmio->device, REG_VERSION);
	if (version != MMIO_VERSION) {
		log_warn("virtio: %s: interface version %u, only %u is driven (QEMU: -global "
			 "virtio-mmio.force-legacy=false)",
			 mmio->device.name, version, MMIO_VERSION);
		return -ENODEV;
	}
	return virtio_device_attach(&mmio->device);
}

static int place_probe(const struct virtio_mmio_place *place)
{
	struct virtio_mmio *mmio = kzalloc(sizeof(*mmio));
	int error;

	if (!mmio)
		return -ENOMEM;
	mmio->place = *place;
	mmio->device.transport = &transport;
	mmio->device.config_size =
		place->size > REG_CONFIG ? (unsigned)(place->size - REG_CONFIG) : 0;
	format(mmio->device.name, sizeof(mmio->device.name), "virtio-mmio %#llx",
	       (unsigned long long)place->address);
	mmio->registers = mmio_map(phys(place->address), place->size);
	error = mmio->registers ? place_identify(mmio) : -ENOMEM;
	if (error)
		kfree(mmio);
	return error;
}

unsigned virtio_mmio_probe_all(const char *command_line)
{
	const char *end = command_line + strlen(command_line);
	struct command_line_word word;
	struct virtio_mmio_place place;
	unsigned named = 0, found = 0;
	int status;

	while ((status = command_line_next(&command_line, end, &word))) {
		if (status < 0 ||
		    word.key_length != strlen(command_line_key_virtio_mmio.name) ||
		    memcmp(word.key, command_line_key_virtio_mmio.name, word.key_length))
			continue;
		if (named++ >= VIRTIO_MMIO_PLACES) {
			log_warn("virtio: more than %u virtio_mmio.device= words: the rest is "
				 "ignored",
				 VIRTIO_MMIO_PLACES);
			break;
		}
		if (virtio_mmio_place_parse(word.value, word.value_length, &place))
			log_warn("virtio: virtio_mmio.device=%.*s: not SIZE@ADDRESS:LINE: "
				 "ignored",
				 (int)word.value_length, word.value ? word.value : "");
		else
			found += place_probe(&place) == 0;
	}
	return found;
}

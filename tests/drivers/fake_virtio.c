// SPDX-License-Identifier: MIT
/*
 * A virtio device made of memory. See the header. Interrupts are raised outside the lock, with
 * interrupts masked as a real one would be.
 */
#include <tests/drivers/fake_virtio.h>

#include <drivers/balloon/virtio_balloon.h>
#include <errno.h>
#include <kernel/format.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <platform/irq.h>
#include <platform/memory.h>

static struct lock_class fake_class = {.name = "fake virtio"};

static struct fake_virtio *fake_of(struct virtio_device *device)
{
	return container_of(device, struct fake_virtio, device);
}

/* ---- the host's books ---- */

static void book_unit(struct fake_virtio *fake, unsigned queue, uint32_t unit)
{
	uint8_t bit = (uint8_t)BIT(unit % 8);
	bool inflate = queue == VIRTIO_BALLOON_QUEUE_INFLATE;

	if (unit >= fake->given_limit || !(fake->given[unit / 8] & bit) != inflate) {
		fake->host_errors++;
		return;
	}
	fake->given[unit / 8] ^= bit;
	fake->nr_given += inflate ? 1 : UINT64_MAX;
}

static bool is_stats(const struct fake_virtio *fake, unsigned queue)
{
	return queue == VIRTIO_BALLOON_QUEUE_STATS && fake->accepted & VIRTIO_BALLOON_F_STATS;
}

/* The device keeps the buffer; a second one beside it is an error. */
static uint32_t book_stats(struct fake_virtio *fake, const struct fake_chain *chain)
{
	uint32_t length = chain->pieces[0].length;

	if (chain->nr_read != 1 || chain->nr_write != 0 || length > sizeof(fake->stats) ||
	    fake->nr_held[VIRTIO_BALLOON_QUEUE_STATS] != 0) {
		fake->host_errors++;
		return 0;
	}
	memcpy(fake->stats, phys_to_virt(chain->pieces[0].start), length);
	fake->stats_bytes = length;
	fake->nr_stats++;
	return 0;
}

static uint32_t book_buffer(struct fake_virtio *fake, unsigned queue,
			    const struct fake_chain *chain)
{
	const struct ring32 *units = phys_to_virt(chain->pieces[0].start);
	uint32_t count = chain->pieces[0].length / (uint32_t)sizeof(*units);

	if (is_stats(fake, queue))
		return book_stats(fake, chain);
	if (chain->nr_read != 1 || chain->nr_write != 0)
		fake->host_errors++;
	if (fake->nr_buffers < FAKE_LOG)
		fake->buffers[fake->nr_buffers] =
			(struct fake_buffer){queue, count, ring32_load(units)};
	fake->nr_buffers++;
	for (uint32_t i = 0; i < count; i++)
		book_unit(fake, queue, ring32_load(&units[i]));
	return 0;
}

/* ---- the device's side of a queue; lock held ---- */

static void use_buffer(struct fake_virtio *fake, unsigned queue, uint16_t head,
		       uint32_t written)
{
	struct fake_ring *ring = &fake->rings[queue];

	switch (fake->behaviour) {
	case FAKE_OTHER:
		fake_ring_push(ring, head + 1u, 0);
		break;
	case FAKE_WILD_INDEX:
		fake_ring_set_used(ring, 0x8000);
		break;
	case FAKE_TOO_LONG:
		fake_ring_push(ring, head, 1u << 20);
		break;
	case FAKE_TWICE:
		fake_ring_push(ring, head, written);
		fake_ring_push(ring, head, written);
		break;
	default:
		fake_ring_push(ring, head, written);
		break;
	}
}

static void queue_serve(struct fake_virtio *fake, unsigned queue)
{
	struct fake_chain *chain = &fake->chain;

	while (fake_ring_pop(&fake->rings[queue], chain)) {
		uint32_t written = fake->serve(fake, queue, chain);

		if (fake->behaviour == FAKE_HOLD || is_stats(fake, queue))
			fake->held_heads[queue][fake->nr_held[queue]++ % 256] = chain->head;
		else
			use_buffer(fake, queue, chain->head, written);
	}
}

static bool wants_interrupt(struct fake_virtio *fake, unsigned queue)
{
	bool wanted = fake_ring_interrupts(&fake->rings[queue]);

	fake->interrupts += wanted;
	return wanted;
}

static void interrupt(struct fake_virtio *fake, unsigned queue)
{
	struct irq_state irq = irq_save();

	virtio_device_queue_interrupt(&fake->device, queue);
	irq_restore(irq);
}

/* ---- the transport ---- */

static uint8_t status_read(struct virtio_device *device)
{
	struct fake_virtio *fake = fake_of(device);
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint8_t status = fake->status;

	spin_unlock_irqrestore(&fake->lock, irq);
	return status;
}

static void do_reset(struct fake_virtio *fake)
{
	fake->resets++;
	fake->status = 0;
	fake->accepted = 0;
	memset(fake->enabled, 0, sizeof(fake->enabled));
	memset(fake->nr_held, 0, sizeof(fake->nr_held));
	memset(fake->given, 0, fake->given_limit / 8);
	fake->nr_given = 0;
	if (fake->until_reset)
		fake->behaviour = FAKE_PROMPT;
	fake->until_reset = false;
}

static void status_write(struct virtio_device *device, uint8_t status)
{
	struct fake_virtio *fake = fake_of(device);
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	if (status)
		fake->status = status;
	else if (fake->behaviour != FAKE_DEAF_TO_RESET)
		do_reset(fake);
	if (fake->behaviour == FAKE_WRONG_FEATURES)
		fake->status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	spin_unlock_irqrestore(&fake->lock, irq);
}

static uint64_t features_read(struct virtio_device *device)
{
	return fake_of(device)->offered;
}

static void features_write(struct virtio_device *device, uint64_t features)
{
	fake_of(device)->accepted = features;
}

static uint32_t generation(struct virtio_device *device)
{
	(void)device;
	return 0;
}

static uint32_t config_read(struct virtio_device *device, unsigned offset, unsigned width)
{
	struct fake_virtio *fake = fake_of(device);
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint32_t value = le32_load(fake->config + offset);

	fake->config_reads++;
	spin_unlock_irqrestore(&fake->lock, irq);
	return width == 4 ? value : value & (BIT(width * 8) - 1);
}

static void config_write(struct virtio_device *device, unsigned offset, unsigned width,
			 uint32_t value)
{
	struct fake_virtio *fake = fake_of(device);
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint8_t bytes[4];

	le32_store(bytes, value);
	memcpy(fake->config + offset, bytes, width);
	fake->config_writes++;
	/* The value of free pages may not change while the device works. */
	if (offset == VIRTIO_BALLOON_CONFIG_POISON)
		fake->host_errors += (fake->status & VIRTIO_STATUS_DRIVER_OK) != 0;
	spin_unlock_irqrestore(&fake->lock, irq);
}

static unsigned queue_size_max(struct virtio_device *device, unsigned index)
{
	return index < FAKE_QUEUES ? fake_of(device)->queue_size[index] : 0;
}

static int queue_enable(struct virtio_device *device, struct virtio_queue *queue)
{
	struct fake_virtio *fake = fake_of(device);
	const struct virtqueue *ring = &queue->ring;
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	fake_ring_init(&fake->rings[ring->layout.index], ring->layout.size,
		       fake->accepted & VIRTIO_F_EVENT_INDEX,
		       virtqueue_descriptor_address(ring), virtqueue_available_address(ring),
		       virtqueue_used_address(ring));
	fake->enabled[ring->layout.index] = true;
	spin_unlock_irqrestore(&fake->lock, irq);
	return 0;
}

static void notify(struct virtio_device *device, struct virtio_queue *queue)
{
	struct fake_virtio *fake = fake_of(device);
	unsigned index = queue->ring.layout.index;
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	bool wanted = false;

	fake->kicks++;
	if (fake->enabled[index]) {
		queue_serve(fake, index);
		wanted = wants_interrupt(fake, index);
	}
	spin_unlock_irqrestore(&fake->lock, irq);
	if (wanted)
		interrupt(fake, index);
}

static int interrupts_enable(struct virtio_device *device)
{
	(void)device;
	return 0;
}

static void interrupts_disable(struct virtio_device *device)
{
	(void)device;
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

/* ---- in the hands of a test ---- */

struct fake_virtio *fake_virtio_create(void)
{
	struct fake_virtio *fake = kzalloc(sizeof(*fake));

	if (!fake)
		return NULL;
	fake->given_limit = GIB(64) >> VIRTIO_BALLOON_UNIT_SHIFT;
	fake->given = kzalloc(fake->given_limit / 8);
	if (!fake->given) {
		kfree(fake);
		return NULL;
	}
	spin_lock_init(&fake->lock, &fake_class);
	format(fake->device.name, sizeof(fake->device.name), "fake");
	fake->device.id = VIRTIO_ID_BALLOON;
	fake->device.transport = &transport;
	fake->device.config_size = 8;
	fake->serve = book_buffer;
	fake->offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX | VIRTIO_F_INDIRECT |
			VIRTIO_BALLOON_F_MUST_TELL_HOST;
	fake->queue_size[VIRTIO_BALLOON_QUEUE_INFLATE] = 128;
	fake->queue_size[VIRTIO_BALLOON_QUEUE_DEFLATE] = 128;
	return fake;
}

void fake_virtio_destroy(struct fake_virtio *fake)
{
	kfree(fake->given);
	kfree(fake);
}

static void behave(struct fake_virtio *fake, enum fake_behaviour behaviour, bool until_reset)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	fake->behaviour = behaviour;
	fake->until_reset = until_reset;
	spin_unlock_irqrestore(&fake->lock, irq);
}

void fake_virtio_behave(struct fake_virtio *fake, enum fake_behaviour behaviour)
{
	behave(fake, behaviour, false);
}

void fake_virtio_behave_until_reset(struct fake_virtio *fake, enum fake_behaviour behaviour)
{
	behave(fake, behaviour, true);
}

static void config_interrupt(struct fake_virtio *fake)
{
	struct irq_state irq = irq_save();

	virtio_device_config_interrupt(&fake->device);
	irq_restore(irq);
}

void fake_virtio_set_config(struct fake_virtio *fake, unsigned offset, uint32_t value)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	le32_store(fake->config + offset, value);
	spin_unlock_irqrestore(&fake->lock, irq);
	config_interrupt(fake);
}

void fake_virtio_set_target(struct fake_virtio *fake, uint32_t units)
{
	fake_virtio_set_config(fake, VIRTIO_BALLOON_CONFIG_TARGET, units);
}

void fake_virtio_needs_reset(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	fake->status |= VIRTIO_STATUS_NEEDS_RESET;
	spin_unlock_irqrestore(&fake->lock, irq);
	config_interrupt(fake);
}

void fake_virtio_forget(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);

	do_reset(fake);
	spin_unlock_irqrestore(&fake->lock, irq);
	config_interrupt(fake);
}

uint32_t fake_virtio_actual(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint32_t actual = le32_load(fake->config + VIRTIO_BALLOON_CONFIG_ACTUAL);

	spin_unlock_irqrestore(&fake->lock, irq);
	return actual;
}

unsigned fake_virtio_config_reads(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned reads = fake->config_reads;

	spin_unlock_irqrestore(&fake->lock, irq);
	return reads;
}

/* All queues under one hold of the lock: what a driver gives because the first one was used is
 * new and held. */
void fake_virtio_release(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned wanted = 0;

	for (unsigned queue = 0; queue < FAKE_QUEUES; queue++) {
		if (fake->nr_held[queue] && fake->releasing)
			fake->releasing(fake);
		for (unsigned i = 0; i < fake->nr_held[queue]; i++)
			use_buffer(fake, queue, fake->held_heads[queue][i % 256], 0);
		fake->nr_held[queue] = 0;
		if (fake->enabled[queue] && wants_interrupt(fake, queue))
			wanted |= 1u << queue;
	}
	spin_unlock_irqrestore(&fake->lock, irq);
	for (unsigned queue = 0; queue < FAKE_QUEUES; queue++)
		if (wanted & 1u << queue)
			interrupt(fake, queue);
}

void fake_virtio_release_unheard(struct fake_virtio *fake, struct virtio_queue *queue,
				 uint64_t end)
{
	if (fake_virtio_held(fake) == 0)
		return;
	atomic_store(&queue->enabled, false);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	atomic_store(&queue->enabled, true);
	while (clock_ns() < end)
		;
}

unsigned fake_virtio_held(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned held = 0;

	for (unsigned queue = 0; queue < FAKE_QUEUES; queue++)
		held += fake->nr_held[queue];
	spin_unlock_irqrestore(&fake->lock, irq);
	return held;
}

uint64_t fake_virtio_given(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint64_t given = fake->nr_given;

	spin_unlock_irqrestore(&fake->lock, irq);
	return given;
}

bool fake_virtio_holds(struct fake_virtio *fake, uint32_t unit)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	bool holds = fake->given[unit / 8] >> unit % 8 & 1;

	spin_unlock_irqrestore(&fake->lock, irq);
	return holds;
}

unsigned fake_virtio_stats(struct fake_virtio *fake)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned count = fake->nr_stats;

	spin_unlock_irqrestore(&fake->lock, irq);
	return count;
}

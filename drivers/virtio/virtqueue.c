// SPDX-License-Identifier: MIT
/*
 * Split virtqueue, driver side. The free list and the chains live in private slots; the shared
 * descriptors are only ever written, so that a device that scribbles over them harms its own
 * transfers and nothing else. Publication is a release store of the index behind a DMA barrier,
 * and the used index is an acquire load before one: the barriers order for devices, the atomics
 * for threads that play device in tests.
 */
#include <drivers/virtio/virtqueue.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/log.h>
#include <platform/barrier.h>
#include <platform/memory.h>
#include <stdatomic.h>

_Static_assert(sizeof(struct ring_descriptor) == 16, "descriptor layout");
_Static_assert(sizeof(struct ring_used_element) == 8, "used element layout");

#define NO_SLOT UINT16_MAX

static size_t descriptor_bytes(const struct virtqueue_layout *layout)
{
	return layout->size * sizeof(struct ring_descriptor);
}

static size_t available_bytes(const struct virtqueue_layout *layout)
{
	return sizeof(struct ring_available) + (layout->size + 1) * sizeof(struct ring16);
}

static size_t used_bytes(const struct virtqueue_layout *layout)
{
	return sizeof(struct ring_used) + layout->size * sizeof(struct ring_used_element) +
	       sizeof(struct ring16);
}

static size_t used_offset(const struct virtqueue_layout *layout)
{
	return align_up(descriptor_bytes(layout) + available_bytes(layout), 16);
}

static size_t table_offset(const struct virtqueue_layout *layout)
{
	return align_up(used_offset(layout) + used_bytes(layout), 16);
}

static size_t table_bytes(const struct virtqueue_layout *layout)
{
	return layout->indirect_entries * sizeof(struct ring_descriptor);
}

size_t virtqueue_memory_size(const struct virtqueue_layout *layout)
{
	return table_offset(layout) + layout->size * table_bytes(layout);
}

size_t virtqueue_slots_size(const struct virtqueue_layout *layout)
{
	return layout->size * sizeof(struct virtqueue_slot);
}

static struct ring16 *interrupt_event(const struct virtqueue *vq)
{
	return &vq->available->heads[vq->layout.size];
}

static struct ring16 *notify_event(const struct virtqueue *vq)
{
	return (struct ring16 *)&vq->used->elements[vq->layout.size];
}

int virtqueue_init(struct virtqueue *vq, const struct virtqueue_layout *layout, void *memory,
		   void *slots)
{
	char *base = memory;

	if (!is_power_of_two(layout->size) || layout->size > VIRTQUEUE_SIZE_MAX ||
	    layout->indirect_entries > VIRTQUEUE_CHAIN_MAX)
		return -EINVAL;
	memset(memory, 0, virtqueue_memory_size(layout));
	memset(slots, 0, virtqueue_slots_size(layout));
	*vq = (struct virtqueue){
		.layout = *layout,
		.descriptors = memory,
		.available = (void *)(base + descriptor_bytes(layout)),
		.used = (void *)(base + used_offset(layout)),
		.tables =
			layout->indirect_entries ? (void *)(base + table_offset(layout)) : NULL,
		.slots = slots,
		.free_count = (uint16_t)layout->size,
	};
	for (unsigned i = 0; i < layout->size; i++)
		vq->slots[i].next = (uint16_t)(i + 1 < layout->size ? i + 1 : NO_SLOT);
	virtqueue_disarm(vq);
	return 0;
}

struct phys virtqueue_descriptor_address(const struct virtqueue *vq)
{
	return virt_to_phys(vq->descriptors);
}

struct phys virtqueue_available_address(const struct virtqueue *vq)
{
	return virt_to_phys(vq->available);
}

struct phys virtqueue_used_address(const struct virtqueue *vq)
{
	return virt_to_phys(vq->used);
}

/* Bytes of a run of pieces; -EINVAL for an empty one or a sum that does not fit 32 bits. */
static int pieces_measure(const struct virtqueue_piece *pieces, unsigned nr, uint32_t *bytes)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < nr; i++) {
		if (pieces[i].length == 0)
			return -EINVAL;
		sum += pieces[i].length;
	}
	if (sum > UINT32_MAX)
		return -EINVAL;
	*bytes = (uint32_t)sum;
	return 0;
}

static uint16_t piece_flags(unsigned i, unsigned nr_read, unsigned nr)
{
	return (uint16_t)((i + 1 < nr ? RING_DESCRIPTOR_NEXT : 0) |
			  (i >= nr_read ? RING_DESCRIPTOR_WRITE : 0));
}

static void descriptor_write(struct ring_descriptor *d, struct phys address, uint32_t length,
			     uint16_t flags, uint16_t next)
{
	ring64_store(&d->address, address.addr);
	ring32_store(&d->length, length);
	ring16_store(&d->flags, flags);
	ring16_store(&d->next, next);
}

static void add_indirect(struct virtqueue *vq, uint16_t head,
			 const struct virtqueue_piece *pieces, unsigned nr_read, unsigned nr)
{
	struct ring_descriptor *table = vq->tables + head * vq->layout.indirect_entries;

	for (unsigned i = 0; i < nr; i++)
		descriptor_write(&table[i], pieces[i].start, pieces[i].length,
				 piece_flags(i, nr_read, nr), (uint16_t)(i + 1));
	descriptor_write(&vq->descriptors[head], virt_to_phys(table),
			 (uint32_t)(nr * sizeof(*table)), RING_DESCRIPTOR_INDIRECT, 0);
}

static void add_direct(struct virtqueue *vq, uint16_t head,
		       const struct virtqueue_piece *pieces, unsigned nr_read, unsigned nr)
{
	uint16_t slot = head;

	for (unsigned i = 0; i < nr; i++) {
		uint16_t next = vq->slots[slot].next;

		descriptor_write(&vq->descriptors[slot], pieces[i].start, pieces[i].length,
				 piece_flags(i, nr_read, nr), i + 1 < nr ? next : 0);
		slot = next;
	}
}

/* Take `count` descriptors off the free list, which keeps them linked; the first one. */
static uint16_t slots_take(struct virtqueue *vq, unsigned count)
{
	uint16_t head = vq->free_head;
	uint16_t end = head;

	for (unsigned i = 0; i < count; i++)
		end = vq->slots[end].next;
	vq->free_head = end;
	vq->free_count = (uint16_t)(vq->free_count - count);
	vq->slots[head].count = (uint16_t)count;
	return head;
}

static void slots_give_back(struct virtqueue *vq, uint16_t head)
{
	unsigned count = vq->slots[head].count;
	uint16_t last = head;

	for (unsigned i = 1; i < count; i++)
		last = vq->slots[last].next;
	vq->slots[last].next = vq->free_head;
	vq->slots[head].cookie = NULL;
	vq->slots[head].count = 0;
	vq->free_head = head;
	vq->free_count = (uint16_t)(vq->free_count + count);
	vq->outstanding--;
}

int virtqueue_add(struct virtqueue *vq, const struct virtqueue_piece *pieces, unsigned nr_read,
		  unsigned nr_write, void *cookie)
{
	unsigned nr = nr_read + nr_write;
	uint32_t readable, writable;
	bool indirect;
	uint16_t head;

	ASSERT(cookie);
	if (vq->broken)
		return -EIO;
	if (nr == 0 || nr > VIRTQUEUE_CHAIN_MAX || nr > vq->layout.size)
		return -EINVAL;
	if (pieces_measure(pieces, nr_read, &readable) ||
	    pieces_measure(pieces + nr_read, nr_write, &writable) ||
	    readable > UINT32_MAX - writable)
		return -EINVAL;
	indirect = nr > 1 && nr <= vq->layout.indirect_entries;
	if (vq->free_count < (indirect ? 1 : nr))
		return -ENOSPC;
	head = slots_take(vq, indirect ? 1 : nr);
	if (indirect)
		add_indirect(vq, head, pieces, nr_read, nr);
	else
		add_direct(vq, head, pieces, nr_read, nr);
	vq->slots[head].cookie = cookie;
	vq->slots[head].writable = writable;
	vq->slots[head].total = readable + writable;
	vq->slots[head].round = vq->round;
	ring16_store(&vq->available->heads[vq->next_index & (vq->layout.size - 1)], head);
	vq->next_index++;
	vq->outstanding++;
	return 0;
}

static bool device_wants_notification(const struct virtqueue *vq, uint16_t old)
{
	if (vq->layout.event_index)
		return ring_event_passed(ring16_load(notify_event(vq)), vq->published, old);
	return !(ring16_load(&vq->used->flags) & RING_USED_NO_NOTIFY);
}

bool virtqueue_kick(struct virtqueue *vq)
{
	uint16_t old = vq->published;

	if (vq->broken || vq->next_index == old)
		return false;
	dma_write_barrier();
	ring16_release(&vq->available->index, vq->next_index);
	vq->published = vq->next_index;
	vq->round++;
	/* The device first publishes what it wants, then looks for work: we the other way. */
	dma_full_barrier();
	if (!device_wants_notification(vq, old))
		return false;
	vq->kicks++;
	vq->notify(vq);
	return true;
}

COLD static void *queue_break(struct virtqueue *vq, const char *what, unsigned value)
{
	vq->broken = true;
	log_error("virtio: %s: queue %u: device %s (%u of size %u, %u buffers out): queue "
		  "stopped, the device must be reset",
		  vq->layout.device, vq->layout.index, what, value, vq->layout.size,
		  vq->outstanding);
	return NULL;
}

unsigned virtqueue_pending(const struct virtqueue *vq)
{
	return (uint16_t)(ring16_acquire(&vq->used->index) - vq->taken);
}

/* Judge one used entry whose id names a buffer that is out; its cookie, or NULL and broken. */
static void *used_entry_accept(struct virtqueue *vq, uint16_t head, uint32_t length,
			       uint32_t *written)
{
	struct virtqueue_slot *slot = &vq->slots[head];
	void *cookie = slot->cookie;

	if (length > slot->total)
		return queue_break(vq, "says it wrote beyond the buffer", length);
	/* Some devices count what they read as well; only what they may write is meant. */
	*written = MIN(length, slot->writable);
	slots_give_back(vq, head);
	vq->taken++;
	return cookie;
}

void *virtqueue_take(struct virtqueue *vq, uint32_t *written)
{
	struct ring_used_element *element;
	unsigned pending = virtqueue_pending(vq);
	uint16_t visible =
		(uint16_t)(vq->outstanding - (uint16_t)(vq->next_index - vq->published));
	uint32_t id;

	*written = 0;
	if (vq->broken || pending == 0)
		return NULL;
	if (pending > visible)
		return queue_break(vq, "moved the used index past what it was given", pending);
	dma_read_barrier();
	element = &vq->used->elements[vq->taken & (vq->layout.size - 1)];
	id = ring32_load(&element->id);
	if (id >= vq->layout.size)
		return queue_break(vq, "returned a buffer number out of range", id);
	if (!vq->slots[id].cookie || vq->slots[id].round == vq->round)
		return queue_break(vq, "returned a buffer it does not hold", id);
	return used_entry_accept(vq, (uint16_t)id, ring32_load(&element->length), written);
}

bool virtqueue_arm(struct virtqueue *vq, unsigned count)
{
	if (vq->layout.event_index)
		ring16_store(interrupt_event(vq), (uint16_t)(vq->taken + count - 1));
	else
		ring16_store(&vq->available->flags, 0);
	/* What was used before the device could see this will not interrupt: look again. */
	dma_full_barrier();
	return virtqueue_pending(vq) >= count;
}

void virtqueue_disarm(struct virtqueue *vq)
{
	if (vq->layout.event_index)
		ring16_store(interrupt_event(vq), (uint16_t)(vq->taken - 1));
	else
		ring16_store(&vq->available->flags, RING_AVAILABLE_NO_INTERRUPT);
}

void *virtqueue_detach(struct virtqueue *vq)
{
	vq->broken = true;
	for (unsigned i = 0; i < vq->layout.size && vq->outstanding > 0; i++) {
		void *cookie = vq->slots[i].cookie;

		if (cookie) {
			slots_give_back(vq, (uint16_t)i);
			return cookie;
		}
	}
	return NULL;
}

bool virtqueue_is_broken(const struct virtqueue *vq)
{
	return vq->broken;
}

/* Descriptors held by buffers that are out, or SIZE_MAX when a chain leaves the queue. */
static size_t descriptors_in_use(const struct virtqueue *vq)
{
	size_t used = 0;

	for (unsigned i = 0; i < vq->layout.size; i++) {
		uint16_t slot = (uint16_t)i;

		if (!vq->slots[i].cookie)
			continue;
		for (unsigned n = 1; n < vq->slots[i].count; n++) {
			slot = vq->slots[slot].next;
			if (slot >= vq->layout.size)
				return SIZE_MAX;
		}
		used += vq->slots[i].count;
	}
	return used;
}

const char *virtqueue_check(const struct virtqueue *vq)
{
	unsigned free = 0, out = 0;

	for (uint16_t slot = vq->free_head; slot != NO_SLOT; slot = vq->slots[slot].next) {
		if (slot >= vq->layout.size || free++ == vq->layout.size)
			return "virtqueue: free list leaves the queue or has a loop";
		if (vq->slots[slot].cookie)
			return "virtqueue: a buffer that is out is on the free list";
	}
	for (unsigned i = 0; i < vq->layout.size; i++)
		out += vq->slots[i].cookie != NULL;
	if (free != vq->free_count)
		return "virtqueue: free list and its count differ";
	if (out != vq->outstanding)
		return "virtqueue: buffers out and their count differ";
	if (descriptors_in_use(vq) + free != vq->layout.size)
		return "virtqueue: descriptors were lost or used twice";
	return NULL;
}

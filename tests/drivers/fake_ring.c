// SPDX-License-Identifier: MIT
/*
 * Device side of a split virtqueue. See the header.
 */
#include <tests/drivers/fake_ring.h>

#include <platform/barrier.h>
#include <platform/memory.h>

void fake_ring_init(struct fake_ring *ring, unsigned size, bool event_index,
		    struct phys descriptors, struct phys available, struct phys used)
{
	*ring = (struct fake_ring){
		.descriptors = phys_to_virt(descriptors),
		.available = phys_to_virt(available),
		.used = phys_to_virt(used),
		.size = size,
		.event_index = event_index,
	};
}

/* Follow one chain through `table`; false when it cannot be. */
static bool chain_read(struct fake_chain *chain, const struct ring_descriptor *table,
		       unsigned entries, unsigned at)
{
	for (unsigned n = 0; n < entries && n < VIRTQUEUE_CHAIN_MAX; n++) {
		const struct ring_descriptor *d = &table[at];
		uint16_t flags = ring16_load(&d->flags);
		unsigned i = chain->nr_read + chain->nr_write;

		chain->pieces[i].start = phys(ring64_load(&d->address));
		chain->pieces[i].length = ring32_load(&d->length);
		if (flags & RING_DESCRIPTOR_WRITE)
			chain->nr_write++;
		else if (chain->nr_write)
			return false;
		else
			chain->nr_read++;
		if (!(flags & RING_DESCRIPTOR_NEXT))
			return true;
		at = ring16_load(&d->next);
		if (at >= entries)
			return false;
	}
	return false;
}

bool fake_ring_pop_head(struct fake_ring *ring, uint16_t *head)
{
	if (ring16_acquire(&ring->available->index) == ring->seen)
		return false;
	dma_read_barrier();
	*head = ring16_load(&ring->available->heads[ring->seen % ring->size]);
	ring->seen++;
	fake_ring_set_notify_event(ring, ring->seen);
	return true;
}

bool fake_ring_pop(struct fake_ring *ring, struct fake_chain *chain)
{
	const struct ring_descriptor *d;
	bool good;

	*chain = (struct fake_chain){0};
	if (!fake_ring_pop_head(ring, &chain->head))
		return false;
	if (chain->head >= ring->size)
		return true;
	d = &ring->descriptors[chain->head];
	if (ring16_load(&d->flags) & RING_DESCRIPTOR_INDIRECT)
		good = chain_read(chain, phys_to_virt(phys(ring64_load(&d->address))),
				  ring32_load(&d->length) / sizeof(*d), 0);
	else
		good = chain_read(chain, ring->descriptors, ring->size, chain->head);
	if (!good)
		chain->nr_read = chain->nr_write = 0;
	return true;
}

void fake_ring_set_used(struct fake_ring *ring, uint16_t index)
{
	dma_write_barrier();
	ring16_release(&ring->used->index, index);
}

void fake_ring_push(struct fake_ring *ring, uint32_t id, uint32_t length)
{
	uint16_t index = ring16_load(&ring->used->index);
	struct ring_used_element *element = &ring->used->elements[index % ring->size];

	ring32_store(&element->id, id);
	ring32_store(&element->length, length);
	fake_ring_set_used(ring, (uint16_t)(index + 1));
}

bool fake_ring_interrupts(struct fake_ring *ring)
{
	uint16_t old = ring->signaled;

	dma_full_barrier();
	ring->signaled = ring16_load(&ring->used->index);
	if (ring->signaled == old)
		return false;
	if (ring->event_index)
		return ring_event_passed(ring16_load(&ring->available->heads[ring->size]),
					 ring->signaled, old);
	return !(ring16_load(&ring->available->flags) & RING_AVAILABLE_NO_INTERRUPT);
}

void fake_ring_set_notify_event(struct fake_ring *ring, uint16_t index)
{
	if (ring->event_index)
		ring16_store((struct ring16 *)&ring->used->elements[ring->size], index);
	else
		ring16_store(&ring->used->flags, 0);
}

// SPDX-License-Identifier: MIT
/*
 * Coherent DMA buffers (spec-mapping-dma.md section 5): contiguous, zero up to the end of the
 * last page, within the reach of the device, made of independent (exploded) pages, so that what
 * a size leaves over of its power of two goes back at once. Device and CPU see the same bytes
 * without any call: a port without that property must not build this.
 *
 * Nothing here maps a buffer for a user; whoever does frees it only after the last mapping is
 * gone.
 */
#ifndef MM_DMA_H
#define MM_DMA_H

#include <mm/folio.h>

/* The largest buffer. */
#define DMA_SIZE_MAX (PAGE_SIZE << FOLIO_ORDER_MAX)

/* What memory needs to know of a device; static or inside the device's own structure. */
struct dma_device {
	const char *name; /* in messages */
	uint64_t mask;    /* highest address it can put on the bus */
	int node;         /* near it, or NODE_ANY */
	_Atomic bool warned_compound;
};

/*
 * `size` bytes rounded up to pages, all of them zero and none above the mask; *bus: the address
 * of byte 0 as the device sees it, page aligned. flags: FOLIO_ATOMIC, FOLIO_NOWARN,
 * FOLIO_NORETRY count; zones come from the mask alone (D-A2), FOLIO_COMPOUND is taken out with
 * one warning per device (D-A5). NULL: size 0 or above DMA_SIZE_MAX, or no memory there. Any
 * context.
 */
void *dma_alloc(struct dma_device *device, size_t size, unsigned flags,
		uint64_t *bus) MUST_CHECK;

/*
 * With the size, address and bus address of dma_alloc(); NULL is fine. Anything else is
 * reported and refused: nothing is freed then. No interrupt context: the owner must have
 * stopped the device, and that is not known there.
 */
void dma_free(struct dma_device *device, size_t size, void *address, uint64_t bus);

#endif

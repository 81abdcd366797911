// SPDX-License-Identifier: MIT
/*
 * See dma.h. The first page's `private` holds the number of pages: the record that a free with
 * a wrong size is refused by. Bus addresses are physical ones: no port has an IOMMU between.
 */
#include <mm/dma.h>
#include <mm/zone.h>
#include <kernel/log.h>

#define CALLER_FLAGS (FOLIO_ATOMIC | FOLIO_NOWARN | FOLIO_NORETRY)

/* What makes a request stay in a zone or below. */
static const unsigned zone_flags[ZONE_TYPES] = {
	[ZONE_DMA] = FOLIO_DMA, [ZONE_DMA32] = FOLIO_DMA32, [ZONE_NORMAL] = 0};

static uint64_t pages_of(size_t size)
{
	return align_up((uint64_t)size, PAGE_SIZE) >> PAGE_SHIFT;
}

/* The highest zone that begins within reach. */
static enum zone_type highest_zone(uint64_t mask)
{
	unsigned type = ZONE_DMA;

	while (type < PLATFORM_DMA_ZONES && platform_dma_zone_end[type].addr <= mask)
		type++;
	return (enum zone_type)type;
}

static struct page *try_zone(const struct dma_device *device, enum zone_type type,
			     uint64_t pages, unsigned flags)
{
	struct page *page =
		page_alloc_exact(device->node, (unsigned)pages, flags | zone_flags[type]);

	if (!page)
		return NULL;
	if (page_to_phys(page).addr + (pages << PAGE_SHIFT) - 1 > device->mask) {
		page_free_exact(page, (unsigned)pages);
		return NULL;
	}
	return page;
}

static unsigned accepted_flags(struct dma_device *device, unsigned flags)
{
	if (flags & FOLIO_COMPOUND && !atomic_exchange(&device->warned_compound, true))
		log_warn("mm: %s: DMA buffers cannot be compound: flag ignored", device->name);
	return flags & CALLER_FLAGS;
}

void *dma_alloc(struct dma_device *device, size_t size, unsigned flags, uint64_t *bus)
{
	uint64_t pages = pages_of(size);
	enum zone_type type = highest_zone(device->mask);
	struct page *page;

	flags = accepted_flags(device, flags);
	if (size == 0 || size > DMA_SIZE_MAX)
		return NULL;
	/* All tries but the last may fail in silence. */
	page = try_zone(device, type, pages, flags | (type ? FOLIO_NOWARN : 0));
	while (!page && type-- > ZONE_DMA)
		page = try_zone(device, type, pages, flags | (type ? FOLIO_NOWARN : 0));
	if (!page)
		return NULL;
	memset(page_to_virt(page), 0, pages << PAGE_SHIFT);
	for (uint64_t i = 0; i < pages; i++)
		page_set_type(page + i, PAGE_TYPE_DMA);
	page_set_private(page, pages);
	*bus = page_to_phys(page).addr;
	return page_to_virt(page);
}

/* What is wrong with a request to free, or NULL. */
static const char *refusal(const struct page *page, const void *address, uint64_t pages,
			   uint64_t bus)
{
	if (!page || page_to_virt(page) != address || page_type(page) != PAGE_TYPE_DMA ||
	    page->private == 0)
		return "not the address of a DMA buffer";
	if (page->private != pages)
		return "of another size";
	if (page_to_phys(page).addr != bus)
		return "at another bus address";
	return NULL;
}

void dma_free(struct dma_device *device, size_t size, void *address, uint64_t bus)
{
	uint64_t pages = pages_of(size);
	struct page *page;
	const char *wrong;

	if (!address)
		return;
	page = page_lookup(phys_to_pfn(virt_to_phys(address)));
	wrong = refusal(page, address, pages, bus);
	if (wrong) {
		log_error("mm: %s: free of a DMA buffer %s: %zu bytes at %p, bus %#llx, holds "
			  "%llu pages: kept",
			  device->name, wrong, size, address, (unsigned long long)bus,
			  page ? (unsigned long long)page->private : 0ull);
		return;
	}
	page_set_private(page, 0);
	page_free_exact(page, (unsigned)pages);
}

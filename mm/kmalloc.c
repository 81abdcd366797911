// SPDX-License-Identifier: MIT
/*
 * kmalloc(): a cache for each common size; larger requests are folios of their own.
 */
#include <mm/slab.h>
#include <mm/slab_init.h>
#include <mm/slab_internal.h>
#include <kernel/assert.h>
#include <kernel/log.h>

struct size_class {
	uint16_t size;
	const char *name;
};

static const struct size_class classes[] = {
	{16, "kmalloc-16"},     {32, "kmalloc-32"},     {64, "kmalloc-64"},
	{96, "kmalloc-96"},     {128, "kmalloc-128"},   {192, "kmalloc-192"},
	{256, "kmalloc-256"},   {384, "kmalloc-384"},   {512, "kmalloc-512"},
	{768, "kmalloc-768"},   {1024, "kmalloc-1024"}, {2048, "kmalloc-2048"},
	{4096, "kmalloc-4096"}, {8192, "kmalloc-8192"},
};

/* Class for sizes up to 1024, by 16 bytes. */
static uint8_t class_of_small[1024 / 16 + 1];
static struct slab_cache *class_caches[ARRAY_SIZE(classes)];

void kmalloc_init(void)
{
	unsigned class = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(class_of_small); i++) {
		if (i * 16 > classes[class].size)
			class ++;
		class_of_small[i] = (uint8_t) class;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		size_t size = classes[i].size;

		struct slab_attributes attributes = {
			.name = classes[i].name,
			.size = size,
			.alignment = is_power_of_two(size) ? MIN(size, PAGE_SIZE) : 16,
		};

		class_caches[i] = slab_cache_create(&attributes);
		if (!class_caches[i])
			panic("mm: no memory for %s: give the machine more memory",
			      classes[i].name);
	}
}

static struct slab_cache *cache_for(size_t size)
{
	unsigned class;

	if (size <= 1024)
		return class_caches[class_of_small[(size + 15) / 16]];
	class = class_of_small[1024 / 16];
	while (classes[class].size < size)
		class ++;
	return class_caches[class];
}

static void *large_alloc(size_t size, unsigned flags)
{
	unsigned order = log2_ceil((size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	struct folio *folio;

	if (order > FOLIO_ORDER_MAX)
		return NULL;
	folio = folio_alloc(NODE_ANY, order, flags, NULL);
	if (!folio)
		return NULL;
	page_set_type(&folio->page, PAGE_TYPE_KMALLOC);
	return folio_address(folio);
}

static ALWAYS_INLINE void *alloc_by(size_t size, unsigned flags, uintptr_t caller)
{
	if (UNLIKELY(size > SLAB_OBJECT_MAX))
		return large_alloc(size, flags);
	return slab_alloc_asked(cache_for(size), size, flags, caller);
}

void *kmalloc(size_t size, unsigned flags)
{
	return alloc_by(size, flags, SLAB_CALLER());
}

void *kzalloc(size_t size)
{
	return alloc_by(size, FOLIO_ZERO | FOLIO_MAY_SLEEP, SLAB_CALLER());
}

void kfree(void *object)
{
	struct folio *folio;

	if (!object)
		return;
	folio = page_folio(virt_to_page(object));
	if (LIKELY(folio->page.type == PAGE_TYPE_SLAB))
		slab_free_by(folio->page.cache, object, SLAB_CALLER());
	else if (folio->page.type == PAGE_TYPE_KMALLOC && folio_address(folio) == object)
		folio_put(folio);
	else
		log_error("mm: kfree(%p): not from kmalloc(), or freed already", object);
}

size_t kmalloc_usable_size(const void *object)
{
	const struct folio *folio = page_folio(virt_to_page(object));

	if (folio->page.type != PAGE_TYPE_SLAB)
		return folio_size(folio);
	return SLAB_DEBUG ? slab_debug_asked(folio->page.cache, object)
			  : folio->page.cache->size;
}

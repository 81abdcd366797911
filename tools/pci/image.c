// SPDX-License-Identifier: MIT
/*
 * The image back end. Fixed functions are found by binary search, so that a dump of ten
 * thousand functions stays quick; routed ones by asking each whether its bridges forward the
 * bus.
 */
#include <tools/pci/image.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <pci/regs.h>

#define NOT_READY_ID 0xffff0001u

static unsigned secondary_of(const struct pci_image_function *bridge)
{
	return bridge->value[PCI_REG_BUS_NUMBERS + 1];
}

/* Does every bridge above forward accesses to this bus? */
static bool is_routed_to(const struct pci_image_function *function, unsigned bus)
{
	const struct pci_image_function *bridge = function->bridge;

	if (secondary_of(bridge) != bus || bus == 0)
		return false;
	for (; bridge; bridge = bridge->bridge) {
		if (bus < secondary_of(bridge) || bus > bridge->value[PCI_REG_BUS_NUMBERS + 2])
			return false;
		if (!bridge->bridge)
			return bridge->address.bus != bus;
	}
	return true;
}

/* Index of the first fixed function at or above a key. */
static size_t fixed_lower_bound(const struct pci_image *image, uint64_t key)
{
	size_t low = 0, high = image->fixed;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pci_address_key(image->functions[middle]->address) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct pci_image_function *pci_image_find(const struct pci_image *image,
					  struct pci_address address)
{
	size_t at = fixed_lower_bound(image, pci_address_key(address));

	if (at < image->fixed && pci_address_equal(image->functions[at]->address, address))
		return image->functions[at];
	for (at = image->fixed; at < image->count; at++) {
		struct pci_image_function *function = image->functions[at];

		if (function->address.devfn == address.devfn &&
		    function->address.segment == address.segment &&
		    is_routed_to(function, address.bus))
			return function;
	}
	return NULL;
}

static struct pci_image *image_of(struct pci_access *access)
{
	return container_of(access, struct pci_image, access);
}

static unsigned image_space(struct pci_access *access, struct pci_address address)
{
	const struct pci_image_function *function = pci_image_find(image_of(access), address);

	return function ? function->size : PCI_SPACE_EXPRESS;
}

static int image_read(struct pci_access *access, struct pci_address address, unsigned offset,
		      unsigned width, uint32_t *value)
{
	struct pci_image *image = image_of(access);
	struct pci_image_function *function = pci_image_find(image, address);

	*value = pci_config_all_ones(width);
	if (!function)
		return 0;
	function->reads++;
	memset(function->was_read + offset, 1, width);
	if (function->reads_until_dead != PCI_IMAGE_NEVER &&
	    function->reads_until_dead-- == 0) {
		function->reads_until_dead = PCI_IMAGE_NEVER;
		function->dead = true;
	}
	if (function->dead)
		return 0;
	if (memchr(function->hidden + offset, 1, width))
		return -EIO;
	if (image->now_ns >= function->ready_ns)
		*value = pci_image_get(function, offset, width);
	else if (offset == PCI_REG_VENDOR)
		*value &= NOT_READY_ID;
	return 0;
}

static int image_write(struct pci_access *access, struct pci_address address, unsigned offset,
		       unsigned width, uint32_t value)
{
	struct pci_image_function *function = pci_image_find(image_of(access), address);

	if (!function)
		return 0;
	function->writes++;
	function->last_write = (struct pci_image_write){offset, width, value};
	for (unsigned i = offset; i < offset + width && !function->dead; i++, value >>= 8) {
		uint8_t writable = function->writable[i];

		function->value[i] =
			(uint8_t)((function->value[i] & ~writable) | (value & writable));
		function->value[i] &= (uint8_t) ~(value & function->clear_on_write[i]);
	}
	return 0;
}

static bool image_next(struct pci_access *access, struct pci_address *address)
{
	const struct pci_image *image = image_of(access);
	size_t at = fixed_lower_bound(image, pci_address_key(*address));

	if (at == image->fixed)
		return false;
	*address = image->functions[at]->address;
	return true;
}

static bool image_range(struct pci_access *access, unsigned index, struct pci_bus_range *range)
{
	*range = image_of(access)->range;
	return index == 0;
}

static void image_delay(struct pci_access *access, uint64_t ns)
{
	image_of(access)->now_ns += ns;
}

static const struct pci_access_operations scanned_operations = {
	.space = image_space,
	.read = image_read,
	.write = image_write,
	.range = image_range,
	.delay = image_delay,
};

static const struct pci_access_operations listed_operations = {
	.space = image_space,
	.read = image_read,
	.write = image_write,
	.next = image_next,
	.delay = image_delay,
};

void pci_image_init(struct pci_image *image, bool listed)
{
	*image = (struct pci_image){
		.access.operations = listed ? &listed_operations : &scanned_operations,
		.range = {0, 0, 0xff},
	};
}

void pci_image_destroy(struct pci_image *image)
{
	for (size_t i = 0; i < image->count; i++)
		kmem_free(image->functions[i]);
	kmem_free(image->functions);
	image->functions = NULL;
	image->count = image->capacity = image->fixed = 0;
}

static bool grow(struct pci_image *image)
{
	size_t capacity = image->capacity ? image->capacity * 2 : 16;
	struct pci_image_function **larger;

	if (image->count < image->capacity)
		return true;
	larger = kmem_alloc(capacity * sizeof(larger[0]));
	if (!larger)
		return false;
	if (image->count > 0)
		memcpy(larger, image->functions, image->count * sizeof(larger[0]));
	kmem_free(image->functions);
	image->functions = larger;
	image->capacity = capacity;
	return true;
}

/* One block: the structure, then the five arrays. */
static struct pci_image_function *insert(struct pci_image *image, size_t at, unsigned size)
{
	struct pci_image_function *function = kmem_alloc(sizeof(*function) + 5 * size);

	if (!function || !grow(image)) {
		kmem_free(function);
		return NULL;
	}
	function->size = size;
	function->reads_until_dead = PCI_IMAGE_NEVER;
	function->value = (uint8_t *)(function + 1);
	function->writable = function->value + size;
	function->clear_on_write = function->writable + size;
	function->was_read = function->clear_on_write + size;
	function->hidden = function->was_read + size;
	memmove(image->functions + at + 1, image->functions + at,
		(image->count - at) * sizeof(image->functions[0]));
	image->functions[at] = function;
	image->count++;
	return function;
}

struct pci_image_function *pci_image_add(struct pci_image *image, struct pci_address address,
					 unsigned size)
{
	size_t at = fixed_lower_bound(image, pci_address_key(address));
	struct pci_image_function *function;

	if (at < image->fixed && pci_address_equal(image->functions[at]->address, address))
		return NULL;
	function = insert(image, at, size);
	if (function) {
		function->address = address;
		image->fixed++;
	}
	return function;
}

struct pci_image_function *pci_image_add_below(struct pci_image *image,
					       struct pci_image_function *bridge,
					       unsigned devfn, unsigned size)
{
	struct pci_image_function *function = insert(image, image->count, size);

	if (function) {
		function->bridge = bridge;
		function->address.segment = bridge->address.segment;
		function->address.devfn = (uint8_t)devfn;
	}
	return function;
}

static void store(uint8_t *bytes, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++, value >>= 8)
		bytes[i] = (uint8_t)value;
}

void pci_image_set(struct pci_image_function *function, unsigned offset, unsigned width,
		   uint32_t value)
{
	store(function->value + offset, width, value);
}

uint32_t pci_image_get(const struct pci_image_function *function, unsigned offset,
		       unsigned width)
{
	uint32_t value = 0;

	for (unsigned i = width; i-- > 0;)
		value = value << 8 | function->value[offset + i];
	return value;
}

void pci_image_set_writable(struct pci_image_function *function, unsigned offset,
			    unsigned width, uint32_t mask)
{
	store(function->writable + offset, width, mask);
}

void pci_image_set_clear_on_write(struct pci_image_function *function, unsigned offset,
				  unsigned width, uint32_t mask)
{
	store(function->clear_on_write + offset, width, mask);
}

bool pci_image_was_read(const struct pci_image_function *function, unsigned offset,
			unsigned length)
{
	for (unsigned i = offset; i < offset + length; i++) {
		if (function->was_read[i])
			return true;
	}
	return false;
}

// SPDX-License-Identifier: MIT
/*
 * Every BAR and every window is a request behind one bridge (or on a root bus). Windows are
 * sized from the leaves up: the room that what is behind them takes when laid out from 0,
 * largest alignment first. Then requests get addresses from the roots down. No recursion: the
 * list of functions ascends, and a bridge stands in it before all that is behind it.
 */
#include <pci/assign.h>
#include <errno.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <kernel/kmem.h>
#include <pci/bar.h>
#include <pci/regs.h>
#include <platform/pci_config.h>

#define INTERRUPT_CONTROLLERS UINT64_C(0xfec00000)
#define HIGH_END              BIT64(39) /* what every processor with 64-bit BARs can address */

struct request {
	struct list_head link; /* largest alignment first */
	struct pci_device *device;
	enum pci_resource resource;
	unsigned offset; /* of the BAR; 0: a window of the bridge */
	bool wide;       /* the BAR has an upper half */
	uint64_t size;
	uint64_t align;
	uint64_t base;
};

static unsigned rom_offset(const struct pci_device *device)
{
	return device->header_type == 1 ? PCI_REG_BRIDGE_ROM : PCI_REG_ROM;
}

bool pci_is_unconfigured(const struct pci_fabric *fabric)
{
	const struct pci_device *device;
	struct pci_bar bar;

	pci_for_each_device (device, fabric) {
		for (unsigned i = 0; i < pci_bar_count(device); i++) {
			if (pci_bar_read(device, i, &bar) == 0 && bar.base != 0)
				return false;
		}
	}
	return true;
}

/* One window of a bridge; closed when `last` is below `base`. -EIO when it did not stick. */
static int write_window(const struct pci_device *bridge, enum pci_resource resource,
			uint64_t base, uint64_t last)
{
	bool io = resource == PCI_RESOURCE_IO, prefetch = resource == PCI_RESOURCE_PREFETCH;
	unsigned offset = io         ? PCI_REG_IO_WINDOW
			  : prefetch ? PCI_REG_PREFETCH_WINDOW
				     : PCI_REG_MEMORY_WINDOW;
	uint64_t ends = io ? (base >> 8 & 0xf0) | (last & 0xf000)
			   : (base >> 16 & 0xfff0) | (last & 0xfff00000);
	int error = io ? pci_write16(bridge, offset, (uint16_t)ends)
		       : pci_write32(bridge, offset, (uint32_t)ends);

	if (error == 0 && prefetch)
		error = pci_write32(bridge, PCI_REG_PREFETCH_BASE_HIGH, (uint32_t)(base >> 32));
	if (error == 0 && prefetch)
		error = pci_write32(bridge, PCI_REG_PREFETCH_LIMIT_HIGH,
				    (uint32_t)(last >> 32));
	ends ^= pci_get(bridge, offset, io ? 2 : 4);
	return error == 0 && (ends & (io ? 0xf0f0 : 0xfff0fff0)) != 0 ? -EIO : error;
}

static void wipe_function(struct pci_device *device)
{
	unsigned bars = pci_bar_count(device);
	/* Errors: a function that takes no write is gone, or will be a defect when it is used.
	 */
	int ignored = pci_command_change(
		device, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);

	for (unsigned i = 0; i < bars; i++)
		ignored |= pci_write32(device, PCI_REG_BAR0 + i * 4, 0);
	if (bars > 0)
		ignored |= pci_write32(device, rom_offset(device), 0);
	if (device->sriov)
		ignored |= pci_write16(device, device->sriov + PCI_SRIOV_CONTROL, 0);
	for (unsigned i = 0; device->sriov && i < 6; i++)
		ignored |= pci_write32(device, device->sriov + PCI_SRIOV_BAR0 + i * 4, 0);
	for (unsigned i = 0; pci_device_is_bridge(device) && i < PCI_RESOURCES; i++)
		ignored |= write_window(device, i, UINT32_MAX, 0);
	for (unsigned i = 0; pci_device_is_bridge(device) && i < 3; i++)
		ignored |= pci_write8(device, PCI_REG_BUS_NUMBERS + i, 0);
	(void)ignored;
}

/* From the leaves up: a bridge without numbers leads nowhere. */
void pci_wipe(struct pci_fabric *fabric)
{
	struct list_head *link = fabric->devices.prev;

	for (; link != &fabric->devices; link = link->prev) {
		struct pci_device *device = list_entry(link, struct pci_device, link);

		if (!device->physical_function && !device->enhanced)
			wipe_function(device);
	}
}

/* A resource of no size needs no request. */
static int add_request(struct list_head *requests, const struct request *request)
{
	struct list_head *place = requests->prev;
	struct request *added;

	if (request->size == 0)
		return 0;
	added = kmem_alloc(sizeof(*added));
	if (!added)
		return -ENOMEM;
	*added = *request;
	while (place != requests &&
	       list_entry(place, struct request, link)->align < request->align)
		place = place->prev;
	list_insert_between(&added->link, place, place->next);
	return 0;
}

/* May a BAR of 64 bits lie above 4 GiB: do all windows on the way lead there? */
static bool reaches_high(const struct pci_device *device, const struct pci_bar *bar)
{
	const struct pci_device *bridge = device->parent;

	if (bar->kind != PCI_BAR_MEMORY64 || (bridge && !bar->prefetchable))
		return false;
	while (bridge && (pci_get(bridge, PCI_REG_PREFETCH_WINDOW, 2) & 0xf) == 1)
		bridge = bridge->parent;
	return !bridge;
}

/* The BAR registers from `at` on, each for so many functions that have their BARs in a row. */
static int request_bars(struct list_head *requests, struct pci_device *device, unsigned at,
			unsigned count, unsigned functions, bool high)
{
	unsigned end = at + 4 * count;
	int error = 0;

	for (struct pci_bar bar; at < end && error == 0;
	     at += bar.kind == PCI_BAR_MEMORY64 ? 8 : 4) {
		struct request request = {.device = device, .offset = at};

		if (pci_bar_measure(device, at, at + 4 < end, &bar) != 0 ||
		    bar.kind == PCI_BAR_NONE)
			continue;
		request.resource = bar.kind == PCI_BAR_IO               ? PCI_RESOURCE_IO
				   : high && reaches_high(device, &bar) ? PCI_RESOURCE_PREFETCH
									: PCI_RESOURCE_MEMORY;
		request.wide = bar.kind == PCI_BAR_MEMORY64;
		request.size = bar.size * functions;
		request.align = bar.size;
		error = add_request(requests, &request);
	}
	return error;
}

static int request_rom(struct list_head *requests, struct pci_device *device)
{
	struct request request = {.device = device, .resource = PCI_RESOURCE_MEMORY};
	uint32_t rom = 0;

	if (pci_bar_count(device) == 0 ||
	    pci_bar_probe(device, rom_offset(device), ~PCI_ROM_FLAGS, &rom) != 0)
		return 0;
	request.offset = rom_offset(device);
	request.size = request.align = rom & -rom;
	return add_request(requests, &request);
}

/* Virtual functions find theirs in the capability of their physical function; they are off. */
static int request_function(struct list_head *requests, struct pci_device *device, bool high)
{
	unsigned total =
		device->sriov ? pci_get(device, device->sriov + PCI_SRIOV_TOTAL, 2) : 0;
	int error = pci_command_change(device, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 0);

	if (error != 0)
		return 0; /* it is gone, or takes no write: there is nothing to place */
	error = request_bars(requests, device, PCI_REG_BAR0, pci_bar_count(device), 1, high);
	if (error == 0)
		error = request_rom(requests, device);
	if (error == 0 && total != 0 && total != 0xffff)
		error = request_bars(requests, device, device->sriov + PCI_SRIOV_BAR0, 6, total,
				     high);
	return error;
}

/* Room for all requests right below a bridge (NULL: of root buses) from `at` on; where it ends.
 * Only those that end below `limit` are given their address. */
static uint64_t lay_out(struct list_head *requests, const struct pci_device *bridge,
			enum pci_resource resource, uint64_t at, uint64_t limit)
{
	struct request *request;

	list_for_each_entry (request, requests, link) {
		uint64_t base = align_up(at, request->align);

		if (request->device->parent != bridge || request->resource != resource)
			continue;
		if (base > limit || request->size > limit - base)
			continue;
		request->base = base;
		at = base + request->size;
	}
	return at;
}

static int request_windows(struct list_head *requests, struct pci_device *bridge)
{
	struct request window = {.device = bridge}, *request;
	int error = 0;

	for (unsigned i = 0; i < PCI_RESOURCES && error == 0; i++) {
		uint64_t unit = i == PCI_RESOURCE_IO ? KIB(4) : MIB(1);

		window.resource = i;
		window.align = unit;
		list_for_each_entry (request, requests, link) {
			if (request->device->parent == bridge && request->resource == i)
				window.align = MAX(window.align, request->align);
		}
		window.size = align_up(lay_out(requests, bridge, i, 0, UINT64_MAX / 2), unit);
		error = add_request(requests, &window);
	}
	return error;
}

/* From the leaves up, so that what is behind a bridge is known when it is asked. */
static int collect(struct list_head *requests, struct pci_fabric *fabric, bool high)
{
	struct list_head *link = fabric->devices.prev;
	int error = 0;

	for (; link != &fabric->devices && error == 0; link = link->prev) {
		struct pci_device *device = list_entry(link, struct pci_device, link);

		if (device->physical_function || device->enhanced)
			continue;
		if (pci_device_is_bridge(device))
			error = request_windows(requests, device);
		if (error == 0)
			error = request_function(requests, device, high);
	}
	return error;
}

/* Write the address; false, with a defect, when there is none or it does not stick. */
static bool program(const struct request *request)
{
	struct pci_device *device = request->device;
	int error = request->base ? 0 : -ENOSPC;

	if (error == 0 && request->offset == 0)
		error = write_window(device, request->resource, request->base,
				     request->base + request->size - 1);
	else if (error == 0)
		error = pci_write32(device, request->offset, (uint32_t)request->base);
	if (error == 0 && request->wide)
		error = pci_write32(device, request->offset + 4,
				    (uint32_t)(request->base >> 32));
	if (error == 0 && request->offset != 0 &&
	    (pci_get(device, request->offset, 4) ^ request->base) & PCI_BAR_MEMORY_MASK)
		error = -EIO;
	if (error != 0)
		pci_defect_add(device->fabric, device->address, PCI_DEFECT_NO_ROOM,
			       request->offset);
	return error == 0;
}

/* From the roots down: a window has its place before what is behind it is laid out there. */
static int place(struct list_head *requests, const struct pci_fabric *fabric,
		 const struct pci_aperture *apertures)
{
	struct pci_device *device;
	struct request *request;
	int placed = 0;

	list_for_each_entry (request, requests, link)
		request->base = 0;
	for (unsigned i = 0; i < PCI_RESOURCES; i++)
		lay_out(requests, NULL, i, apertures[i].start, apertures[i].end);
	pci_for_each_device (device, fabric) {
		list_for_each_entry (request, requests, link) {
			if (request->device == device && request->offset == 0 && request->base)
				lay_out(requests, device, request->resource, request->base,
					request->base + request->size);
		}
	}
	list_for_each_entry (request, requests, link)
		placed += program(request) && request->offset != 0;
	return placed;
}

int pci_assign(struct pci_fabric *fabric, const struct pci_aperture apertures[PCI_RESOURCES])
{
	const struct pci_aperture *high = &apertures[PCI_RESOURCE_PREFETCH];
	struct request *request, *next;
	struct list_head requests;
	int result;

	list_init(&requests);
	result = collect(&requests, fabric, high->start < high->end);
	if (result == 0)
		result = place(&requests, fabric, apertures);
	list_for_each_entry_safe (request, next, &requests, link)
		kmem_free(request);
	return result;
}

/* Keep [start, end) without ECAM if it is larger than what was found before. */
static void consider(struct pci_aperture *largest, uint64_t start, uint64_t end)
{
	struct acpi_ecam ecam;
	size_t cursor = 0;

	while (acpi_ecam_next(&cursor, &ecam)) {
		uint64_t first = ecam.base.addr + MIB(ecam.first_bus);
		uint64_t after = ecam.base.addr + MIB(ecam.last_bus + 1);

		if (after <= start || end <= first)
			continue;
		if (first > start && first - start > end - MIN(after, end))
			end = first;
		else
			start = after;
	}
	if (start < end && end - start > largest->end - largest->start)
		*largest = (struct pci_aperture){start, end};
}

/* Between two ranges that the loader named; they ascend. */
static struct pci_aperture largest_hole(uint64_t at, uint64_t limit)
{
	struct pci_aperture largest = {0};

	for (uint32_t i = 0; i < boot_info->range_count; i++) {
		const struct boot_range *range = &boot_info->ranges[i];

		consider(&largest, at, MIN(range->start.addr, limit));
		at = MAX(at, range->start.addr + range->size);
	}
	consider(&largest, at, limit);
	return largest;
}

void pci_apertures_find(struct pci_aperture apertures[PCI_RESOURCES])
{
	apertures[PCI_RESOURCE_IO] = (struct pci_aperture){0};
	if (platform_pci_ports_present())
		apertures[PCI_RESOURCE_IO] = (struct pci_aperture){KIB(4), KIB(64)};
	apertures[PCI_RESOURCE_MEMORY] = largest_hole(0, INTERRUPT_CONTROLLERS);
	apertures[PCI_RESOURCE_PREFETCH] = largest_hole(GIB(4), HIGH_END);
}

// SPDX-License-Identifier: MIT
/*
 * The scan: every bus once, from the roots to the leaves, without recursion. A bus is scanned
 * completely before any bridge on it is entered. Other roots are buses that answer although no
 * bridge leads to them.
 */
#include <pci/enumerate.h>
#include <errno.h>
#include <pci/capability.h>
#include <pci/internal.h>
#include <pci/regs.h>
#include <platform/clock.h>

#define NOT_READY_VENDOR 0x0001
#define NOT_READY_NS     NSEC_PER_SEC

/* Vendor and device of a function, waiting for one that is not ready. False: absent. */
static bool function_answers(struct pci_fabric *fabric, struct pci_address address,
			     uint32_t *id)
{
	uint64_t waited = 0;

	for (uint64_t wait = NSEC_PER_MSEC;; wait *= 2) {
		uint16_t vendor;

		if (pci_config_read(fabric->access, address, PCI_REG_VENDOR, 4, id) != 0)
			return false;
		vendor = (uint16_t)*id;
		if (vendor != NOT_READY_VENDOR)
			return vendor != 0xffff && vendor != 0;
		if (waited >= NOT_READY_NS)
			break;
		wait = MIN(wait, NOT_READY_NS - waited);
		fabric->access->operations->delay(fabric->access, wait);
		waited += wait;
	}
	pci_defect_add(fabric, address, PCI_DEFECT_NOT_READY, *id);
	return false;
}

static void read_bridge_numbers(struct pci_device *device)
{
	uint32_t numbers;

	if (pci_read32(device, PCI_REG_BUS_NUMBERS, &numbers) != 0)
		return;
	device->primary = (uint8_t)numbers;
	device->secondary = (uint8_t)(numbers >> 8);
	device->subordinate = (uint8_t)(numbers >> 16);
}

void pci_device_read_header(struct pci_device *device)
{
	uint32_t class_and_revision;
	uint8_t header;

	int error = pci_read32(device, PCI_REG_CLASS, &class_and_revision);

	if ((pci_read8(device, PCI_REG_HEADER, &header) | error) != 0)
		device->readability = PCI_CAPABILITIES_UNREADABLE;
	device->class_code = class_and_revision >> 8;
	device->revision = (uint8_t)class_and_revision;
	device->header_type = header & 0x7f;
	device->multifunction = header & PCI_HEADER_MULTI;
	if (class_and_revision == 0xffffffff && header == 0xff) {
		device->readability = PCI_UNREADABLE; /* it went away, or never was */
		return;
	}
	if (device->header_type > 2)
		pci_defect_add(device->fabric, device->address, PCI_DEFECT_HEADER_TYPE, header);
	if (device->header_type == 1)
		read_bridge_numbers(device);
	pci_capabilities_collect(device);
}

static struct pci_device *scan_function(struct pci_scan *scan, unsigned bus, unsigned devfn)
{
	struct pci_address address =
		pci_address(scan->range.segment, bus, devfn >> 3, devfn & 7);
	struct pci_device *device;
	uint32_t id;

	if (!function_answers(scan->fabric, address, &id))
		return NULL;
	device = pci_device_add(scan->fabric, address);
	if (!device)
		return NULL;
	device->vendor = (uint16_t)id;
	device->device = (uint16_t)(id >> 16);
	pci_device_read_header(device);
	return device;
}

/* A bus and the last function found on it, so that the next becomes its sibling. */
struct bus_cursor {
	struct pci_scan *scan;
	unsigned bus;
	struct pci_device *parent;
	struct pci_device *first;
	struct pci_device *last;
};

static struct pci_device *cursor_add(struct bus_cursor *cursor, unsigned devfn)
{
	struct pci_device *device = scan_function(cursor->scan, cursor->bus, devfn);

	if (!device)
		return NULL;
	pci_device_link(device, cursor->parent, cursor->last);
	if (!cursor->first)
		cursor->first = device;
	cursor->last = device;
	return device;
}

static bool port_forwards_ari(const struct pci_device *port)
{
	uint16_t control;

	return port && port->express && port->express_version >= 2 &&
	       pci_read16(port, port->express + PCI_EXP_DEVCTL2, &control) == 0 &&
	       control != 0xffff && (control & PCI_EXP_ARI_FORWARD);
}

/*
 * Follow the chain of next function numbers; it only ever ascends, so it ends. It also ends,
 * without fault, at a function that is not there: SR-IOV devices point at virtual functions.
 */
static void scan_ari_functions(struct bus_cursor *cursor, struct pci_device *device)
{
	uint8_t next;

	while (device && device->ari) {
		if (pci_read8(device, device->ari + PCI_ARI_NEXT, &next) != 0 || next == 0)
			return;
		if (next <= device->address.devfn) {
			pci_defect_add(device->fabric, device->address, PCI_DEFECT_ARI_CHAIN,
				       next);
			return;
		}
		device = cursor_add(cursor, next);
	}
}

static void scan_device(struct bus_cursor *cursor, unsigned number)
{
	struct pci_device *zero = cursor_add(cursor, number << 3);

	if (!zero)
		return;
	if (zero->ari && number == 0 && port_forwards_ari(cursor->parent)) {
		scan_ari_functions(cursor, zero);
		return;
	}
	for (unsigned function = 1; zero->multifunction && function < 8; function++)
		cursor_add(cursor, number << 3 | function);
}

/* A link has one device; what answers beside it is a ghost. */
static bool is_link(const struct pci_device *parent)
{
	return parent && parent->express &&
	       (parent->port_type == PCI_TYPE_ROOT_PORT ||
		parent->port_type == PCI_TYPE_DOWNSTREAM_PORT ||
		parent->port_type == PCI_TYPE_PCI_TO_EXPRESS);
}

struct pci_device *pci_scan_bus(struct pci_scan *scan, unsigned bus, struct pci_device *parent)
{
	struct bus_cursor cursor = {.scan = scan, .bus = bus, .parent = parent};
	unsigned devices = is_link(parent) ? 1 : 32;

	pci_bus_set_add(&scan->scanned, bus);
	for (unsigned number = 0; number < devices; number++)
		scan_device(&cursor, number);
	return cursor.first;
}

/* Scan the bus behind each bridge among these siblings, if its numbers can be trusted. */
static void descend(struct pci_scan *scan, struct pci_device *first)
{
	struct pci_bus_set claimed = {{0}};

	for (struct pci_device *bridge = first; bridge; bridge = bridge->next_sibling) {
		if (pci_device_is_bridge(bridge) && pci_bridge_verify(scan, bridge, &claimed))
			pci_scan_bus(scan, bridge->secondary, bridge);
	}
}

/* Everything below a root bus, by the numbers firmware gave. False when nothing answers. */
static bool scan_root(struct pci_scan *scan, unsigned bus)
{
	struct pci_device *first = pci_scan_bus(scan, bus, NULL), *device = first;

	if (!first)
		return false;
	pci_bus_set_add(&scan->roots, bus);
	descend(scan, first);
	/* Depth first, without recursion: a group of siblings is descended from when its first
	 * function is reached, so the walk finds the children it adds. */
	while (device) {
		if (device->first_child) {
			device = device->first_child;
			descend(scan, device);
			continue;
		}
		while (device && !device->next_sibling)
			device = device->parent;
		device = device ? device->next_sibling : NULL;
	}
	return true;
}

/* Buses that bridges lead to, or claim to. */
static struct pci_bus_set claimed_buses(const struct pci_scan *scan)
{
	struct pci_bus_set claimed = scan->scanned;
	struct pci_device *bridge;

	pci_for_each_device (bridge, scan->fabric) {
		if (bridge->address.segment != scan->range.segment || bridge->unreachable)
			continue;
		for (unsigned bus = bridge->secondary; bus && bus <= bridge->subordinate; bus++)
			pci_bus_set_add(&claimed, bus);
	}
	return claimed;
}

/* The first bus is always looked at: where nothing else is known, the host bridge is there. */
static bool may_be_root(const struct pci_scan *scan, unsigned bus)
{
	struct pci_access *access = scan->fabric->access;

	return bus == scan->range.first || !access->operations->may_be_root ||
	       access->operations->may_be_root(access, scan->range.segment, bus);
}

static void scan_range(struct pci_fabric *fabric, const struct pci_bus_range *range)
{
	struct pci_scan scan = {.fabric = fabric, .range = *range};
	struct pci_bus_set claimed = {{0}};

	for (unsigned bus = range->first; bus <= range->last; bus++) {
		if (!pci_bus_set_has(&claimed, bus) && may_be_root(&scan, bus) &&
		    scan_root(&scan, bus))
			claimed = claimed_buses(&scan);
	}
	if (scan.wrong > 0 || (scan.unconfigured > 0 && scan.configured == 0))
		pci_renumber(&scan);
}

int pci_enumerate(struct pci_fabric *fabric)
{
	const struct pci_access_operations *operations = fabric->access->operations;
	struct pci_bus_range range;

	if (operations->next)
		pci_list_functions(fabric);
	else
		for (unsigned i = 0; operations->range(fabric->access, i, &range); i++)
			scan_range(fabric, &range);
	pci_virtual_functions_add(fabric);
	if (pci_defect_seen(fabric, PCI_DEFECT_NO_MEMORY))
		return -ENOMEM;
	return fabric->device_count > 0 ? 0 : -ENODEV;
}

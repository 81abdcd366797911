// SPDX-License-Identifier: MIT
/*
 * The scan: buses in ascending order, each once. A bridge leads to a bus above its own, so that
 * when a bus has its turn the bridge to it is known, if there is one; a bus that no bridge
 * claims and that answers is another root. No recursion, and the end is certain.
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
	for (uint64_t waited = 0, wait = NSEC_PER_MSEC;;
	     waited += wait, wait = MIN(wait * 2, NOT_READY_NS - waited)) {
		if (pci_config_read(fabric->access, address, PCI_REG_VENDOR, 4, id) != 0)
			return false;
		if ((uint16_t)*id != NOT_READY_VENDOR)
			return (uint16_t)*id != 0xffff && (uint16_t)*id != 0;
		if (waited >= NOT_READY_NS)
			break;
		fabric->access->operations->delay(fabric->access, wait);
	}
	pci_defect_add(fabric, address, PCI_DEFECT_NOT_READY, *id);
	return false;
}

void pci_device_read_header(struct pci_device *device, uint32_t id)
{
	uint32_t class = pci_get(device, PCI_REG_CLASS, 4), numbers;
	uint8_t header = (uint8_t)pci_get(device, PCI_REG_HEADER, 1);

	device->vendor = (uint16_t)id;
	device->device = (uint16_t)(id >> 16);
	device->class_code = class >> 8;
	device->revision = (uint8_t) class;
	device->header_type = header & 0x7f;
	device->multifunction = header & PCI_HEADER_MULTI;
	/* An id of all ones alone is one that a paste does not show, or a virtual function's.
	 */
	if (class == 0xffffffff && header == 0xff) {
		device->readability = PCI_UNREADABLE; /* it went away, or never was */
		return;
	}
	if (device->header_type > 2)
		pci_defect_add(device->fabric, device->address, PCI_DEFECT_HEADER_TYPE, header);
	if (device->header_type == 1 &&
	    pci_read32(device, PCI_REG_BUS_NUMBERS, &numbers) == 0) {
		device->primary = (uint8_t)numbers;
		device->secondary = (uint8_t)(numbers >> 8);
		device->subordinate = (uint8_t)(numbers >> 16);
	}
	pci_capabilities_collect(device);
}

/* NULL when nothing answers, or memory is short. */
static struct pci_device *scan_function(struct pci_scan *scan, unsigned bus, unsigned devfn,
					struct pci_device *parent)
{
	struct pci_address address = {scan->range.segment, (uint8_t)bus, (uint8_t)devfn};
	struct pci_device *device;
	uint32_t id;

	if (!function_answers(scan->fabric, address, &id))
		return NULL;
	device = pci_device_add(scan->fabric, address);
	if (!device)
		return NULL;
	device->parent = parent;
	pci_device_read_header(device, id);
	return device;
}

static bool port_forwards_ari(const struct pci_device *port)
{
	uint32_t control = port && port->express_version >= 2
				   ? pci_get(port, port->express + PCI_EXP_DEVCTL2, 2)
				   : 0;

	return control != 0xffff && (control & PCI_EXP_ARI_FORWARD);
}

/*
 * Follow the chain of next function numbers; it only ever ascends, so it ends. It also ends,
 * without fault, at a function that is not there: SR-IOV devices point at virtual functions.
 */
static void scan_ari_functions(struct pci_scan *scan, struct pci_device *device)
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
		device = scan_function(scan, device->address.bus, next, device->parent);
	}
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
	unsigned devices = is_link(parent) ? 1 : 32;
	struct pci_device *first = NULL;

	for (unsigned number = 0; number < devices; number++) {
		struct pci_device *zero = scan_function(scan, bus, number << 3, parent);

		if (!zero)
			continue;
		first = first ? first : zero;
		if (zero->ari && number == 0 && port_forwards_ari(parent)) {
			scan_ari_functions(scan, zero);
			return first;
		}
		for (unsigned function = 1; zero->multifunction && function < 8; function++)
			scan_function(scan, bus, number << 3 | function, parent);
	}
	return first;
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
	struct pci_device *device;

	for (unsigned bus = range->first; bus <= range->last; bus++) {
		struct pci_device *bridge = scan.bridges.to[bus];

		if (bridge ? bridge->secondary != bus : !may_be_root(&scan, bus))
			continue;
		scan.is_root[bus] = pci_scan_bus(&scan, bus, bridge) && !bridge;
		pci_for_each_device (device, fabric) {
			if (pci_device_is_bridge(device) && device->address.bus == bus &&
			    device->address.segment == range->segment)
				pci_bridge_verify(&scan, device);
		}
	}
	if (scan.wrong > 0 || (scan.unconfigured > 0 && scan.configured == 0)) {
		pci_renumber(&scan);
		return;
	}
	pci_for_each_device (device, fabric) {
		if (device->unreachable && device->secondary == 0)
			pci_defect_add(fabric, device->address, PCI_DEFECT_BRIDGE_UNCONFIGURED,
				       0);
	}
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

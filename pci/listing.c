// SPDX-License-Identifier: MIT
/*
 * Fabrics that are listed, not scanned: dumps that people paste. A function that is listed is
 * there even if it reads all ones; bridges may be missing, so a parent may be an ancestor only.
 */
#include <pci/internal.h>
#include <pci/regs.h>

static void read_listed(struct pci_device *device)
{
	uint32_t id;

	if (pci_read32(device, PCI_REG_VENDOR, &id) != 0 || (uint16_t)id == 0xffff) {
		device->vendor = 0xffff;
		device->device = 0xffff;
		device->readability = PCI_UNREADABLE;
		return;
	}
	device->vendor = (uint16_t)id;
	device->device = (uint16_t)(id >> 16);
	pci_device_read_header(device);
}

/* Only upward links that lead to a lower bus count, so that no walk to the root can circle. */
static bool numbers_hold(struct pci_device *bridge)
{
	if (bridge->secondary > bridge->address.bus && bridge->subordinate >= bridge->secondary)
		return true;
	pci_defect_add(bridge->fabric, bridge->address,
		       bridge->secondary ? PCI_DEFECT_BRIDGE_ORDER
					 : PCI_DEFECT_BRIDGE_UNCONFIGURED,
		       bridge->secondary);
	return false;
}

static bool leads_to(const struct pci_device *bridge, const struct pci_device *device)
{
	return pci_device_is_bridge(bridge) && !bridge->unreachable &&
	       bridge->address.segment == device->address.segment &&
	       bridge->secondary <= device->address.bus &&
	       device->address.bus <= bridge->subordinate;
}

/* The nearest bridge above: the one whose range begins last. */
static struct pci_device *nearest_bridge(struct pci_device *device)
{
	struct pci_device *bridge, *best = NULL;

	pci_for_each_device (bridge, device->fabric) {
		/* Listings ascend and numbers_hold(): nothing above lies behind. */
		if (pci_address_key(bridge->address) > pci_address_key(device->address))
			break;
		if (leads_to(bridge, device) && (!best || bridge->secondary > best->secondary))
			best = bridge;
	}
	return best;
}

/* The first function on the bus below a bridge, if it is one that cannot be read: where bridges
 * are missing, it is one of them. */
static struct pci_device *unreadable_below(struct pci_device *bridge)
{
	struct pci_device *device;

	pci_for_each_device (device, bridge->fabric) {
		if (device->address.segment == bridge->address.segment &&
		    device->address.bus == bridge->secondary &&
		    device->readability == PCI_UNREADABLE)
			return device;
	}
	return NULL;
}

static void link_listed(struct pci_device *device)
{
	struct pci_device *parent = nearest_bridge(device), *last;

	if (!parent)
		return;
	if (parent->secondary != device->address.bus) {
		struct pci_device *dead = unreadable_below(parent);

		device->parent_by_range = !dead;
		parent = dead ? dead : parent;
	}
	for (last = parent->first_child; last && last->next_sibling;)
		last = last->next_sibling;
	pci_device_link(device, parent, last);
}

static void report_shared_buses(struct pci_fabric *fabric)
{
	struct pci_device *bridge, *before = NULL;
	struct pci_bus_set led_to = {{0}};

	pci_for_each_device (bridge, fabric) {
		if (before && before->address.segment != bridge->address.segment)
			led_to = (struct pci_bus_set){{0}};
		before = bridge;
		if (!pci_device_is_bridge(bridge) || bridge->unreachable)
			continue;
		if (pci_bus_set_has(&led_to, bridge->secondary)) {
			pci_defect_add(fabric, bridge->address, PCI_DEFECT_BUS_TWICE,
				       bridge->secondary);
			bridge->unreachable = true;
		}
		pci_bus_set_add(&led_to, bridge->secondary);
	}
}

void pci_list_functions(struct pci_fabric *fabric)
{
	struct pci_address address = {0};
	struct pci_device *device;

	while (fabric->access->operations->next(fabric->access, &address)) {
		device = pci_device_add(fabric, address);
		if (!device)
			return;
		read_listed(device);
		device->unreachable = pci_device_is_bridge(device) && !numbers_hold(device);
		if (address.devfn == 0xff && address.bus == 0xff &&
		    address.segment == UINT32_MAX)
			break;
		address.devfn++;
		if (address.devfn == 0 && ++address.bus == 0)
			address.segment++;
	}
	report_shared_buses(fabric);
	pci_for_each_device (device, fabric)
		link_listed(device);
}

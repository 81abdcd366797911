// SPDX-License-Identifier: MIT
/*
 * Fabrics that are listed, not scanned: dumps that people paste, functions that a hypervisor
 * hands out. A function that is listed is there even if it reads all ones; bridges may be
 * missing, so a parent may be an ancestor only (spec-pci-atomicops 8.8).
 */
#include <pci/internal.h>
#include <pci/regs.h>

/* Only links that lead to a higher bus, so that no walk to the root can circle. */
static void claim_listed(struct pci_bridge_map *map, struct pci_device *bridge)
{
	unsigned first = bridge->secondary;
	enum pci_defect_kind kind;

	bridge->unreachable = true;
	if (first <= bridge->address.bus || bridge->subordinate < first) {
		kind = first ? PCI_DEFECT_BRIDGE_ORDER : PCI_DEFECT_BRIDGE_UNCONFIGURED;
	} else if (map->to[first] && map->to[first]->secondary == first) {
		kind = PCI_DEFECT_BUS_TWICE;
	} else {
		bridge->unreachable = false;
		pci_bridge_claim(map, bridge);
		return;
	}
	pci_defect_add(bridge->fabric, bridge->address, kind, first);
}

/* Where bridges are missing, a function right below the last one seen that cannot be read is
 * one of them. */
static void link_below(struct pci_device *device, struct pci_device *bridge)
{
	struct pci_device *child = pci_first_child(bridge);

	device->parent = bridge;
	device->parent_by_range = true;
	for (; child && child->address.bus == bridge->secondary;
	     child = pci_next_sibling(child)) {
		if (child->readability != PCI_UNREADABLE)
			continue;
		device->parent = child;
		device->parent_by_range = false;
		return;
	}
}

static void link_listed(struct pci_bridge_map *map, struct pci_device *device)
{
	struct pci_device *bridge = map->to[device->address.bus];

	if (bridge && bridge->secondary != device->address.bus)
		link_below(device, bridge);
	else
		device->parent = bridge;
	if (pci_device_is_bridge(device))
		claim_listed(map, device);
}

void pci_list_functions(struct pci_fabric *fabric)
{
	struct pci_bridge_map map = {{0}};
	struct pci_address address = {0};
	uint32_t segment = 0;

	while (fabric->access->operations->next(fabric->access, &address)) {
		struct pci_device *device = pci_device_add(fabric, address);

		if (!device)
			return;
		if (address.segment != segment)
			map = (struct pci_bridge_map){{0}};
		segment = address.segment;
		pci_device_read_header(device, pci_get(device, PCI_REG_VENDOR, 4));
		link_listed(&map, device);
		if (pci_address_routing_id(address) == 0xffff && ++address.segment == 0)
			return;
		address.bus = (uint8_t)(address.bus + (address.devfn == 0xff));
		address.devfn++;
	}
}

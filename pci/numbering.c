// SPDX-License-Identifier: MIT
/*
 * Bus numbers: verify what firmware gave, and give them afresh, depth first, where it gave none
 * or wrong ones. Fresh numbers stay below the next root bus.
 */
#include <pci/internal.h>
#include <pci/regs.h>

/* Mark bus numbers of a range among siblings; false when one is taken. */
static bool claim(struct pci_bus_set *claimed, unsigned first, unsigned last)
{
	bool free = true;

	for (unsigned bus = first; bus <= last; bus++) {
		free = free && !pci_bus_set_has(claimed, bus);
		pci_bus_set_add(claimed, bus);
	}
	return free;
}

static bool numbers_are_wrong(const struct pci_scan *scan, const struct pci_device *bridge,
			      struct pci_bus_set *claimed, enum pci_defect_kind *kind)
{
	const struct pci_device *above = bridge->parent;
	unsigned first = bridge->secondary, last = bridge->subordinate;

	if (bridge->primary != bridge->address.bus)
		*kind = PCI_DEFECT_BRIDGE_PRIMARY;
	else if (first <= bridge->address.bus || last < first)
		*kind = PCI_DEFECT_BRIDGE_ORDER;
	else if (above && last > above->subordinate)
		*kind = PCI_DEFECT_BRIDGE_RANGE;
	else if (!claim(claimed, first, last))
		*kind = PCI_DEFECT_BRIDGE_OVERLAP;
	else if (pci_bus_set_has(&scan->scanned, first))
		*kind = PCI_DEFECT_BUS_TWICE;
	else
		return false;
	return true;
}

bool pci_bridge_verify(struct pci_scan *scan, struct pci_device *bridge,
		       struct pci_bus_set *claimed)
{
	enum pci_defect_kind kind = PCI_DEFECT_BRIDGE_UNCONFIGURED;
	uint32_t numbers = (uint32_t)bridge->primary | (uint32_t)bridge->secondary << 8 |
			   (uint32_t)bridge->subordinate << 16;

	bridge->unreachable = true;
	if (bridge->secondary == 0) {
		scan->unconfigured++;
	} else if (numbers_are_wrong(scan, bridge, claimed, &kind)) {
		scan->wrong++;
	} else if (bridge->secondary > scan->range.last) {
		/* Not firmware's fault: fresh numbers would not reach further. */
		kind = PCI_DEFECT_BRIDGE_OUT_OF_REACH;
	} else {
		scan->configured++;
		bridge->unreachable = false;
		return true;
	}
	pci_defect_add(bridge->fabric, bridge->address, kind, numbers);
	return false;
}

/* Byte by byte: the fourth byte of the register is a timer that is not ours. */
static bool write_numbers(struct pci_device *bridge, uint8_t primary, uint8_t secondary,
			  uint8_t subordinate)
{
	uint32_t numbers;

	if (pci_write8(bridge, PCI_REG_BUS_NUMBERS, primary) != 0 ||
	    pci_write8(bridge, PCI_REG_BUS_NUMBERS + 1, secondary) != 0 ||
	    pci_write8(bridge, PCI_REG_BUS_NUMBERS + 2, subordinate) != 0 ||
	    pci_read32(bridge, PCI_REG_BUS_NUMBERS, &numbers) != 0)
		return false;
	bridge->primary = primary;
	bridge->secondary = secondary;
	bridge->subordinate = subordinate;
	return (numbers & 0xffffff) ==
	       ((uint32_t)primary | (uint32_t)secondary << 8 | (uint32_t)subordinate << 16);
}

static void give_up(struct pci_device *bridge, enum pci_defect_kind kind)
{
	pci_defect_add(bridge->fabric, bridge->address, kind, bridge->secondary);
	bridge->unreachable = true;
}

/* Give the bridge bus *last + 1 and scan that; true when something is on it. */
static bool open_bridge(struct pci_scan *scan, struct pci_device *bridge, unsigned *last,
			unsigned limit)
{
	if (*last == limit) {
		give_up(bridge, PCI_DEFECT_BUS_NUMBERS);
		return false;
	}
	if (!write_numbers(bridge, bridge->address.bus, (uint8_t)(*last + 1), (uint8_t)limit)) {
		give_up(bridge, PCI_DEFECT_BRIDGE_STUCK);
		return false;
	}
	++*last;
	return pci_scan_bus(scan, bridge->secondary, bridge) != NULL;
}

/* Everything below it is numbered: no number above `last` is used. */
static void close_bridge(struct pci_device *bridge, unsigned last)
{
	if (!bridge->unreachable &&
	    !write_numbers(bridge, bridge->primary, bridge->secondary, (uint8_t)last))
		give_up(bridge, PCI_DEFECT_BRIDGE_STUCK);
}

/* Depth first from the first function of a root bus; numbers up to `limit`. */
static void number_tree(struct pci_scan *scan, struct pci_device *first, unsigned limit)
{
	struct pci_device *device = first;
	unsigned last = first->address.bus;

	while (device) {
		if (pci_device_is_bridge(device)) {
			if (open_bridge(scan, device, &last, limit)) {
				device = device->first_child;
				continue;
			}
			close_bridge(device, last);
		}
		while (!device->next_sibling && device->parent) {
			device = device->parent;
			close_bridge(device, last);
		}
		device = device->next_sibling;
	}
}

/* Take the numbers of every bridge on a root bus away: what is below no longer answers. */
static void close_root(struct pci_scan *scan, unsigned bus)
{
	struct pci_device *device;

	pci_for_each_device (device, scan->fabric) {
		if (device->address.segment == scan->range.segment &&
		    device->address.bus == bus && pci_device_is_bridge(device) &&
		    !write_numbers(device, 0, 0, 0))
			give_up(device, PCI_DEFECT_BRIDGE_STUCK);
	}
}

static void forget_range(struct pci_scan *scan)
{
	struct pci_device *device, *next;

	list_for_each_entry_safe (device, next, &scan->fabric->devices, link) {
		if (device->address.segment == scan->range.segment &&
		    device->address.bus >= scan->range.first &&
		    device->address.bus <= scan->range.last)
			pci_device_remove(device);
	}
	scan->scanned = (struct pci_bus_set){{0}};
}

void pci_renumber(struct pci_scan *scan)
{
	struct pci_bus_set roots = scan->roots;
	unsigned limit = scan->range.last;

	for (unsigned bus = scan->range.first; bus <= scan->range.last; bus++) {
		if (pci_bus_set_has(&roots, bus))
			close_root(scan, bus);
	}
	forget_range(scan);
	/* From the last root down, so that each knows where the next one begins. A root that
	 * was only reached through a lying bridge does not answer any more. */
	for (unsigned bus = scan->range.last + 1; bus-- > scan->range.first;) {
		struct pci_device *first;

		if (!pci_bus_set_has(&roots, bus))
			continue;
		first = pci_scan_bus(scan, bus, NULL);
		if (!first)
			continue;
		number_tree(scan, first, limit);
		limit = bus - 1;
	}
	scan->fabric->renumbered = true;
}

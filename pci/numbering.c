// SPDX-License-Identifier: MIT
/*
 * Bus numbers: verify what firmware gave, and give them afresh, depth first, where it gave none
 * or wrong ones. Fresh numbers stay below the next root bus.
 */
#include <pci/internal.h>
#include <pci/regs.h>

static bool is_reachable(const struct pci_scan *scan, unsigned bus)
{
	struct pci_access *access = scan->fabric->access;

	return bus <= scan->range.last &&
	       access->operations->space(access, pci_address(scan->range.segment, bus, 0, 0));
}

/* Every bus a bridge claims must belong to what is above it, and to no neighbour. */
static bool range_is_free(const struct pci_scan *scan, const struct pci_device *bridge)
{
	for (unsigned bus = bridge->secondary; bus <= bridge->subordinate; bus++) {
		if (scan->bridges.to[bus] != bridge->parent)
			return false;
	}
	return true;
}

/* PCI_DEFECT_BRIDGE_...: the first thing wrong; a bridge out of reach is right. */
static bool numbers_are_wrong(const struct pci_scan *scan, const struct pci_device *bridge,
			      enum pci_defect_kind *kind)
{
	const struct pci_device *above = bridge->parent;

	if (bridge->primary != bridge->address.bus)
		*kind = PCI_DEFECT_BRIDGE_PRIMARY;
	else if (bridge->secondary <= bridge->primary ||
		 bridge->subordinate < bridge->secondary)
		*kind = PCI_DEFECT_BRIDGE_ORDER;
	else if (above && bridge->subordinate > above->subordinate)
		*kind = PCI_DEFECT_BRIDGE_RANGE;
	else if (!range_is_free(scan, bridge))
		*kind = PCI_DEFECT_BRIDGE_OVERLAP;
	else
		return false;
	return true;
}

void pci_bridge_claim(struct pci_bridge_map *map, struct pci_device *bridge)
{
	for (unsigned bus = bridge->secondary; bus <= bridge->subordinate; bus++)
		map->to[bus] = bridge;
}

void pci_bridge_verify(struct pci_scan *scan, struct pci_device *bridge)
{
	enum pci_defect_kind kind;

	bridge->unreachable = true;
	if (bridge->secondary == 0) {
		scan->unconfigured++; /* no fault if all are so */
		return;
	}
	if (numbers_are_wrong(scan, bridge, &kind)) {
		scan->wrong++;
	} else if (!is_reachable(scan, bridge->secondary)) {
		/* Not firmware's fault: fresh numbers would not reach further. */
		kind = PCI_DEFECT_BRIDGE_OUT_OF_REACH;
	} else {
		scan->configured++;
		bridge->unreachable = false;
		pci_bridge_claim(&scan->bridges, bridge);
		return;
	}
	pci_defect_add(bridge->fabric, bridge->address, kind,
		       pci_get(bridge, PCI_REG_BUS_NUMBERS, 4));
}

/* Byte by byte: the fourth byte of the register is a timer that is not ours. */
static bool write_numbers(struct pci_device *bridge, uint8_t primary, uint8_t secondary,
			  uint8_t subordinate)
{
	uint32_t wanted = primary | (uint32_t)secondary << 8 | (uint32_t)subordinate << 16;
	int error = 0;

	for (unsigned i = 0; i < 3 && error == 0; i++)
		error = pci_write8(bridge, PCI_REG_BUS_NUMBERS + i, (uint8_t)(wanted >> 8 * i));
	bridge->primary = primary;
	bridge->secondary = secondary;
	bridge->subordinate = subordinate;
	bridge->unreachable =
		error != 0 || (pci_get(bridge, PCI_REG_BUS_NUMBERS, 4) & 0xffffff) != wanted;
	if (bridge->unreachable)
		pci_defect_add(bridge->fabric, bridge->address, PCI_DEFECT_BRIDGE_STUCK,
			       secondary);
	return !bridge->unreachable;
}

/* Give the bridge bus *last + 1 and scan that; the first function on it, or NULL. */
static struct pci_device *open_bridge(struct pci_scan *scan, struct pci_device *bridge,
				      unsigned *last, unsigned limit)
{
	if (*last == limit || !is_reachable(scan, *last + 1)) {
		pci_defect_add(bridge->fabric, bridge->address, PCI_DEFECT_BUS_NUMBERS, limit);
		bridge->unreachable = true;
		return NULL;
	}
	if (!write_numbers(bridge, bridge->address.bus, (uint8_t)(*last + 1), (uint8_t)limit))
		return NULL;
	return pci_scan_bus(scan, ++*last, bridge);
}

/* Everything below it is numbered: no number above `last` is used. */
static void close_bridge(struct pci_device *bridge, unsigned last)
{
	if (!bridge->unreachable)
		write_numbers(bridge, bridge->primary, bridge->secondary, (uint8_t)last);
}

/* Depth first from the first function of a root bus, without recursion. */
static void number_tree(struct pci_scan *scan, struct pci_device *device, unsigned limit)
{
	unsigned last = device->address.bus;

	while (device) {
		struct pci_device *next = NULL;

		if (pci_device_is_bridge(device))
			next = open_bridge(scan, device, &last, limit);
		if (next) {
			device = next;
			continue;
		}
		if (pci_device_is_bridge(device))
			close_bridge(device, last);
		while (!(next = pci_next_sibling(device)) && device->parent) {
			device = device->parent;
			close_bridge(device, last);
		}
		device = next;
	}
}

/*
 * Forget every function of the range, and take the numbers of the bridges on root buses away:
 * what is below no longer answers.
 */
static void forget_range(struct pci_scan *scan)
{
	struct pci_device *device, *next;

	list_for_each_entry_safe (device, next, &scan->fabric->devices, link) {
		if (device->address.segment != scan->range.segment)
			continue;
		if (pci_device_is_bridge(device) && scan->is_root[device->address.bus])
			write_numbers(device, 0, 0, 0);
		pci_device_remove(device);
	}
}

/*
 * From the last root down, so that each knows where the next one begins. A root that was only
 * reached through a lying bridge does not answer any more.
 */
void pci_renumber(struct pci_scan *scan)
{
	unsigned limit = scan->range.last;

	forget_range(scan);
	for (unsigned bus = scan->range.last + 1; bus-- > scan->range.first;) {
		struct pci_device *first =
			scan->is_root[bus] ? pci_scan_bus(scan, bus, NULL) : NULL;

		if (!first)
			continue;
		number_tree(scan, first, limit);
		limit = bus - 1;
	}
	scan->fabric->renumbered = true;
}

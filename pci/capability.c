// SPDX-License-Identifier: MIT
/*
 * Walks of the standard list (in the first 256 bytes) and the extended list (from 0x100). Both
 * end at the first thing that cannot be right, and say what it was.
 */
#include <pci/capability.h>
#include <pci/regs.h>

#define ALL_ONES 0xffffffffu

void pci_capability_walk_start(struct pci_capability_walk *walk, struct pci_device *device)
{
	unsigned where =
		device->header_type == 2 ? PCI_REG_CARDBUS_CAPABILITIES : PCI_REG_CAPABILITIES;
	uint32_t status = pci_get(device, PCI_REG_STATUS, 2);
	uint8_t pointer;

	*walk = (struct pci_capability_walk){.device = device, .unreadable = status == 0xffff};
	if (walk->unreadable || !(status & PCI_STATUS_CAPABILITY))
		return;
	walk->unreadable = pci_read8(device, where, &pointer) != 0;
	walk->next = walk->unreadable ? 0 : pointer & ~3u;
}

/* Some bridges answer above 0x100 with the first 256 bytes again and again. */
static bool extended_space_is_alias(struct pci_device *device, uint32_t first)
{
	uint32_t id = pci_get(device, PCI_REG_VENDOR, 4);

	for (unsigned offset = 0x200; first == id && offset < PCI_SPACE_EXPRESS;
	     offset += 0x100)
		first = pci_get(device, offset, 4);
	if (first == id)
		pci_defect_add(device->fabric, device->address, PCI_DEFECT_EXTENDED_ALIAS, id);
	return first == id;
}

void pci_capability_walk_start_extended(struct pci_capability_walk *walk,
					struct pci_device *device)
{
	uint32_t first;

	*walk = (struct pci_capability_walk){.device = device, .extended = true};
	if (!device->express)
		return;
	walk->unreadable = pci_read32(device, PCI_EXT_FIRST, &first) != 0;
	if (first != 0 && first != ALL_ONES && !extended_space_is_alias(device, first))
		walk->next = PCI_EXT_FIRST;
}

static bool walk_stop(struct pci_capability_walk *walk, enum pci_defect_kind kind)
{
	pci_defect_add(walk->device->fabric, walk->device->address, kind, walk->next);
	walk->next = 0;
	return false;
}

/* Is there a place to go to, and was the walk never there? */
static bool walk_may_enter(struct pci_capability_walk *walk, unsigned offset)
{
	uint8_t *seen = &walk->seen[offset / 32], bit = (uint8_t)BIT(offset / 4 % 8);

	if (offset < (walk->extended ? PCI_EXT_FIRST : PCI_CAP_FIRST) || offset % 4 != 0)
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_POINTER);
	if (*seen & bit)
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_LOOP);
	if (walk->count++ == (walk->extended ? PCI_EXT_MAX : PCI_CAP_MAX))
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_COUNT);
	*seen |= bit;
	return true;
}

static bool walk_read_entry(struct pci_capability_walk *walk, unsigned offset)
{
	uint32_t header;

	walk->unreadable = pci_read32(walk->device, offset, &header) != 0;
	if (walk->unreadable) {
		walk->next = 0;
		return false;
	}
	if (header == ALL_ONES || (!walk->extended && (header & 0xff) == 0xff)) {
		walk->unreadable = header == ALL_ONES;
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_ID);
	}
	walk->offset = offset;
	walk->header = header;
	walk->id = header & (walk->extended ? 0xffffu : 0xffu);
	walk->version = walk->extended ? header >> 16 & 0xf : 0;
	walk->next = walk->extended ? header >> 20 : (header >> 8 & 0xfc);
	return true;
}

bool pci_capability_walk_next(struct pci_capability_walk *walk)
{
	do {
		unsigned offset = walk->next;

		if (offset == 0 || !walk_may_enter(walk, offset) ||
		    !walk_read_entry(walk, offset))
			return false;
		/* An extended id of 0 with a next is a hole that a hypervisor left. */
	} while (walk->extended && walk->id == 0);
	return true;
}

/* The first of several with the same id counts. */
static void keep(uint16_t *field, const struct pci_capability_walk *walk)
{
	if (*field == 0)
		*field = (uint16_t)walk->offset;
}

void pci_capabilities_collect(struct pci_device *device)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == PCI_CAP_EXPRESS && !device->express) {
			device->express_version = walk.header >> 16 & PCI_EXP_FLAGS_VERSION;
			device->port_type = (walk.header >> 16 & PCI_EXP_FLAGS_TYPE) >> 4;
			device->express = (uint16_t)walk.offset;
		}
		if (walk.id == PCI_CAP_MSI)
			keep(&device->msi, &walk);
		if (walk.id == PCI_CAP_MSIX)
			keep(&device->msix, &walk);
		device->enhanced |= walk.id == PCI_CAP_ENHANCED;
	}
	if (walk.unreadable && !device->express)
		device->readability = PCI_CAPABILITIES_UNREADABLE;
	/* ARI and SR-IOV are about endpoints; ports are spared the walk. */
	if (!device->express || device->header_type != 0)
		return;
	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == PCI_EXT_ARI)
			keep(&device->ari, &walk);
		if (walk.id == PCI_EXT_SRIOV)
			keep(&device->sriov, &walk);
	}
}

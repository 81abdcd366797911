// SPDX-License-Identifier: MIT
/*
 * Walks of the standard list (in the first 256 bytes) and the extended list (from 0x100). Both
 * end at the first thing that cannot be right, and say what it was.
 */
#include <pci/capability.h>
#include <pci/regs.h>

#define ALL_ONES 0xffffffffu

static void walk_init(struct pci_capability_walk *walk, struct pci_device *device)
{
	*walk = (struct pci_capability_walk){.device = device};
}

void pci_capability_walk_start(struct pci_capability_walk *walk, struct pci_device *device)
{
	unsigned where =
		device->header_type == 2 ? PCI_REG_CARDBUS_CAPABILITIES : PCI_REG_CAPABILITIES;
	uint16_t status;
	uint8_t pointer;

	walk_init(walk, device);
	if (pci_read16(device, PCI_REG_STATUS, &status) != 0 || status == 0xffff) {
		walk->unreadable = true;
		return;
	}
	if (!(status & PCI_STATUS_CAPABILITY))
		return;
	walk->unreadable = pci_read8(device, where, &pointer) != 0;
	walk->next = walk->unreadable ? 0 : pointer & ~3u;
}

/* Some bridges answer above 0x100 with the first 256 bytes again and again. */
static bool extended_space_is_alias(struct pci_device *device, uint32_t first)
{
	uint32_t id, copy;

	if (pci_read32(device, 0, &id) != 0 || first != id)
		return false;
	for (unsigned offset = 0x200; offset < PCI_SPACE_EXPRESS; offset += 0x100) {
		if (pci_read32(device, offset, &copy) != 0 || copy != id)
			return false;
	}
	pci_defect_add(device->fabric, device->address, PCI_DEFECT_EXTENDED_ALIAS, id);
	return true;
}

void pci_capability_walk_start_extended(struct pci_capability_walk *walk,
					struct pci_device *device)
{
	uint32_t first;

	walk_init(walk, device);
	walk->extended = true;
	if (!device->express)
		return;
	if (pci_read32(device, PCI_EXT_FIRST, &first) != 0)
		walk->unreadable = true;
	else if (first != 0 && first != ALL_ONES && !extended_space_is_alias(device, first))
		walk->next = PCI_EXT_FIRST;
}

static bool walk_stop(struct pci_capability_walk *walk, enum pci_defect_kind kind,
		      uint32_t value)
{
	pci_defect_add(walk->device->fabric, walk->device->address, kind, value);
	walk->next = 0;
	return false;
}

/* Is there a place to go to, and was the walk never there? */
static bool walk_may_enter(struct pci_capability_walk *walk, unsigned offset)
{
	unsigned first = walk->extended ? PCI_EXT_FIRST : PCI_CAP_FIRST;
	unsigned max = walk->extended ? PCI_EXT_MAX : PCI_CAP_MAX;

	if (offset < first || offset % 4 != 0)
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_POINTER, offset);
	if (walk->seen[offset / 32] & BIT(offset / 4 % 8))
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_LOOP, offset);
	if (walk->count++ == max)
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_COUNT, offset);
	walk->seen[offset / 32] |= (uint8_t)BIT(offset / 4 % 8);
	return true;
}

static bool walk_read_entry(struct pci_capability_walk *walk, unsigned offset)
{
	uint32_t header;

	if (pci_read32(walk->device, offset, &header) != 0) {
		walk->unreadable = true;
		walk->next = 0;
		return false;
	}
	if (header == ALL_ONES || (!walk->extended && (header & 0xff) == 0xff)) {
		walk->unreadable = header == ALL_ONES;
		return walk_stop(walk, PCI_DEFECT_CAPABILITY_ID, offset);
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

unsigned pci_capability_find(struct pci_device *device, unsigned id)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == id)
			return walk.offset;
	}
	return 0;
}

unsigned pci_capability_find_extended(struct pci_device *device, unsigned id)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == id)
			return walk.offset;
	}
	return 0;
}

static void collect_express(struct pci_device *device, const struct pci_capability_walk *walk)
{
	uint32_t flags = walk->header >> 16;

	device->express = (uint16_t)walk->offset;
	device->express_version = flags & PCI_EXP_FLAGS_VERSION;
	device->port_type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
}

static void collect_extended(struct pci_device *device)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == PCI_EXT_ARI && !device->ari)
			device->ari = (uint16_t)walk.offset;
		if (walk.id == PCI_EXT_SRIOV && !device->sriov)
			device->sriov = (uint16_t)walk.offset;
	}
}

void pci_capabilities_collect(struct pci_device *device)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == PCI_CAP_EXPRESS && !device->express)
			collect_express(device, &walk);
		if (walk.id == PCI_CAP_MSI && !device->msi)
			device->msi = (uint16_t)walk.offset;
		if (walk.id == PCI_CAP_MSIX && !device->msix)
			device->msix = (uint16_t)walk.offset;
	}
	if (walk.unreadable && !device->express)
		device->readability = PCI_CAPABILITIES_UNREADABLE;
	/* ARI and SR-IOV are about endpoints; ports are spared the walk. */
	if (device->express && device->header_type == 0)
		collect_extended(device);
}

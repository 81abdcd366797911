// SPDX-License-Identifier: MIT
/*
 * The list and tree of functions, typed register access, and the defects of a fabric.
 */
#include <pci/device.h>
#include <kernel/kmem.h>
#include <pci/internal.h>
#include <pci/regs.h>

static const char *const defect_texts[PCI_DEFECT_KINDS] = {
	[PCI_DEFECT_NOT_READY] = "said 'not ready' for one second; treated as absent",
	[PCI_DEFECT_HEADER_TYPE] =
		"has a header type nobody defined; its BARs are not looked at",
	[PCI_DEFECT_CAPABILITY_POINTER] = "capability list points outside its area; cut there",
	[PCI_DEFECT_CAPABILITY_LOOP] = "capability list is a loop; cut there",
	[PCI_DEFECT_CAPABILITY_COUNT] = "capability list is longer than its area; cut",
	[PCI_DEFECT_CAPABILITY_ID] = "capability list has an entry of all ones; cut there",
	[PCI_DEFECT_EXTENDED_ALIAS] =
		"shows its first 256 bytes again as extended space; ignored",
	[PCI_DEFECT_ARI_CHAIN] = "names a next ARI function that is not above it",
	[PCI_DEFECT_VIRTUAL_FUNCTIONS] = "has more virtual functions than fit its bus numbers",
	[PCI_DEFECT_BRIDGE_PRIMARY] = "bridge believes to be on another bus",
	[PCI_DEFECT_BRIDGE_ORDER] = "bridge numbers are not primary < secondary <= subordinate",
	[PCI_DEFECT_BRIDGE_RANGE] = "bridge claims buses outside those of the bridge above",
	[PCI_DEFECT_BRIDGE_OVERLAP] = "bridge claims buses of a neighbour",
	[PCI_DEFECT_BRIDGE_UNCONFIGURED] = "bridge has no bus number; what is below is unknown",
	[PCI_DEFECT_BRIDGE_OUT_OF_REACH] =
		"bridge leads to buses configuration space cannot reach",
	[PCI_DEFECT_BRIDGE_STUCK] = "bridge did not take the bus number written to it",
	[PCI_DEFECT_BUS_TWICE] = "bridge leads to a bus that another one leads to as well",
	[PCI_DEFECT_BUS_NUMBERS] = "no bus number left for what is below this bridge",
	[PCI_DEFECT_NO_MEMORY] = "was found but not kept: memory is short",
};

const char *pci_defect_text(enum pci_defect_kind kind)
{
	return defect_texts[kind];
}

void pci_defect_add(struct pci_fabric *fabric, struct pci_address address,
		    enum pci_defect_kind kind, uint32_t value)
{
	for (unsigned i = 0; i < MIN(fabric->defect_count, PCI_DEFECTS_MAX); i++) {
		if (fabric->defects[i].kind == kind &&
		    pci_address_equal(fabric->defects[i].address, address))
			return;
	}
	if (fabric->defect_count < PCI_DEFECTS_MAX)
		fabric->defects[fabric->defect_count] =
			(struct pci_defect){address, kind, value};
	fabric->defect_count++;
}

bool pci_defect_seen(const struct pci_fabric *fabric, enum pci_defect_kind kind)
{
	for (unsigned i = 0; i < MIN(fabric->defect_count, PCI_DEFECTS_MAX); i++) {
		if (fabric->defects[i].kind == kind)
			return true;
	}
	return false;
}

void pci_fabric_init(struct pci_fabric *fabric, struct pci_access *access)
{
	*fabric = (struct pci_fabric){.access = access};
	list_init(&fabric->devices);
}

void pci_device_remove(struct pci_device *device)
{
	list_del(&device->link);
	device->fabric->device_count--;
	kmem_free(device);
}

void pci_fabric_clear(struct pci_fabric *fabric)
{
	struct pci_device *device, *next;

	list_for_each_entry_safe (device, next, &fabric->devices, link)
		pci_device_remove(device);
}

/* Functions mostly come in ascending order, so the place is looked for from the end. */
struct pci_device *pci_device_add(struct pci_fabric *fabric, struct pci_address address)
{
	struct pci_device *device, *before;
	struct list_head *place = fabric->devices.prev;

	for (; place != &fabric->devices; place = place->prev) {
		before = list_entry(place, struct pci_device, link);
		if (pci_address_equal(before->address, address))
			return before;
		if (pci_address_key(before->address) < pci_address_key(address))
			break;
	}
	device = kmem_alloc(sizeof(*device));
	if (!device) {
		pci_defect_add(fabric, address, PCI_DEFECT_NO_MEMORY, 0);
		return NULL;
	}
	device->fabric = fabric;
	device->address = address;
	list_insert_between(&device->link, place, place->next);
	fabric->device_count++;
	return device;
}

struct pci_device *pci_device_find(const struct pci_fabric *fabric, struct pci_address address)
{
	struct pci_device *device;

	pci_for_each_device (device, fabric) {
		if (pci_address_equal(device->address, address))
			return device;
	}
	return NULL;
}

int pci_read8(const struct pci_device *device, unsigned offset, uint8_t *value)
{
	uint32_t wide;
	int error = pci_config_read(device->fabric->access, device->address, offset, 1, &wide);

	*value = (uint8_t)wide;
	return error;
}

int pci_read16(const struct pci_device *device, unsigned offset, uint16_t *value)
{
	uint32_t wide;
	int error = pci_config_read(device->fabric->access, device->address, offset, 2, &wide);

	*value = (uint16_t)wide;
	return error;
}

int pci_read32(const struct pci_device *device, unsigned offset, uint32_t *value)
{
	return pci_config_read(device->fabric->access, device->address, offset, 4, value);
}

int pci_write8(const struct pci_device *device, unsigned offset, uint8_t value)
{
	return pci_config_write(device->fabric->access, device->address, offset, 1, value);
}

int pci_write16(const struct pci_device *device, unsigned offset, uint16_t value)
{
	return pci_config_write(device->fabric->access, device->address, offset, 2, value);
}

int pci_write32(const struct pci_device *device, unsigned offset, uint32_t value)
{
	return pci_config_write(device->fabric->access, device->address, offset, 4, value);
}

int pci_command_change(const struct pci_device *device, uint16_t clear, uint16_t set)
{
	uint16_t command;
	int error = pci_read16(device, PCI_REG_COMMAND, &command);

	if (error != 0)
		return error;
	return pci_write16(device, PCI_REG_COMMAND, (uint16_t)((command & ~clear) | set));
}

int pci_path_enable(const struct pci_device *device, uint16_t bits)
{
	for (; device; device = device->parent) {
		uint16_t command;
		int error = pci_read16(device, PCI_REG_COMMAND, &command);

		if (error == 0 && (command & bits) != bits)
			error = pci_write16(device, PCI_REG_COMMAND, command | bits);
		if (error != 0)
			return error;
	}
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The list and tree of functions, typed register access, and the defects of a fabric.
 */
#include <pci/device.h>
#include <errno.h>
#include <kernel/kmem.h>
#include <pci/internal.h>
#include <pci/regs.h>

static const struct pci_defect *find_defect(const struct pci_fabric *fabric,
					    enum pci_defect_kind kind,
					    const struct pci_address *address)
{
	for (unsigned i = 0; i < MIN(fabric->defect_count, PCI_DEFECTS_MAX); i++) {
		const struct pci_defect *defect = &fabric->defects[i];

		if (defect->kind == kind &&
		    (!address || pci_address_equal(defect->address, *address)))
			return defect;
	}
	return NULL;
}

bool pci_defect_seen(const struct pci_fabric *fabric, enum pci_defect_kind kind)
{
	return find_defect(fabric, kind, NULL);
}

void pci_defect_add(struct pci_fabric *fabric, struct pci_address address,
		    enum pci_defect_kind kind, uint32_t value)
{
	if (find_defect(fabric, kind, &address))
		return;
	if (fabric->defect_count < PCI_DEFECTS_MAX)
		fabric->defects[fabric->defect_count] =
			(struct pci_defect){address, kind, value};
	fabric->defect_count++;
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

/* Functions further down the list that may be relatives: of the same segment. */
static struct pci_device *next_with_parent(const struct pci_device *device,
					   const struct pci_device *parent)
{
	const struct list_head *link = device->link.next;

	for (; link != &device->fabric->devices; link = link->next) {
		struct pci_device *next = list_entry(link, struct pci_device, link);

		if (next->address.segment != device->address.segment)
			break;
		if (next->parent == parent &&
		    (parent || next->address.bus == device->address.bus))
			return next;
	}
	return NULL;
}

struct pci_device *pci_first_child(const struct pci_device *bridge)
{
	return next_with_parent(bridge, bridge);
}

struct pci_device *pci_next_sibling(const struct pci_device *device)
{
	return next_with_parent(device, device->parent);
}

uint32_t pci_get(const struct pci_device *device, unsigned offset, unsigned width)
{
	uint32_t value;

	(void)pci_config_read(device->fabric->access, device->address, offset, width, &value);
	return value;
}

#define DEFINE_ACCESS(bits)                                                                  \
	int pci_read##bits(const struct pci_device *device, unsigned offset,                 \
			   uint##bits##_t *value)                                            \
	{                                                                                    \
		uint32_t wide;                                                               \
		int error = pci_config_read(device->fabric->access, device->address, offset, \
					    bits / 8, &wide);                                \
                                                                                             \
		*value = (uint##bits##_t)wide;                                               \
		return error;                                                                \
	}                                                                                    \
                                                                                             \
	int pci_write##bits(const struct pci_device *device, unsigned offset,                \
			    uint##bits##_t value)                                            \
	{                                                                                    \
		return pci_config_write(device->fabric->access, device->address, offset,     \
					bits / 8, value);                                    \
	}

DEFINE_ACCESS(8)
DEFINE_ACCESS(16)
DEFINE_ACCESS(32)

/* All ones has reserved bits set: nobody answered, and nothing is written back. */
int pci_command_change(const struct pci_device *device, uint16_t clear, uint16_t set)
{
	uint16_t command, wanted;
	int error = pci_read16(device, PCI_REG_COMMAND, &command);

	if (error != 0 || command == 0xffff)
		return error != 0 ? error : -EIO;
	wanted = (uint16_t)((command & ~clear) | set);
	return wanted == command ? 0 : pci_write16(device, PCI_REG_COMMAND, wanted);
}

int pci_path_enable(const struct pci_device *device, uint16_t bits)
{
	int error = 0;

	for (; device && error == 0; device = device->parent)
		error = pci_command_change(device, 0, bits);
	return error;
}

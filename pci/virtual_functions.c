// SPDX-License-Identifier: MIT
/*
 * SR-IOV: virtual functions answer all ones where other functions have their ids, so they are
 * never found by scanning. Their routing ids follow from the physical function's capability.
 */
#include <pci/capability.h>
#include <pci/internal.h>
#include <pci/regs.h>

struct virtual_set {
	unsigned count;
	unsigned offset;
	unsigned stride;
	uint16_t device;
};

/* False when virtual functions are off or the capability cannot be read. */
static bool read_capability(const struct pci_device *pf, struct virtual_set *set)
{
	uint16_t control, count, total, offset, stride;

	if (pci_read16(pf, pf->sriov + PCI_SRIOV_CONTROL, &control) != 0 || control == 0xffff ||
	    !(control & PCI_SRIOV_ENABLE) ||
	    pci_read16(pf, pf->sriov + PCI_SRIOV_TOTAL, &total) != 0 ||
	    pci_read16(pf, pf->sriov + PCI_SRIOV_COUNT, &count) != 0 ||
	    pci_read16(pf, pf->sriov + PCI_SRIOV_OFFSET, &offset) != 0 ||
	    pci_read16(pf, pf->sriov + PCI_SRIOV_STRIDE, &stride) != 0 ||
	    pci_read16(pf, pf->sriov + PCI_SRIOV_DEVICE, &set->device) != 0)
		return false;
	if (count > total)
		pci_defect_add(pf->fabric, pf->address, PCI_DEFECT_VIRTUAL_FUNCTIONS, count);
	set->count = MIN(count, total);
	set->offset = offset;
	set->stride = stride;
	return true;
}

/* The ids in its header are all ones by design; the rest of the header is real. */
static void make_virtual(struct pci_device *vf, struct pci_device *pf, uint16_t device_id)
{
	vf->vendor = pf->vendor;
	vf->device = device_id;
	vf->physical_function = pf;
	vf->readability = PCI_READABLE;
	pci_device_read_header(vf);
}

/* Listed functions that the numbers name; nothing is added to a listing. */
static void mark_listed(struct pci_device *pf, const struct virtual_set *set)
{
	struct pci_device *vf;

	pci_for_each_device (vf, pf->fabric) {
		unsigned distance = pci_address_routing_id(vf->address) -
				    pci_address_routing_id(pf->address) - set->offset;
		unsigned stride = set->stride ? set->stride : 1;

		if (vf->address.segment == pf->address.segment && vf != pf &&
		    !vf->physical_function && distance % stride == 0 &&
		    distance / stride < set->count)
			make_virtual(vf, pf, set->device);
	}
}

/* Highest routing id that reaches the function's link: later buses belong to the port above. */
static unsigned last_id(const struct pci_device *pf)
{
	return (unsigned)(pf->parent ? pf->parent->subordinate : pf->address.bus) << 8 | 0xff;
}

static void add_scanned(struct pci_device *pf, const struct virtual_set *set)
{
	unsigned id = pci_address_routing_id(pf->address) + set->offset;
	struct pci_device *last = pf;

	while (last->next_sibling)
		last = last->next_sibling;
	for (unsigned n = 0; n < set->count; n++, id += set->stride) {
		struct pci_address address = {pf->address.segment, (uint8_t)(id >> 8),
					      (uint8_t)id};
		struct pci_device *vf;

		if (id > last_id(pf) || set->offset == 0 || (n > 0 && set->stride == 0)) {
			pci_defect_add(pf->fabric, pf->address, PCI_DEFECT_VIRTUAL_FUNCTIONS,
				       id);
			return;
		}
		vf = pci_device_add(pf->fabric, address);
		if (!vf || vf->physical_function)
			return;
		if (vf->vendor == 0) {
			pci_device_link(vf, pf->parent, last);
			last = vf;
		}
		make_virtual(vf, pf, set->device);
	}
}

static void add_functions_of(struct pci_device *pf)
{
	struct virtual_set set;

	if (!read_capability(pf, &set))
		return;
	if (pf->fabric->access->operations->next)
		mark_listed(pf, &set);
	else
		add_scanned(pf, &set);
}

void pci_virtual_functions_add(struct pci_fabric *fabric)
{
	struct pci_device *device;

	pci_for_each_device (device, fabric) {
		if (device->sriov && !device->physical_function)
			add_functions_of(device);
	}
}

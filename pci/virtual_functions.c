// SPDX-License-Identifier: MIT
/*
 * SR-IOV: virtual functions answer all ones where other functions have their ids, so they are
 * never found by looking. Their routing ids follow from the physical function's capability.
 */
#include <pci/internal.h>
#include <pci/regs.h>

/* The ids in its header are all ones by design; the rest of the header is real. */
static void make_virtual(struct pci_device *vf, struct pci_device *pf, uint16_t device_id)
{
	vf->parent = pf->parent;
	vf->physical_function = pf;
	vf->readability = PCI_READABLE;
	pci_device_read_header(vf, (uint32_t)device_id << 16 | pf->vendor);
}

/* Listed functions that the numbers name; nothing is added to a listing. */
static void mark_listed(struct pci_device *pf, unsigned count, unsigned offset, unsigned stride,
			uint16_t device_id)
{
	struct pci_device *vf;

	pci_for_each_device (vf, pf->fabric) {
		unsigned distance = pci_address_routing_id(vf->address) -
				    pci_address_routing_id(pf->address) - offset;

		if (vf->address.segment == pf->address.segment && vf != pf &&
		    !vf->physical_function && distance % MAX(stride, 1) == 0 &&
		    distance / MAX(stride, 1) < count)
			make_virtual(vf, pf, device_id);
	}
}

/* Routing ids stay on the function's link: later buses belong to the port above. */
static void add_scanned(struct pci_device *pf, unsigned count, unsigned offset, unsigned stride,
			uint16_t device_id)
{
	unsigned last = (pf->parent ? pf->parent->subordinate : pf->address.bus) << 8 | 0xffu;
	unsigned id = pci_address_routing_id(pf->address) + offset;

	for (unsigned n = 0; n < count; n++, id += stride) {
		struct pci_address address = {pf->address.segment, (uint8_t)(id >> 8),
					      (uint8_t)id};
		struct pci_device *vf;

		if (id > last || offset == 0 || (n > 0 && stride == 0)) {
			pci_defect_add(pf->fabric, pf->address, PCI_DEFECT_VIRTUAL_FUNCTIONS,
				       id);
			return;
		}
		vf = pci_device_add(pf->fabric, address);
		if (!vf || vf->physical_function)
			return;
		make_virtual(vf, pf, device_id);
	}
}

static void add_functions_of(struct pci_device *pf)
{
	unsigned control = pci_get(pf, pf->sriov + PCI_SRIOV_CONTROL, 2);
	unsigned total = pci_get(pf, pf->sriov + PCI_SRIOV_TOTAL, 2);
	unsigned count = pci_get(pf, pf->sriov + PCI_SRIOV_COUNT, 2);

	if (control == 0xffff || !(control & PCI_SRIOV_ENABLE))
		return;
	if (count > total)
		pci_defect_add(pf->fabric, pf->address, PCI_DEFECT_VIRTUAL_FUNCTIONS, count);
	(pf->fabric->access->operations->next ? mark_listed : add_scanned)(
		pf, MIN(count, total), pci_get(pf, pf->sriov + PCI_SRIOV_OFFSET, 2),
		pci_get(pf, pf->sriov + PCI_SRIOV_STRIDE, 2),
		(uint16_t)pci_get(pf, pf->sriov + PCI_SRIOV_DEVICE, 2));
}

void pci_virtual_functions_add(struct pci_fabric *fabric)
{
	struct pci_device *device;

	pci_for_each_device (device, fabric) {
		if (device->sriov && !device->physical_function)
			add_functions_of(device);
	}
}

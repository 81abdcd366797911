// SPDX-License-Identifier: MIT
/*
 * Message interrupts. Entries are written masked and unmasked last; MSI stands in with one
 * vector where there is no MSI-X. Both have their control register at the same place.
 */
#include <pci/msix.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <pci/bar.h>
#include <pci/regs.h>
#include <platform/barrier.h>

/* State of a device whose messages are on. */
struct pci_msix {
	volatile uint8_t *table; /* NULL: MSI */
	unsigned count;
	struct pci_msix_entry {
		bool used;
		struct irq_vector vector;
	} entries[];
};

static unsigned control_offset(const struct pci_device *device)
{
	return (device->msix ? device->msix : device->msi) + PCI_MSI_CONTROL;
}

static void mask_entry(const struct pci_msix *msix, unsigned index, bool masked)
{
	mmio_write32(msix->table + index * PCI_MSIX_ENTRY_SIZE + 12,
		     masked ? PCI_MSIX_ENTRY_MASK : 0);
}

/* Everything masked first: a table may hold what the last user wrote. */
static int start_msix(struct pci_device *device, struct pci_msix *msix, uint16_t control)
{
	uint32_t where = pci_get(device, device->msix + PCI_MSIX_TABLE, 4);

	msix->table = pci_bar_map(device, where & 7, where & ~7u,
				  (uint64_t)msix->count * PCI_MSIX_ENTRY_SIZE);
	if (!msix->table)
		return -EIO;
	control |= PCI_MSIX_MASK_ALL | PCI_MSIX_ENABLE;
	if (pci_write16(device, control_offset(device), control) != 0)
		return -EIO;
	for (unsigned i = 0; i < msix->count; i++)
		mask_entry(msix, i, true);
	return pci_write16(device, control_offset(device),
			   (uint16_t)(control & ~PCI_MSIX_MASK_ALL));
}

static void switch_off(struct pci_device *device)
{
	uint32_t enable = device->msix ? PCI_MSIX_ENABLE : PCI_MSI_ENABLE;
	uint32_t control = pci_get(device, control_offset(device), 2);

	/* A function that does not take this is gone and interrupts nobody. */
	(void)!pci_write16(device, control_offset(device), (uint16_t)(control & ~enable));
}

int pci_msix_enable(struct pci_device *device)
{
	struct pci_msix *msix;
	unsigned count;
	uint16_t control;
	int error;

	if (device->interrupts)
		return -EBUSY;
	if (!device->msix && !device->msi)
		return -ENODEV;
	if (pci_read16(device, control_offset(device), &control) != 0)
		return -EIO;
	count = device->msix ? (control & PCI_MSIX_SIZE_MASK) + 1u : 1;
	msix = kmem_alloc(sizeof(*msix) + count * sizeof(msix->entries[0]));
	if (!msix)
		return -ENOMEM;
	msix->count = count;
	error = pci_command_change(device, 0, PCI_COMMAND_NO_INTX);
	if (error == 0 && device->msix)
		error = start_msix(device, msix, control);
	if (error != 0) {
		switch_off(device);
		kmem_free(msix);
		return -EIO;
	}
	device->interrupts = msix;
	return (int)count;
}

static void write_entry(const struct pci_msix *msix, unsigned index,
			const struct irq_vector *vector)
{
	volatile uint8_t *registers = msix->table + index * PCI_MSIX_ENTRY_SIZE;

	mask_entry(msix, index, true);
	mmio_write32(registers, (uint32_t)vector->msi_address);
	mmio_write32(registers + 4, (uint32_t)(vector->msi_address >> 32));
	mmio_write32(registers + 8, vector->msi_data);
	mask_entry(msix, index, false);
}

static int write_msi(struct pci_device *device, const struct irq_vector *vector)
{
	unsigned at = device->msi + PCI_MSI_ADDRESS;
	uint32_t control = pci_get(device, control_offset(device), 2);
	uint32_t high = (uint32_t)(vector->msi_address >> 32);
	bool wide = control & PCI_MSI_64BIT;
	int error = !wide && high ? -EIO : 0;

	control &= ~(uint32_t)(PCI_MSI_COUNT_MASK | PCI_MSI_ENABLE);
	if (error == 0)
		error = pci_write16(device, control_offset(device), (uint16_t)control);
	if (error == 0)
		error = pci_write32(device, at, (uint32_t)vector->msi_address);
	if (error == 0 && wide)
		error = pci_write32(device, at += 4, high);
	if (error == 0)
		error = pci_write16(device, at + 4, (uint16_t)vector->msi_data);
	if (error == 0 && (control & PCI_MSI_MASKABLE))
		error = pci_write32(device, at + 8, 0);
	return error != 0 ? error
			  : pci_write16(device, control_offset(device),
					(uint16_t)(control | PCI_MSI_ENABLE));
}

int pci_msix_connect(struct pci_device *device, unsigned index, unsigned cpu,
		     irq_handler_fn *handler, void *arg)
{
	struct pci_msix *msix = device->interrupts;
	struct irq_vector vector;
	int error;

	if (!msix)
		return -ENODEV;
	if (index >= msix->count || msix->entries[index].used)
		return -EINVAL;
	error = irq_vector_alloc(cpu, handler, arg, &vector);
	if (error != 0)
		return error;
	if (msix->table)
		write_entry(msix, index, &vector);
	else if (write_msi(device, &vector) != 0)
		error = -EIO;
	if (error != 0)
		irq_vector_free(&vector);
	else
		msix->entries[index] = (struct pci_msix_entry){true, vector};
	return error;
}

void pci_msix_disable(struct pci_device *device)
{
	struct pci_msix *msix = device->interrupts;

	if (!msix)
		return;
	for (unsigned i = 0; msix->table && i < msix->count; i++)
		mask_entry(msix, i, true);
	switch_off(device);
	for (unsigned i = 0; i < msix->count; i++) {
		if (msix->entries[i].used)
			irq_vector_free(&msix->entries[i].vector);
	}
	device->interrupts = NULL;
	kmem_free(msix);
}

// SPDX-License-Identifier: MIT
/*
 * Message interrupts. Entries are written masked and unmasked last; MSI stands in with one
 * vector where there is no MSI-X.
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
		bool owned; /* allocated here */
		struct irq_vector vector;
	} entries[];
};

static volatile uint8_t *entry_registers(const struct pci_msix *msix, unsigned index)
{
	return msix->table + index * PCI_MSIX_ENTRY_SIZE;
}

static void mask_entry(const struct pci_msix *msix, unsigned index, bool masked)
{
	mmio_write32(entry_registers(msix, index) + 12, masked ? PCI_MSIX_ENTRY_MASK : 0);
}

static volatile uint8_t *map_table(struct pci_device *device, unsigned count)
{
	uint32_t where;

	if (pci_read32(device, device->msix + PCI_MSIX_TABLE, &where) != 0)
		return NULL;
	return pci_bar_map(device, where & 7, where & ~7u,
			   (uint64_t)count * PCI_MSIX_ENTRY_SIZE);
}

/* Everything masked first: a table may hold what the last user wrote. */
static int start_msix(struct pci_device *device, struct pci_msix *msix, uint16_t control)
{
	msix->table = map_table(device, msix->count);
	if (!msix->table)
		return -EIO;
	control |= PCI_MSIX_MASK_ALL | PCI_MSIX_ENABLE;
	if (pci_write16(device, device->msix + PCI_MSIX_CONTROL, control) != 0)
		return -EIO;
	for (unsigned i = 0; i < msix->count; i++)
		mask_entry(msix, i, true);
	return pci_write16(device, device->msix + PCI_MSIX_CONTROL,
			   (uint16_t)(control & ~PCI_MSIX_MASK_ALL));
}

static void switch_off(struct pci_device *device)
{
	unsigned offset =
		device->msix ? device->msix + PCI_MSIX_CONTROL : device->msi + PCI_MSI_CONTROL;
	uint16_t enable = device->msix ? PCI_MSIX_ENABLE : PCI_MSI_ENABLE;
	uint16_t control;

	/* A function that does not take this is gone and interrupts nobody. */
	if (pci_read16(device, offset, &control) == 0)
		(void)!pci_write16(device, offset, (uint16_t)(control & ~enable));
}

/* How many entries, and the control register of the capability there is. */
static int read_control(const struct pci_device *device, unsigned *count, uint16_t *control)
{
	if (!device->msix && !device->msi)
		return -ENODEV;
	if (pci_read16(device,
		       device->msix ? device->msix + PCI_MSIX_CONTROL
				    : device->msi + PCI_MSI_CONTROL,
		       control) != 0)
		return -EIO;
	*count = device->msix ? (*control & PCI_MSIX_SIZE_MASK) + 1u : 1;
	return 0;
}

int pci_msix_enable(struct pci_device *device)
{
	struct pci_msix *msix;
	unsigned count;
	uint16_t control;
	int error = device->interrupts ? -EBUSY : read_control(device, &count, &control);

	if (error != 0)
		return error;
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
	volatile uint8_t *registers = entry_registers(msix, index);

	mask_entry(msix, index, true);
	mmio_write32(registers, (uint32_t)vector->msi_address);
	mmio_write32(registers + 4, (uint32_t)(vector->msi_address >> 32));
	mmio_write32(registers + 8, vector->msi_data);
	mask_entry(msix, index, false);
}

static int write_msi(struct pci_device *device, const struct irq_vector *vector)
{
	unsigned base = device->msi;
	uint16_t control;
	int error = pci_read16(device, base + PCI_MSI_CONTROL, &control);
	bool wide = control & PCI_MSI_64BIT;

	if (error != 0 || (!wide && vector->msi_address >> 32))
		return -EIO;
	control &= (uint16_t) ~(PCI_MSI_COUNT_MASK | PCI_MSI_ENABLE);
	if (pci_write16(device, base + PCI_MSI_CONTROL, control) != 0 ||
	    pci_write32(device, base + PCI_MSI_ADDRESS, (uint32_t)vector->msi_address) != 0 ||
	    (wide && pci_write32(device, base + PCI_MSI_ADDRESS + 4,
				 (uint32_t)(vector->msi_address >> 32)) != 0) ||
	    pci_write16(device, base + PCI_MSI_ADDRESS + (wide ? 8 : 4),
			(uint16_t)vector->msi_data) != 0 ||
	    ((control & PCI_MSI_MASKABLE) &&
	     pci_write32(device, base + PCI_MSI_ADDRESS + (wide ? 12 : 8), 0) != 0))
		return -EIO;
	return pci_write16(device, base + PCI_MSI_CONTROL, control | PCI_MSI_ENABLE);
}

static int use_entry(struct pci_device *device, unsigned index, const struct irq_vector *vector,
		     bool owned)
{
	struct pci_msix *msix = device->interrupts;

	if (msix->table)
		write_entry(msix, index, vector);
	else if (write_msi(device, vector) != 0)
		return -EIO;
	msix->entries[index] = (struct pci_msix_entry){true, owned, *vector};
	return 0;
}

static int check_entry(const struct pci_device *device, unsigned index)
{
	if (!device->interrupts)
		return -ENODEV;
	if (index >= device->interrupts->count || device->interrupts->entries[index].used)
		return -EINVAL;
	return 0;
}

int pci_msix_set(struct pci_device *device, unsigned index, const struct irq_vector *vector)
{
	int error = check_entry(device, index);

	return error != 0 ? error : use_entry(device, index, vector, false);
}

int pci_msix_connect(struct pci_device *device, unsigned index, unsigned cpu,
		     irq_handler_fn *handler, void *arg)
{
	struct irq_vector vector;
	int error = check_entry(device, index);

	if (error == 0)
		error = irq_vector_alloc(cpu, handler, arg, &vector);
	if (error != 0)
		return error;
	error = use_entry(device, index, &vector, true);
	if (error != 0)
		irq_vector_free(&vector);
	return error;
}

void pci_msix_mask(struct pci_device *device, unsigned index, bool masked)
{
	const struct pci_msix *msix = device->interrupts;

	if (msix && msix->table && index < msix->count)
		mask_entry(msix, index, masked);
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
		if (msix->entries[i].owned)
			irq_vector_free(&msix->entries[i].vector);
	}
	device->interrupts = NULL;
	kmem_free(msix);
}

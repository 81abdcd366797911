// SPDX-License-Identifier: MIT
/*
 * Message interrupts. Entries are written masked and unmasked last. Where there is no MSI-X,
 * MSI stands in: its messages have one address and consecutive data, so their vectors are taken
 * together. Both have their control register at the same place.
 */
#include <pci/msix.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/kmem.h>
#include <pci/bar.h>
#include <pci/regs.h>
#include <platform/barrier.h>

/* A message that comes before it is connected is dropped. */
struct pci_msix_entry {
	_Atomic(irq_handler_fn *) handler; /* NULL: not connected */
	void *arg;
	bool has_vector;
	struct irq_vector vector;
};

/* State of a device whose messages are on. */
struct pci_msix {
	volatile uint8_t *table; /* NULL: MSI */
	unsigned mask;           /* offset of MSI's mask register; 0: none */
	uint32_t masked;         /* what that holds */
	unsigned count;
	struct pci_msix_entry entries[];
};

static unsigned control_offset(const struct pci_device *device)
{
	return (device->msix ? device->msix : device->msi) + PCI_MSI_CONTROL;
}

static void entry_interrupt(void *arg)
{
	struct pci_msix_entry *entry = arg;
	irq_handler_fn *handler = atomic_load_explicit(&entry->handler, memory_order_acquire);

	if (handler)
		handler(entry->arg);
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

/* As many of the messages as there are vectors in one piece. */
static int take_vectors(struct pci_msix *msix)
{
	struct irq_vector first;

	while (irq_vectors_alloc(0, msix->count, entry_interrupt, msix->entries,
				 sizeof(msix->entries[0]), &first) != 0) {
		if (msix->count == 1)
			return -ENOSPC;
		msix->count /= 2;
	}
	for (unsigned i = 0; i < msix->count; i++, first.number++) {
		msix->entries[i].vector = first;
		msix->entries[i].has_vector = true;
	}
	return 0;
}

static int start_msi(struct pci_device *device, struct pci_msix *msix, uint16_t control)
{
	const struct irq_vector *first = &msix->entries[0].vector;
	unsigned at = device->msi + PCI_MSI_ADDRESS;
	unsigned wide = control & PCI_MSI_64BIT ? 4 : 0;
	int error = take_vectors(msix);

	msix->masked = (uint32_t)(BIT64(msix->count) - 1);
	if (error == 0 && !wide && first->msi_address >> 32)
		error = -EIO;
	control &= (uint16_t) ~(PCI_MSI_COUNT_MASK | PCI_MSI_ENABLE);
	if (error == 0)
		error = pci_write16(device, control_offset(device), control);
	if (error == 0)
		error = pci_write32(device, at, (uint32_t)first->msi_address);
	if (error == 0 && wide)
		error = pci_write32(device, at + 4, (uint32_t)(first->msi_address >> 32));
	if (error == 0)
		error = pci_write16(device, at + wide + 4, (uint16_t)first->msi_data);
	if (error == 0 && (control & PCI_MSI_MASKABLE))
		error = pci_write32(device, msix->mask = at + wide + 8, msix->masked);
	control |= (uint16_t)(PCI_MSI_ENABLE | log2_floor(msix->count) << 4);
	return error != 0 ? error : pci_write16(device, control_offset(device), control);
}

/* Nothing comes any more, whether it was on or half on. */
static void release(struct pci_device *device, struct pci_msix *msix)
{
	for (unsigned i = 0; msix->table && i < msix->count; i++)
		mask_entry(msix, i, true);
	/* All that is not read-only there is off at 0. Who does not take it is gone. */
	(void)!pci_write16(device, control_offset(device), 0);
	for (unsigned i = 0; i < msix->count; i++) {
		if (msix->entries[i].has_vector)
			irq_vector_free(&msix->entries[i].vector);
	}
	kmem_free(msix);
}

int pci_msix_enable(struct pci_device *device)
{
	unsigned count;
	uint16_t control;
	struct pci_msix *msix;
	int error;

	if (device->interrupts)
		return -EBUSY;
	if (!device->msix && !device->msi)
		return -ENODEV;
	control = (uint16_t)pci_get(device, control_offset(device), 2);
	if (control == 0xffff) /* has reserved bits: nobody answered */
		return -EIO;
	count = device->msix ? (control & PCI_MSIX_SIZE_MASK) + 1u
			     : BIT(MIN((control & PCI_MSI_CAPABLE) >> 1, 5));
	msix = kmem_alloc(sizeof(*msix) + count * sizeof(msix->entries[0]));
	if (!msix)
		return -ENOMEM;
	msix->count = count;
	error = pci_command_change(device, 0, PCI_COMMAND_NO_INTX);
	if (error == 0)
		error = (device->msix ? start_msix : start_msi)(device, msix, control);
	if (error != 0) {
		release(device, msix);
		return error;
	}
	device->interrupts = msix;
	return (int)msix->count;
}

/* Under the entry's mask: a device must never send half of a message. */
static int open_entry(struct pci_msix *msix, unsigned index, unsigned cpu)
{
	volatile uint8_t *registers = msix->table + index * PCI_MSIX_ENTRY_SIZE;
	struct pci_msix_entry *entry = &msix->entries[index];
	int error = irq_vector_alloc(cpu, entry_interrupt, entry, &entry->vector);

	if (error != 0)
		return error;
	entry->has_vector = true;
	mmio_write32(registers, (uint32_t)entry->vector.msi_address);
	mmio_write32(registers + 4, (uint32_t)(entry->vector.msi_address >> 32));
	mmio_write32(registers + 8, entry->vector.msi_data);
	mask_entry(msix, index, false);
	return 0;
}

int pci_msix_connect(struct pci_device *device, unsigned index, unsigned cpu,
		     irq_handler_fn *handler, void *arg)
{
	struct pci_msix *msix = device->interrupts;
	struct pci_msix_entry *entry;
	int error = 0;

	if (!msix)
		return -ENODEV;
	if (index >= msix->count || msix->entries[index].handler)
		return -EINVAL;
	entry = &msix->entries[index];
	entry->arg = arg;
	atomic_store_explicit(&entry->handler, handler, memory_order_release);
	if (msix->table)
		error = open_entry(msix, index, cpu);
	else if (msix->mask)
		error = pci_write32(device, msix->mask, msix->masked &= ~BIT(index));
	if (error != 0)
		atomic_store(&entry->handler, NULL);
	return error;
}

void pci_msix_disable(struct pci_device *device)
{
	struct pci_msix *msix = device->interrupts;

	device->interrupts = NULL;
	if (msix)
		release(device, msix);
}

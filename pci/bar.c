// SPDX-License-Identifier: MIT
/*
 * Base address registers: decode, size, map.
 */
#include <pci/bar.h>
#include <errno.h>
#include <kernel/log.h>
#include <pci/regs.h>
#include <platform/mmu.h>

unsigned pci_bar_count(const struct pci_device *device)
{
	return device->header_type == 0 ? 6 : device->header_type == 1 ? 2 : 0;
}

static unsigned bar_offset(unsigned index)
{
	return PCI_REG_BAR0 + index * 4;
}

static bool is_memory64(uint32_t value)
{
	return !(value & PCI_BAR_IS_IO) && (value & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64;
}

/* Whether `index` is the upper half of a pair is known only from the start. */
static int find_bar(const struct pci_device *device, unsigned index, uint32_t *low)
{
	unsigned at = 0;

	if (index >= pci_bar_count(device))
		return -EINVAL;
	for (;;) {
		int error = pci_read32(device, bar_offset(at), low);

		if (error != 0)
			return error;
		if (at == index)
			return 0;
		at += is_memory64(*low) ? 2 : 1;
		if (at > index)
			return -EINVAL;
	}
}

static int decode_memory(const struct pci_device *device, unsigned index, uint32_t low,
			 struct pci_bar *bar)
{
	uint32_t high = 0;
	unsigned type = low & PCI_BAR_TYPE_MASK;

	if (type == PCI_BAR_TYPE_MASK)
		return -EINVAL;
	bar->kind = type == PCI_BAR_TYPE_64 ? PCI_BAR_MEMORY64 : PCI_BAR_MEMORY32;
	bar->prefetchable = low & PCI_BAR_PREFETCH;
	if (type == PCI_BAR_TYPE_64) {
		int error = index + 1 < pci_bar_count(device)
				    ? pci_read32(device, bar_offset(index + 1), &high)
				    : -EINVAL;

		if (error != 0)
			return error;
	}
	bar->base = (uint64_t)high << 32 | (low & PCI_BAR_MEMORY_MASK);
	return 0;
}

int pci_bar_read(const struct pci_device *device, unsigned index, struct pci_bar *bar)
{
	uint32_t low;
	int error = find_bar(device, index, &low);

	*bar = (struct pci_bar){.kind = PCI_BAR_NONE};
	if (error != 0 || low == 0 || low == 0xffffffff)
		return error;
	if (!(low & PCI_BAR_IS_IO))
		return decode_memory(device, index, low, bar);
	bar->kind = PCI_BAR_IO;
	bar->base = low & PCI_BAR_IO_MASK;
	return 0;
}

/* All ones into one register; what sticks, and the old value back. */
static int probe_bits(const struct pci_device *device, unsigned index, uint32_t *bits)
{
	uint32_t old;
	int error = pci_read32(device, bar_offset(index), &old);
	int restored;

	if (error == 0)
		error = pci_write32(device, bar_offset(index), 0xffffffff);
	if (error != 0)
		return error;
	error = pci_read32(device, bar_offset(index), bits);
	restored = pci_write32(device, bar_offset(index), old);
	return error != 0 ? error : restored;
}

static int probe_size(const struct pci_device *device, unsigned index, struct pci_bar *bar)
{
	uint32_t low, high = 0;
	uint64_t mask;
	int error = probe_bits(device, index, &low);

	if (error == 0 && bar->kind == PCI_BAR_MEMORY64)
		error = probe_bits(device, index + 1, &high);
	if (error != 0)
		return error;
	low &= bar->kind == PCI_BAR_IO ? PCI_BAR_IO_MASK : PCI_BAR_MEMORY_MASK;
	mask = (uint64_t)high << 32 | low;
	bar->size = mask & -mask; /* the lowest bit that can be written */
	return 0;
}

/* Nothing is printed between switching decode off and on: the console may be behind this BAR.
 */
int pci_bar_size(const struct pci_device *device, unsigned index, struct pci_bar *bar)
{
	uint16_t command;
	int error = pci_bar_read(device, index, bar);
	int restored;

	if (error == 0)
		error = pci_read16(device, PCI_REG_COMMAND, &command);
	if (error == 0)
		error = pci_write16(
			device, PCI_REG_COMMAND,
			(uint16_t)(command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY)));
	if (error != 0)
		return error;
	/* An empty register may still be a BAR that nobody assigned. */
	if (bar->kind == PCI_BAR_NONE)
		bar->kind = PCI_BAR_MEMORY32;
	error = probe_size(device, index, bar);
	if (bar->size == 0)
		bar->kind = PCI_BAR_NONE;
	restored = pci_write16(device, PCI_REG_COMMAND, command);
	return error != 0 ? error : restored;
}

static volatile void *refuse(const struct pci_device *device, unsigned index, const char *why)
{
	char text[PCI_ADDRESS_TEXT];

	log_error("pci: %s: BAR %u %s", pci_address_format(device->address, text), index, why);
	return NULL;
}

volatile void *pci_bar_map(const struct pci_device *device, unsigned index, uint64_t offset,
			   uint64_t length)
{
	struct pci_access *access = device->fabric->access;
	struct pci_bar bar;
	volatile void *registers;

	if (pci_bar_size(device, index, &bar) != 0)
		return refuse(device, index, "cannot be read");
	if (bar.kind != PCI_BAR_MEMORY32 && bar.kind != PCI_BAR_MEMORY64)
		return refuse(device, index, "is no memory BAR");
	if (bar.base == 0 && !access->operations->map)
		return refuse(device, index, "has no address: firmware left it unassigned");
	if (offset >= bar.size || length > bar.size - offset)
		return refuse(device, index, "is smaller than what the driver needs of it");
	if (length == 0)
		length = bar.size - offset;
	if (access->operations->map)
		registers =
			access->operations->map(access, device->address, index, offset, length);
	else
		registers = mmio_map(phys(bar.base + offset), length);
	if (!registers)
		return refuse(device, index, "cannot be mapped: no address space or memory");
	if (pci_path_enable(device, PCI_COMMAND_MEMORY) != 0)
		return refuse(device, index, "cannot be switched on");
	return registers;
}

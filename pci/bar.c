// SPDX-License-Identifier: MIT
/*
 * Base address registers: decode, size, map.
 */
#include <pci/bar.h>
#include <errno.h>
#include <kernel/log.h>
#include <pci/regs.h>
#include <platform/mmu.h>

static bool is_memory64(uint32_t low)
{
	return !(low & PCI_BAR_IS_IO) && (low & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64;
}

static uint32_t address_bits(enum pci_bar_kind kind)
{
	return kind == PCI_BAR_IO ? PCI_BAR_IO_MASK : PCI_BAR_MEMORY_MASK;
}

/* What the lowest bits say. A reserved type, or a pair without upper half, is none. */
static void decode(uint32_t low, bool pair, struct pci_bar *bar)
{
	*bar = (struct pci_bar){.kind = PCI_BAR_NONE};
	if (low == 0 || low == 0xffffffff)
		return;
	if (low & PCI_BAR_IS_IO)
		bar->kind = PCI_BAR_IO;
	else if (is_memory64(low))
		bar->kind = pair ? PCI_BAR_MEMORY64 : PCI_BAR_NONE;
	else if ((low & PCI_BAR_TYPE_MASK) != PCI_BAR_TYPE_MASK)
		bar->kind = PCI_BAR_MEMORY32;
	bar->prefetchable = bar->kind != PCI_BAR_IO && (low & PCI_BAR_PREFETCH);
}

int pci_bar_read(const struct pci_device *device, unsigned index, struct pci_bar *bar)
{
	uint32_t low = 0, high = 0;
	unsigned at = 0;
	int error = index < pci_bar_count(device) ? 0 : -EINVAL;

	*bar = (struct pci_bar){.kind = PCI_BAR_NONE};
	/* Which register is the upper half of a pair is known only from the start. */
	for (; error == 0 && at < index; at += is_memory64(low) ? 2 : 1)
		error = pci_read32(device, PCI_REG_BAR0 + at * 4, &low);
	if (error == 0)
		error = at == index ? pci_read32(device, PCI_REG_BAR0 + at * 4, &low) : -EINVAL;
	if (error != 0)
		return error;
	decode(low, index + 1 < pci_bar_count(device), bar);
	if (bar->kind == PCI_BAR_NONE)
		return low == 0 || low == 0xffffffff ? 0 : -EINVAL;
	if (bar->kind == PCI_BAR_MEMORY64)
		error = pci_read32(device, PCI_REG_BAR0 + index * 4 + 4, &high);
	bar->base = (uint64_t)high << 32 | (low & address_bits(bar->kind));
	return error;
}

int pci_bar_probe(const struct pci_device *device, unsigned offset, uint32_t ones,
		  uint32_t *bits)
{
	uint32_t old;
	int error = pci_read32(device, offset, &old), restored;

	if (error == 0 && old == 0xffffffff)
		error = -EIO; /* nobody answered; this would be put back */
	if (error == 0)
		error = pci_write32(device, offset, ones);
	if (error != 0)
		return error;
	error = pci_read32(device, offset, bits);
	*bits &= ones;
	restored = pci_write32(device, offset, old);
	return error != 0 ? error : restored;
}

int pci_bar_measure(const struct pci_device *device, unsigned offset, bool pair,
		    struct pci_bar *bar)
{
	uint32_t low = 0, high = 0;
	uint64_t mask;
	int error = pci_bar_probe(device, offset, 0xffffffff, &low);

	decode(low, pair, bar);
	if (error == 0 && bar->kind == PCI_BAR_MEMORY64)
		error = pci_bar_probe(device, offset + 4, 0xffffffff, &high);
	mask = (uint64_t)high << 32 | (low & address_bits(bar->kind));
	bar->size = error == 0 ? mask & -mask : 0; /* the lowest bit that can be written */
	if (bar->size == 0)
		bar->kind = PCI_BAR_NONE;
	return error;
}

/* Nothing is printed while decoding is off: the console may be behind this BAR. */
int pci_bar_size(const struct pci_device *device, unsigned index, struct pci_bar *bar)
{
	uint16_t command = (uint16_t)pci_get(device, PCI_REG_COMMAND, 2);
	int error = command == 0xffff ? -EIO : pci_bar_read(device, index, bar), restored;
	uint64_t base;

	if (error == 0)
		error = pci_command_change(device, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 0);
	if (error != 0)
		return error;
	base = bar->base;
	error = pci_bar_measure(device, PCI_REG_BAR0 + index * 4,
				index + 1 < pci_bar_count(device), bar);
	bar->base = base;
	restored = pci_write16(device, PCI_REG_COMMAND, command);
	return error != 0 ? error : restored;
}

/* Address of registers, or what is wrong. */
static const char *map(const struct pci_device *device, unsigned index, uint64_t offset,
		       uint64_t length, volatile void **registers)
{
	struct pci_access *access = device->fabric->access;
	struct pci_bar bar;

	if (pci_bar_size(device, index, &bar) != 0)
		return "cannot be read";
	if (bar.kind != PCI_BAR_MEMORY32 && bar.kind != PCI_BAR_MEMORY64)
		return "is no memory BAR";
	if (bar.base == 0 && !access->operations->map)
		return "has no address: firmware left it unassigned";
	if (offset >= bar.size || length > bar.size - offset)
		return "is smaller than what the driver needs of it";
	if (length == 0)
		length = bar.size - offset;
	*registers = access->operations->map ? access->operations->map(access, device->address,
								       index, offset, length)
					     : mmio_map(phys(bar.base + offset), length);
	if (!*registers)
		return "cannot be mapped: no address space or memory";
	return pci_path_enable(device, PCI_COMMAND_MEMORY) != 0 ? "cannot be switched on"
								: NULL;
}

volatile void *pci_bar_map(const struct pci_device *device, unsigned index, uint64_t offset,
			   uint64_t length)
{
	volatile void *registers = NULL;
	const char *problem = map(device, index, offset, length, &registers);
	char text[PCI_ADDRESS_TEXT];

	if (!problem)
		return registers;
	log_error("pci: %s: BAR %u %s", pci_address_format(device->address, text), index,
		  problem);
	return NULL;
}

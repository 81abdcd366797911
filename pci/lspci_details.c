// SPDX-License-Identifier: MIT
/*
 * The indented lines of lspci -v.
 */
#include <pci/lspci.h>
#include <kernel/log.h>
#include <pci/bar.h>
#include <pci/capability.h>
#include <pci/class_names.h>
#include <pci/regs.h>

static void print_flags(const struct pci_device *device)
{
	uint16_t command, status;
	uint8_t line, latency;

	if (pci_read16(device, PCI_REG_COMMAND, &command) != 0 ||
	    pci_read16(device, PCI_REG_STATUS, &status) != 0 ||
	    pci_read8(device, PCI_REG_INTERRUPT, &line) != 0 ||
	    pci_read8(device, PCI_REG_LATENCY, &latency) != 0)
		return;
	print("\tFlags: %s%s%s devsel, latency %u",
	      command & PCI_COMMAND_MASTER ? "bus master, " : "",
	      status & PCI_STATUS_66MHZ ? "66MHz, " : "",
	      (status & PCI_STATUS_DEVSEL) == 0        ? "fast"
	      : (status & PCI_STATUS_DEVSEL) == 0x0200 ? "medium"
						       : "slow",
	      latency);
	if (line != 0 && line != 0xff)
		print(", IRQ %u", line);
	print("\n");
}

static void print_subsystem(const struct pci_device *device)
{
	uint32_t ids;

	if (device->header_type == 0 && pci_read32(device, PCI_REG_SUBSYSTEM, &ids) == 0 &&
	    ids != 0 && ids != 0xffffffff)
		print("\tSubsystem: Device %04x:%04x\n", (unsigned)ids & 0xffff,
		      (unsigned)ids >> 16);
}

static void print_bars(const struct pci_device *device)
{
	uint16_t command;

	if (pci_read16(device, PCI_REG_COMMAND, &command) != 0)
		return;
	for (unsigned i = 0; i < pci_bar_count(device); i++) {
		struct pci_bar bar;

		if (pci_bar_read(device, i, &bar) != 0 || bar.kind == PCI_BAR_NONE)
			continue;
		if (bar.kind == PCI_BAR_IO)
			print("\tI/O ports at %04llx%s\n", (unsigned long long)bar.base,
			      command & PCI_COMMAND_IO ? "" : " [disabled]");
		else if (bar.base == 0)
			print("\tMemory at <unassigned> (%s-bit, %sprefetchable)\n",
			      bar.kind == PCI_BAR_MEMORY64 ? "64" : "32",
			      bar.prefetchable ? "" : "non-");
		else
			print("\tMemory at %08llx (%s-bit, %sprefetchable)%s\n",
			      (unsigned long long)bar.base,
			      bar.kind == PCI_BAR_MEMORY64 ? "64" : "32",
			      bar.prefetchable ? "" : "non-",
			      command & PCI_COMMAND_MEMORY ? "" : " [disabled]");
	}
}

static void print_rom(const struct pci_device *device)
{
	uint32_t rom;

	if (device->header_type > 1 ||
	    pci_read32(device, device->header_type ? PCI_REG_BRIDGE_ROM : PCI_REG_ROM, &rom) !=
		    0)
		return;
	if (rom >> 11 && rom != 0xffffffff)
		print("\tExpansion ROM at %08x%s\n", (unsigned)rom & ~0x7ffu,
		      rom & 1 ? "" : " [disabled]");
}

/* Sizes of windows are whole KiB. */
static void print_window(const char *name, unsigned digits, uint64_t base, uint64_t limit)
{
	uint64_t kib = (limit - base + 1) >> 10;
	unsigned unit = 0;

	if (base > limit) {
		print("\t%s behind bridge: [disabled]\n", name);
		return;
	}
	for (; kib % 1024 == 0 && unit < 2; kib >>= 10)
		unit++;
	print("\t%s behind bridge: %0*llx-%0*llx [size=%llu%c]\n", name, (int)digits,
	      (unsigned long long)base, (int)digits, (unsigned long long)limit,
	      (unsigned long long)kib, "KMG"[unit]);
}

static void print_io_window(const struct pci_device *device)
{
	uint16_t io;
	uint32_t high = 0;

	if (pci_read16(device, PCI_REG_IO_WINDOW, &io) != 0)
		return;
	if ((io & 0xf) == 1 && pci_read32(device, PCI_REG_IO_WINDOW_HIGH, &high) != 0)
		return;
	print_window("I/O", 4, (high & 0xffff) << 16 | (io & 0xf0u) << 8,
		     (high & 0xffff0000) | (io & 0xf000u) | 0xfff);
}

static void print_windows(const struct pci_device *device)
{
	uint32_t memory, prefetch, base_high = 0, limit_high = 0;

	print("\tBus: primary=%02x, secondary=%02x, subordinate=%02x%s\n", device->primary,
	      device->secondary, device->subordinate,
	      device->unreachable ? " (what is below is unknown)" : "");
	print_io_window(device);
	if (pci_read32(device, PCI_REG_MEMORY_WINDOW, &memory) != 0 ||
	    pci_read32(device, PCI_REG_PREFETCH_WINDOW, &prefetch) != 0)
		return;
	print_window("Memory", 8, (memory & 0xfff0u) << 16, (memory & 0xfff00000u) | 0xfffff);
	if ((prefetch & 0xf) == 1 &&
	    (pci_read32(device, PCI_REG_PREFETCH_BASE_HIGH, &base_high) != 0 ||
	     pci_read32(device, PCI_REG_PREFETCH_LIMIT_HIGH, &limit_high) != 0))
		return;
	print_window("Prefetchable memory", 8,
		     (uint64_t)base_high << 32 | (prefetch & 0xfff0u) << 16,
		     (uint64_t)limit_high << 32 | (prefetch & 0xfff00000u) | 0xfffff);
}

static void print_express(const struct pci_device *device, unsigned flags)
{
	static const char *const types[16] = {
		[PCI_TYPE_ENDPOINT] = "Endpoint",
		[PCI_TYPE_LEGACY_ENDPOINT] = "Legacy Endpoint",
		[PCI_TYPE_ROOT_PORT] = "Root Port",
		[PCI_TYPE_UPSTREAM_PORT] = "Upstream Port",
		[PCI_TYPE_DOWNSTREAM_PORT] = "Downstream Port",
		[PCI_TYPE_EXPRESS_TO_PCI] = "PCI-Express to PCI/PCI-X Bridge",
		[PCI_TYPE_PCI_TO_EXPRESS] = "PCI/PCI-X to PCI-Express Bridge",
		[PCI_TYPE_INTEGRATED_ENDPOINT] = "Root Complex Integrated Endpoint",
		[PCI_TYPE_EVENT_COLLECTOR] = "Root Complex Event Collector",
	};
	const char *type = types[device->port_type & 15];
	bool has_slot = device->port_type == PCI_TYPE_ROOT_PORT ||
			device->port_type == PCI_TYPE_DOWNSTREAM_PORT;

	print("Express (v%u) %s%s, MSI %02x", flags & PCI_EXP_FLAGS_VERSION,
	      type ? type : "Unknown type",
	      !has_slot                    ? ""
	      : flags & PCI_EXP_FLAGS_SLOT ? " (Slot+)"
					   : " (Slot-)",
	      flags >> 9 & 0x1f);
}

/* What the first dword of a capability says in words. */
static void print_standard(const struct pci_device *device,
			   const struct pci_capability_walk *walk)
{
	const char *name = pci_capability_name(walk->id);
	unsigned control = walk->header >> 16;

	print("\tCapabilities: [%02x] ", walk->offset);
	if (walk->id == PCI_CAP_EXPRESS)
		print_express(device, control);
	else if (walk->id == PCI_CAP_MSI)
		print("MSI: Enable%c Count=%u/%u Maskable%c 64bit%c",
		      control & PCI_MSI_ENABLE ? '+' : '-', 1u << (control >> 4 & 7),
		      1u << (control >> 1 & 7), control & PCI_MSI_MASKABLE ? '+' : '-',
		      control & PCI_MSI_64BIT ? '+' : '-');
	else if (walk->id == PCI_CAP_MSIX)
		print("MSI-X: Enable%c Count=%u Masked%c",
		      control & PCI_MSIX_ENABLE ? '+' : '-', (control & PCI_MSIX_SIZE_MASK) + 1,
		      control & PCI_MSIX_MASK_ALL ? '+' : '-');
	else if (name)
		print("%s", name);
	else
		print("Capability %02x", walk->id);
	print("\n");
}

static void print_capabilities(struct pci_device *device)
{
	struct pci_capability_walk walk;

	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk))
		print_standard(device, &walk);
	if (walk.unreadable)
		print("\tCapabilities: <access denied>\n");
	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		const char *name = pci_extended_capability_name(walk.id);

		print("\tCapabilities: [%03x v%u] ", walk.offset, walk.version);
		if (name)
			print("%s\n", name);
		else
			print("Extended capability %04x\n", walk.id);
	}
}

void lspci_print_details(struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT];

	if (device->readability == PCI_UNREADABLE)
		return;
	if (device->physical_function)
		print("\tVirtual function of %s\n",
		      pci_address_format(device->physical_function->address, text));
	print_subsystem(device);
	print_flags(device);
	print_bars(device);
	print_rom(device);
	if (pci_device_is_bridge(device))
		print_windows(device);
	print_capabilities(device);
	if (device->driver_name)
		print("\tKernel driver in use: %s\n", device->driver_name);
}

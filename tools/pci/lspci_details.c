// SPDX-License-Identifier: MIT
/*
 * The indented lines of lspci -v. What cannot be read is left out.
 */
#include <tools/pci/lspci.h>
#include <kernel/log.h>
#include <pci/bar.h>
#include <pci/capability.h>
#include <tools/pci/names.h>
#include <tools/pci/regs.h>

#define SIGN(value, bit) ((value) & (bit) ? '+' : '-')

static void print_flags(const struct pci_device *device, uint32_t command)
{
	static const char *const speeds[] = {"fast", "medium", "slow", "??"};
	uint32_t status = pci_get(device, PCI_REG_STATUS, 2);
	uint32_t ids = pci_get(device, PCI_REG_SUBSYSTEM, 4);
	uint32_t line = pci_get(device, PCI_REG_INTERRUPT, 1);

	if (device->header_type == 0 && ids != 0 && ids != 0xffffffff)
		print("\tSubsystem: Device %04x:%04x\n", (unsigned)ids & 0xffff,
		      (unsigned)ids >> 16);
	print("\tFlags: %s%s%s devsel, latency %u",
	      command & PCI_COMMAND_MASTER ? "bus master, " : "",
	      status & PCI_STATUS_66MHZ ? "66MHz, " : "", speeds[status >> 9 & 3],
	      (unsigned)pci_get(device, PCI_REG_LATENCY, 1));
	if (line != 0 && line != 0xff)
		print(", IRQ %u", (unsigned)line);
	print("\n");
}

static void print_bars(const struct pci_device *device, uint32_t command)
{
	struct pci_bar bar;
	unsigned rom_at = device->header_type ? PCI_REG_BRIDGE_ROM : PCI_REG_ROM;
	uint32_t rom = device->header_type < 2 ? pci_get(device, rom_at, 4) : 0;

	for (unsigned i = 0; i < pci_bar_count(device); i++) {
		bool memory = true;

		if (pci_bar_read(device, i, &bar) != 0 || bar.kind == PCI_BAR_NONE)
			continue;
		if (bar.kind == PCI_BAR_IO) {
			memory = false;
			print("\tI/O ports at %04llx", (unsigned long long)bar.base);
		} else {
			print(bar.base ? "\tMemory at %08llx" : "\tMemory at <unassigned>",
			      (unsigned long long)bar.base);
			print(" (%s-bit, %sprefetchable)",
			      bar.kind == PCI_BAR_MEMORY64 ? "64" : "32",
			      bar.prefetchable ? "" : "non-");
		}
		print("%s\n",
		      !bar.base || (command & (memory ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO))
			      ? ""
			      : " [disabled]");
	}
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

static void print_windows(const struct pci_device *device)
{
	uint32_t io = pci_get(device, PCI_REG_IO_WINDOW, 2);
	uint32_t memory = pci_get(device, PCI_REG_MEMORY_WINDOW, 4);
	uint32_t prefetch = pci_get(device, PCI_REG_PREFETCH_WINDOW, 4);
	bool wide_io = (io & 0xf) == 1, wide = (prefetch & 0xf) == 1;
	uint32_t io_high = wide_io ? pci_get(device, PCI_REG_IO_WINDOW_HIGH, 4) : 0;
	uint64_t base = wide ? pci_get(device, PCI_REG_PREFETCH_BASE_HIGH, 4) : 0;
	uint64_t limit = wide ? pci_get(device, PCI_REG_PREFETCH_LIMIT_HIGH, 4) : 0;

	print("\tBus: primary=%02x, secondary=%02x, subordinate=%02x, sec-latency=%u%s\n",
	      device->primary, device->secondary, device->subordinate,
	      (unsigned)pci_get(device, PCI_REG_BUS_NUMBERS + 3, 1),
	      device->unreachable ? " (what is below is unknown)" : "");
	print_window("I/O", 4, (io_high & 0xffff) << 16 | (io & 0xf0) << 8,
		     (io_high & 0xffff0000) | (io & 0xf000) | 0xfff);
	print_window("Memory", 8, (memory & 0xfff0) << 16, (memory & 0xfff00000) | 0xfffff);
	print_window("Prefetchable memory", 8, base << 32 | (prefetch & 0xfff0) << 16,
		     limit << 32 | (prefetch & 0xfff00000) | 0xfffff);
}

static void print_express(const struct pci_device *device, unsigned flags)
{
	static const char *const types[16] = {"Endpoint",
					      "Legacy Endpoint",
					      NULL,
					      NULL,
					      "Root Port",
					      "Upstream Port",
					      "Downstream Port",
					      "PCI-Express to PCI/PCI-X Bridge",
					      "PCI/PCI-X to PCI-Express Bridge",
					      "Root Complex Integrated Endpoint",
					      "Root Complex Event Collector"};
	const char *type = types[device->port_type & 15];

	print("Express (v%u) %s", flags & PCI_EXP_FLAGS_VERSION, type ? type : "Unknown type");
	if (device->port_type == PCI_TYPE_ROOT_PORT ||
	    device->port_type == PCI_TYPE_DOWNSTREAM_PORT)
		print(" (Slot%c)", SIGN(flags, PCI_EXP_FLAGS_SLOT));
	print(", MSI %02x\n", flags >> 9 & 0x1f);
}

/* What the first dword of a capability says in words. */
static void print_capability(const struct pci_device *device,
			     const struct pci_capability_walk *walk)
{
	unsigned control = walk->header >> 16;
	char name[PCI_NAME_TEXT];

	pci_capability_name(walk->id, walk->extended, name);
	if (walk->extended)
		print("\tCapabilities: [%03x v%u] %s\n", walk->offset, walk->version, name);
	else
		print("\tCapabilities: [%02x] ", walk->offset);
	if (walk->extended)
		return;
	if (walk->id == PCI_CAP_EXPRESS)
		print_express(device, control);
	else if (walk->id == PCI_CAP_MSI)
		print("MSI: Enable%c Count=%u/%u Maskable%c 64bit%c\n",
		      SIGN(control, PCI_MSI_ENABLE), 1u << (control >> 4 & 7),
		      1u << (control >> 1 & 7), SIGN(control, PCI_MSI_MASKABLE),
		      SIGN(control, PCI_MSI_64BIT));
	else if (walk->id == PCI_CAP_MSIX)
		print("MSI-X: Enable%c Count=%u Masked%c\n", SIGN(control, PCI_MSIX_ENABLE),
		      (control & PCI_MSIX_SIZE_MASK) + 1, SIGN(control, PCI_MSIX_MASK_ALL));
	else
		print("%s\n", name);
}

void lspci_print_details(struct pci_device *device)
{
	uint32_t command = pci_get(device, PCI_REG_COMMAND, 2);
	struct pci_capability_walk walk;
	char text[PCI_ADDRESS_TEXT];

	if (device->readability == PCI_UNREADABLE)
		return;
	if (device->physical_function)
		print("\tVirtual function of %s\n",
		      pci_address_format(device->physical_function->address, text));
	print_flags(device, command);
	print_bars(device, command);
	if (pci_device_is_bridge(device))
		print_windows(device);
	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk))
		print_capability(device, &walk);
	if (walk.unreadable)
		print("\tCapabilities: <access denied>\n");
	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk))
		print_capability(device, &walk);
	if (device->driver_name)
		print("\tKernel driver in use: %s\n", device->driver_name);
}

// SPDX-License-Identifier: MIT
/*
 * One access for two ways: per bus, ECAM if an entry covers it, else the ports (segment 0, 256
 * bytes a function). ECAM is believed for segment 0 only after host bridge 0:0.0 reads the same
 * through both.
 */
#include <pci/hardware.h>
#include <errno.h>
#include <kernel/acpi.h>
#include <kernel/boot_info.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <pci/mcfg.h>
#include <pci/root_buses.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <platform/mmu.h>
#include <platform/pci_config.h>

static struct {
	struct pci_access access;
	struct pci_mcfg mcfg;
	volatile uint8_t *maps[PCI_MCFG_ENTRIES_MAX]; /* of the first bus of each entry */
	bool ports;
	bool checked;     /* ECAM agreed with the ports */
	bool roots_known; /* firmware names the root buses of segment 0, and there is no other
			   */
	struct pci_bus_set roots;
	const char *description;
	char text[96];
} hardware = {.description = ""};

static volatile uint8_t *ecam_registers(struct pci_address address)
{
	unsigned entry;
	struct phys where;

	if (!pci_mcfg_address(&hardware.mcfg, address, &entry, &where))
		return NULL;
	return hardware.maps[entry] +
	       ((pci_address_routing_id(address) -
		 ((unsigned)hardware.mcfg.entries[entry].buses.first << 8))
		<< 12);
}

static unsigned hardware_space(struct pci_access *access, struct pci_address address)
{
	(void)access;
	if (ecam_registers(address))
		return PCI_SPACE_EXPRESS;
	return hardware.ports && address.segment == 0 ? PCI_SPACE_CONVENTIONAL : 0;
}

static int hardware_read(struct pci_access *access, struct pci_address address, unsigned offset,
			 unsigned width, uint32_t *value)
{
	volatile uint8_t *registers = ecam_registers(address);

	(void)access;
	if (!registers)
		*value = platform_pci_ports_read(address.bus, address.devfn, offset, width);
	else if (width == 1)
		*value = mmio_read8(registers + offset);
	else if (width == 2)
		*value = mmio_read16(registers + offset);
	else
		*value = mmio_read32(registers + offset);
	return 0;
}

static int hardware_write(struct pci_access *access, struct pci_address address,
			  unsigned offset, unsigned width, uint32_t value)
{
	volatile uint8_t *registers = ecam_registers(address);

	(void)access;
	if (!registers)
		platform_pci_ports_write(address.bus, address.devfn, offset, width, value);
	else if (width == 1)
		mmio_write8(registers + offset, (uint8_t)value);
	else if (width == 2)
		mmio_write16(registers + offset, (uint16_t)value);
	else
		mmio_write32(registers + offset, value);
	return 0;
}

/* The first entry of its segment, unless the ports reach all of that anyway. */
static bool entry_opens_segment(unsigned entry)
{
	uint32_t segment = hardware.mcfg.entries[entry].buses.segment;

	for (unsigned i = 0; i < entry; i++) {
		if (hardware.mcfg.entries[i].buses.segment == segment)
			return false;
	}
	return !hardware.ports || segment != 0;
}

/* From the first to the last bus of the segment; a bus in a hole reads as out of reach. */
static void widen_to_segment(struct pci_bus_range *range)
{
	for (unsigned i = 0; i < hardware.mcfg.count; i++) {
		const struct pci_bus_range *buses = &hardware.mcfg.entries[i].buses;

		if (buses->segment != range->segment)
			continue;
		range->first = MIN(range->first, buses->first);
		range->last = MAX(range->last, buses->last);
	}
}

static bool hardware_range(struct pci_access *access, unsigned index,
			   struct pci_bus_range *range)
{
	(void)access;
	*range = (struct pci_bus_range){0, 0, 0xff};
	if (hardware.ports && index-- == 0)
		return true;
	for (unsigned i = 0; i < hardware.mcfg.count; i++) {
		if (!entry_opens_segment(i) || index-- != 0)
			continue;
		*range = hardware.mcfg.entries[i].buses;
		widen_to_segment(range);
		return true;
	}
	return false;
}

static bool hardware_may_be_root(struct pci_access *access, uint32_t segment, unsigned bus)
{
	(void)access;
	(void)segment;
	return !hardware.roots_known || pci_bus_set_has(&hardware.roots, bus);
}

static void hardware_delay(struct pci_access *access, uint64_t ns)
{
	(void)access;
	clock_delay_ns(ns);
}

static const struct pci_access_operations hardware_operations = {
	.name = "hardware",
	.space = hardware_space,
	.read = hardware_read,
	.write = hardware_write,
	.range = hardware_range,
	.may_be_root = hardware_may_be_root,
	.delay = hardware_delay,
};

static bool is_ram(struct phys start, uint64_t size)
{
	for (uint32_t i = 0; i < boot_info->range_count; i++) {
		const struct boot_range *range = &boot_info->ranges[i];

		if (range->type <= BOOT_RANGE_LOADER && range->start.addr < start.addr + size &&
		    start.addr < range->start.addr + range->size)
			return true;
	}
	return false;
}

static void drop_entry(unsigned entry)
{
	hardware.mcfg.count--;
	for (unsigned i = entry; i < hardware.mcfg.count; i++) {
		hardware.mcfg.entries[i] = hardware.mcfg.entries[i + 1];
		hardware.maps[i] = hardware.maps[i + 1];
	}
}

static void map_entries(void)
{
	for (unsigned i = 0; i < hardware.mcfg.count;) {
		const struct pci_ecam *ecam = &hardware.mcfg.entries[i];
		uint64_t buses = ecam->buses.last - ecam->buses.first + 1u;

		hardware.maps[i] = mmio_map(phys(ecam->base.addr + MIB(ecam->buses.first)),
					    buses * MIB(1));
		if (hardware.maps[i]) {
			i++;
			continue;
		}
		log_warn("pci: ECAM at %#llx (%u buses) cannot be mapped; ignored",
			 (unsigned long long)ecam->base.addr, (unsigned)buses);
		drop_entry(i);
	}
}

/* Some firmware has an MCFG of another board. */
static void compare_with_ports(void)
{
	struct pci_address host = {0};
	unsigned entry;
	struct phys where;
	uint32_t through_ports;

	if (!hardware.ports || !pci_mcfg_address(&hardware.mcfg, host, &entry, &where))
		return;
	through_ports = platform_pci_ports_read(0, 0, 0, 4);
	hardware.checked = mmio_read32(ecam_registers(host)) == through_ports;
	if (hardware.checked)
		return;
	log_warn("pci: ECAM at %#llx does not show host bridge %08x that CF8/CFC shows; using "
		 "CF8/CFC, without extended capabilities",
		 (unsigned long long)hardware.mcfg.entries[entry].base.addr, through_ports);
	drop_entry(entry);
}

static void describe(void)
{
	const struct pci_ecam *ecam = &hardware.mcfg.entries[0];

	hardware.description = hardware.text;
	if (hardware.mcfg.count == 0)
		format(hardware.text, sizeof(hardware.text),
		       "ports CF8/CFC, first 256 bytes of each function");
	else
		format(hardware.text, sizeof(hardware.text),
		       "ECAM segment %u bus %02x-%02x%s%s", (unsigned)ecam->buses.segment,
		       ecam->buses.first, ecam->buses.last,
		       hardware.mcfg.count > 1 ? " and more" : "",
		       hardware.checked ? " (checked against CF8/CFC)" : "");
}

static void find_ecam(void)
{
	size_t length;
	const void *table = acpi_table_find("MCFG", 0, &length);

	hardware.mcfg.count = 0;
	hardware.checked = false;
	if (!table)
		return;
	pci_mcfg_parse(table, length, is_ram, &hardware.mcfg);
	for (unsigned i = 0; i < hardware.mcfg.problem_count; i++)
		log_warn("pci: ACPI table MCFG: %s; ignored",
			 pci_mcfg_problem_text(hardware.mcfg.problems[i]));
	map_entries();
}

/* Which host bridge is in which segment would need more of AML than a pattern. */
static void find_roots(void)
{
	struct pci_bus_range range;

	hardware.roots = (struct pci_bus_set){{0}};
	hardware.roots_known = !hardware_range(&hardware.access, 1, &range) &&
			       pci_root_buses_find(&hardware.roots);
}

struct pci_access *pci_hardware_access(void)
{
	hardware.access.operations = &hardware_operations;
	hardware.ports = platform_pci_ports_present();
	find_ecam();
	compare_with_ports();
	if (hardware.mcfg.count == 0 && !hardware.ports)
		return pci_functions_access(&hardware.description);
	find_roots();
	describe();
	return &hardware.access;
}

const char *pci_hardware_description(void)
{
	return hardware.description;
}

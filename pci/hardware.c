// SPDX-License-Identifier: MIT
/*
 * One access for two ways: per bus, ECAM if an entry of the MCFG covers it, else the ports
 * (segment 0, 256 bytes a function). ECAM is believed for segment 0 only after host bridge
 * 0:0.0 reads the same through both.
 */
#include <pci/hardware.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>
#include <kernel/boot_info.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <platform/barrier.h>
#include <platform/clock.h>
#include <platform/mmu.h>
#include <platform/pci_config.h>
#include <string.h>

#define REGIONS_MAX 16

static const struct pci_access_operations hardware_operations;

static struct {
	struct pci_access access;
	unsigned count;
	struct ecam_region {
		struct acpi_ecam buses;
		volatile uint8_t *registers; /* of its first bus */
	} regions[REGIONS_MAX];
	bool ports;
	bool checked;      /* ECAM agreed with the ports */
	uint64_t roots[4]; /* buses that may be roots */
	const char *description;
	char text[96];
} hardware = {.access.operations = &hardware_operations, .description = ""};

static struct ecam_region *region_of(struct pci_address address)
{
	for (unsigned i = 0; i < hardware.count; i++) {
		const struct acpi_ecam *buses = &hardware.regions[i].buses;

		if (buses->segment == address.segment && buses->first_bus <= address.bus &&
		    address.bus <= buses->last_bus)
			return &hardware.regions[i];
	}
	return NULL;
}

static volatile uint8_t *ecam_registers(struct pci_address address)
{
	const struct ecam_region *region = region_of(address);

	if (region)
		address.bus = (uint8_t)(address.bus - region->buses.first_bus);
	return region ? region->registers + ((size_t)pci_address_routing_id(address) << 12)
		      : NULL;
}

static unsigned hardware_space(struct pci_access *access UNUSED, struct pci_address address)
{
	if (region_of(address))
		return PCI_SPACE_EXPRESS;
	return hardware.ports && address.segment == 0 ? PCI_SPACE_CONVENTIONAL : 0;
}

static int hardware_read(struct pci_access *access UNUSED, struct pci_address address,
			 unsigned offset, unsigned width, uint32_t *value)
{
	volatile uint8_t *registers = ecam_registers(address);

	*value = registers ? mmio_read(registers + offset, width)
			   : platform_pci_ports_read(address.bus, address.devfn, offset, width);
	return 0;
}

static int hardware_write(struct pci_access *access UNUSED, struct pci_address address,
			  unsigned offset, unsigned width, uint32_t value)
{
	volatile uint8_t *registers = ecam_registers(address);

	if (registers)
		mmio_write(registers + offset, width, value);
	else
		platform_pci_ports_write(address.bus, address.devfn, offset, width, value);
	return 0;
}

/* The first region of a segment that the ports do not reach. */
static bool opens_segment(unsigned index)
{
	uint16_t segment = hardware.regions[index].buses.segment;

	for (unsigned i = 0; i < index; i++) {
		if (hardware.regions[i].buses.segment == segment)
			return false;
	}
	return !hardware.ports || segment != 0;
}

/* Each segment once, with all its buses; those without a region or ports are out of reach. */
static bool hardware_range(struct pci_access *access UNUSED, unsigned index,
			   struct pci_bus_range *range)
{
	*range = (struct pci_bus_range){0, 0, 0xff};
	if (hardware.ports && index-- == 0)
		return true;
	for (unsigned i = 0; i < hardware.count; i++) {
		range->segment = hardware.regions[i].buses.segment;
		if (opens_segment(i) && index-- == 0)
			return true;
	}
	return false;
}

static bool hardware_may_be_root(struct pci_access *access UNUSED, uint32_t segment UNUSED,
				 unsigned bus)
{
	return hardware.roots[bus / 64] >> bus % 64 & 1;
}

static void hardware_delay(struct pci_access *access UNUSED, uint64_t ns)
{
	clock_delay_ns(ns);
}

static const struct pci_access_operations hardware_operations = {
	.space = hardware_space,
	.read = hardware_read,
	.write = hardware_write,
	.range = hardware_range,
	.may_be_root = hardware_may_be_root,
	.delay = hardware_delay,
};

static bool is_ram(uint64_t start, uint64_t size)
{
	for (uint32_t i = 0; i < boot_info->range_count; i++) {
		const struct boot_range *range = &boot_info->ranges[i];

		if (range->type <= BOOT_RANGE_LOADER && range->start.addr < start + size &&
		    start < range->start.addr + range->size)
			return true;
	}
	return false;
}

/* Map one entry of the MCFG, or say why not (spec-pci-atomicops 1.3). */
static const char *add_region(const struct acpi_ecam *buses)
{
	uint64_t start = buses->base.addr + MIB(buses->first_bus);
	uint64_t size = MIB(buses->last_bus + 1 - buses->first_bus);
	struct ecam_region *region = &hardware.regions[hardware.count];

	if (buses->base.addr == 0)
		return "it has address 0";
	if (buses->last_bus < buses->first_bus)
		return "it ends before its first bus";
	if (is_ram(start, size))
		return "it lies in RAM";
	for (unsigned bus = buses->first_bus; bus <= buses->last_bus; bus++) {
		if (region_of(pci_address(buses->segment, bus, 0, 0)))
			return "an entry before it has the same buses";
	}
	if (hardware.count == REGIONS_MAX)
		return "there are more entries than are kept";
	*region = (struct ecam_region){*buses, mmio_map(phys(start), size)};
	if (!region->registers)
		return "it cannot be mapped";
	hardware.count++;
	return NULL;
}

static void find_ecam(void)
{
	struct acpi_ecam buses;
	size_t cursor = 0;

	hardware.count = 0;
	while (acpi_ecam_next(&cursor, &buses)) {
		const char *problem = add_region(&buses);

		if (problem)
			log_warn("pci: ECAM at %#llx, segment %u bus %02x-%02x, is ignored: %s",
				 (unsigned long long)buses.base.addr, buses.segment,
				 buses.first_bus, buses.last_bus, problem);
	}
	if (acpi_ecam_rest() != 0)
		log_warn("pci: ACPI table MCFG ends inside an entry; that is ignored");
}

/* Some firmware has an MCFG of another board. */
static void compare_with_ports(void)
{
	struct ecam_region *region = region_of((struct pci_address){0});
	uint32_t through_ports;

	hardware.checked = false;
	if (!hardware.ports || !region)
		return;
	through_ports = platform_pci_ports_read(0, 0, 0, 4);
	hardware.checked = mmio_read32(region->registers) == through_ports;
	if (hardware.checked)
		return;
	log_warn("pci: ECAM at %#llx does not show host bridge %08x that CF8/CFC shows; using "
		 "CF8/CFC, without extended capabilities",
		 (unsigned long long)region->buses.base.addr, through_ports);
	*region = hardware.regions[--hardware.count];
}

static const char *describe(void)
{
	const struct acpi_ecam *first = &hardware.regions[0].buses;

	if (hardware.count == 0)
		return "ports CF8/CFC, first 256 bytes of each function";
	format(hardware.text, sizeof(hardware.text), "ECAM segment %u bus %02x-%02x%s%s",
	       first->segment, first->first_bus, first->last_bus,
	       hardware.count > 1 ? " and more" : "",
	       hardware.checked ? " (checked against CF8/CFC)" : "");
	return hardware.text;
}

struct pci_access *pci_hardware_access(void)
{
	struct pci_bus_range second;

	hardware.ports = platform_pci_ports_present();
	find_ecam();
	compare_with_ports();
	if (hardware.count == 0 && !hardware.ports)
		return pci_functions_access(&hardware.description);
	/* Which host bridge is in which segment would need more of AML than a pattern. */
	if (hardware_range(&hardware.access, 1, &second) || !acpi_root_buses(hardware.roots))
		memset(hardware.roots, 0xff, sizeof(hardware.roots));
	hardware.description = describe();
	return &hardware.access;
}

const char *pci_hardware_description(void)
{
	return hardware.description;
}

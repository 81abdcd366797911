// SPDX-License-Identifier: MIT
/*
 * The access for reports: reading only, nothing secret, and a list by looking at every bus.
 */
#include <boot/report_access.h>
#include <errno.h>
#include <kernel/bits.h>
#include <pci/capability.h>
#include <pci/regs.h>

#define CAPABILITY_VPD  0x03 /* PCI Local Bus 3.0, appendix I */
#define EXTENDED_SERIAL 0x0003
#define LAST_ROUTING_ID 0xffffu
#define FUNCTIONS_MASK  7u

static struct pci_access *below(struct pci_access *access)
{
	return container_of(access, struct report_access, access)->below;
}

static unsigned space(struct pci_access *access, struct pci_address address)
{
	return below(access)->operations->space(below(access), address);
}

static int read(struct pci_access *access, struct pci_address address, unsigned offset,
		unsigned width, uint32_t *value)
{
	const struct report_access *report = container_of(access, struct report_access, access);

	for (unsigned i = 0; i < ARRAY_SIZE(report->hidden); i++) {
		if (offset - report->hidden[i].offset < report->hidden[i].length &&
		    pci_address_equal(address, report->address)) {
			*value = 0;
			return 0;
		}
	}
	return pci_config_read(report->below, address, offset, width, value);
}

static int write(struct pci_access *access UNUSED, struct pci_address address UNUSED,
		 unsigned offset UNUSED, unsigned width UNUSED, uint32_t value UNUSED)
{
	return -EIO;
}

static bool range(struct pci_access *access, unsigned index, struct pci_bus_range *buses)
{
	return below(access)->operations->range(below(access), index, buses);
}

static bool may_be_root(struct pci_access *access, uint32_t segment, unsigned bus)
{
	const struct pci_access_operations *operations = below(access)->operations;

	return !operations->may_be_root || operations->may_be_root(below(access), segment, bus);
}

static void delay(struct pci_access *access, uint64_t ns)
{
	below(access)->operations->delay(below(access), ns);
}

static bool answers(struct pci_access *access, struct pci_address address)
{
	uint32_t id;

	return pci_config_read(access, address, PCI_REG_VENDOR, 4, &id) == 0 &&
	       (uint16_t)id != 0xffff && (uint16_t)id != 0;
}

/* The first function of the segment at or above a routing id. */
static bool look(struct pci_access *access, uint32_t segment, unsigned id,
		 struct pci_address *found)
{
	for (; id <= LAST_ROUTING_ID; id++) {
		struct pci_address at = {segment, (uint8_t)(id >> 8), (uint8_t)id};
		unsigned function = pci_address_function(at);
		struct pci_address zero = {segment, at.bus, (uint8_t)(at.devfn - function)};
		uint32_t header = PCI_HEADER_MULTI;

		if (function != 0)
			pci_config_read(access, zero, PCI_REG_HEADER, 1, &header);
		*found = at;
		if ((header & PCI_HEADER_MULTI) && answers(access, at))
			return true;
		if (function == 0 || !(header & PCI_HEADER_MULTI))
			id |= FUNCTIONS_MASK; /* the next device */
	}
	return false;
}

/* The lowest segment at or above one; false when there is none. */
static bool segment_from(struct pci_access *access, uint32_t least, uint32_t *segment)
{
	struct pci_bus_range buses;
	bool any = false;

	for (unsigned i = 0; range(access, i, &buses); i++) {
		if (buses.segment < least || (any && buses.segment >= *segment))
			continue;
		*segment = buses.segment;
		any = true;
	}
	return any;
}

static bool next(struct pci_access *access, struct pci_address *address)
{
	unsigned id = pci_address_routing_id(*address);
	uint32_t segment = 0, least = address->segment;

	for (; segment_from(access, least, &segment); least = segment + 1, id = 0) {
		if (look(access, segment, segment == address->segment ? id : 0, address))
			return true;
		if (segment == UINT32_MAX)
			break;
	}
	return false;
}

static const struct pci_access_operations scanning = {
	.space = space,
	.read = read,
	.write = write,
	.range = range,
	.may_be_root = may_be_root,
	.delay = delay,
};

static const struct pci_access_operations listing = {
	.space = space,
	.read = read,
	.write = write,
	.next = next,
	.delay = delay,
};

void report_access_init(struct report_access *report, struct pci_access *below_it)
{
	*report = (struct report_access){.access.operations = &scanning, .below = below_it};
}

void report_access_list(struct report_access *report)
{
	report->access.operations = &listing;
}

void report_access_hide(struct report_access *report, struct pci_device *device)
{
	struct pci_capability_walk walk;

	memset(report->hidden, 0, sizeof(report->hidden));
	report->address = device->address;
	if (device->readability != PCI_READABLE)
		return;
	pci_capability_walk_start(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == CAPABILITY_VPD) {
			report->hidden[0].offset = walk.offset + 4;
			report->hidden[0].length = 4;
		}
	}
	pci_capability_walk_start_extended(&walk, device);
	while (pci_capability_walk_next(&walk)) {
		if (walk.id == EXTENDED_SERIAL) {
			report->hidden[1].offset = walk.offset + 4;
			report->hidden[1].length = 8;
		}
	}
}

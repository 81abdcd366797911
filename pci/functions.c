// SPDX-License-Identifier: MIT
/*
 * The back end of machines whose functions come as a list with nothing above them (zPCI): each
 * is reached by its name alone, and so are its BARs.
 */
#include <pci/hardware.h>
#include <platform/pci_config.h>

static const struct platform_pci_functions *functions;

static bool functions_next(struct pci_access *access UNUSED, struct pci_address *address)
{
	unsigned bdf = pci_address_routing_id(*address);

	if (!functions->next(&address->segment, &bdf))
		return false;
	address->bus = (uint8_t)(bdf >> 8);
	address->devfn = (uint8_t)bdf;
	return true;
}

static unsigned functions_space(struct pci_access *access, struct pci_address address)
{
	struct pci_address there = address;

	return functions_next(access, &there) && pci_address_equal(there, address)
		       ? PCI_SPACE_EXPRESS
		       : 0;
}

static int functions_read(struct pci_access *access UNUSED, struct pci_address address,
			  unsigned offset, unsigned width, uint32_t *value)
{
	return functions->read(address.segment, pci_address_routing_id(address), offset, width,
			       value);
}

static int functions_write(struct pci_access *access UNUSED, struct pci_address address,
			   unsigned offset, unsigned width, uint32_t value)
{
	return functions->write(address.segment, pci_address_routing_id(address), offset, width,
				value);
}

static volatile void *functions_map(struct pci_access *access UNUSED,
				    struct pci_address address, unsigned bar, uint64_t offset,
				    uint64_t length)
{
	return functions->map(address.segment, pci_address_routing_id(address), bar, offset,
			      length);
}

static const struct pci_access_operations functions_operations = {
	.space = functions_space,
	.read = functions_read,
	.write = functions_write,
	.next = functions_next,
	.translates = true,
	.map = functions_map,
};

struct pci_access *pci_functions_access(const char **description)
{
	static struct pci_access access = {.operations = &functions_operations};

	functions = platform_pci_functions();
	if (!functions)
		return NULL;
	*description = functions->name;
	return &access;
}

// SPDX-License-Identifier: MIT
/*
 * The developer's machine has no configuration space of its own to look at: there are no ports
 * and no functions until a test plugs some in, nobody states anything about AtomicOps, and no
 * hypervisor is known. Dumps and tables come through tools/pci/image.h instead.
 */
#include <platform/pci_config.h>
#include <hosted.h>
#include <kernel/assert.h>

static const struct hosted_pci_ports *ports;
static const struct platform_pci_functions *functions;

void hosted_pci_set_ports(const struct hosted_pci_ports *operations)
{
	ports = operations;
}

bool platform_pci_ports_present(void)
{
	return ports != NULL;
}

uint32_t platform_pci_ports_read(unsigned bus, unsigned devfn, unsigned offset, unsigned width)
{
	ASSERT(ports != NULL);
	return ports->read(bus, devfn, offset, width);
}

void platform_pci_ports_write(unsigned bus, unsigned devfn, unsigned offset, unsigned width,
			      uint32_t value)
{
	ASSERT(ports != NULL);
	ports->write(bus, devfn, offset, width, value);
}

void hosted_pci_set_functions(const struct platform_pci_functions *list)
{
	functions = list;
}

const struct platform_pci_functions *platform_pci_functions(void)
{
	return functions;
}

enum platform_atomic_statement platform_confirms_atomic_ops(unsigned segment, unsigned bdf,
							    unsigned mask)
{
	(void)segment;
	(void)bdf;
	(void)mask;
	return ATOMIC_NO_STATEMENT;
}

bool platform_under_hypervisor(void)
{
	return false;
}

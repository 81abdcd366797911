// SPDX-License-Identifier: MIT
/*
 * PCI configuration through the address and data ports (PCI Local Bus 3.0, 3.2.2.3).
 */
#include <platform/pci_config.h>

#include <platform/x86_64/port_io.h>
#include <kernel/assert.h>
#include <kernel/lock.h>

#define ADDRESS_PORT   0xcf8
#define DATA_PORT      0xcfc
#define ADDRESS_ENABLE 0x80000000u

static struct lock_class ports_class = {.name = "PCI configuration ports"};
static struct spin_lock ports_lock = SPIN_LOCK_INIT(&ports_class);

/* The address register is the only thing there that keeps what is written to it. */
bool platform_pci_ports_present(void)
{
	struct irq_state state = spin_lock_irqsave(&ports_lock);
	uint32_t before = port_read32(ADDRESS_PORT);
	bool present;

	port_write32(ADDRESS_PORT, ADDRESS_ENABLE);
	present = port_read32(ADDRESS_PORT) == ADDRESS_ENABLE;
	port_write32(ADDRESS_PORT, before);
	spin_unlock_irqrestore(&ports_lock, state);
	return present;
}

static void address_set(unsigned bus, unsigned devfn, unsigned offset)
{
	ASSERT(bus < 256 && devfn < 256 && offset < 256);
	port_write32(ADDRESS_PORT, ADDRESS_ENABLE | bus << 16 | devfn << 8 | (offset & 0xfc));
}

uint32_t platform_pci_ports_read(unsigned bus, unsigned devfn, unsigned offset, unsigned width)
{
	struct irq_state state = spin_lock_irqsave(&ports_lock);
	uint16_t port = (uint16_t)(DATA_PORT + (offset & 3));
	uint32_t value;

	address_set(bus, devfn, offset);
	value = width == 1   ? port_read8(port)
		: width == 2 ? port_read16(port)
			     : port_read32(port);
	spin_unlock_irqrestore(&ports_lock, state);
	return value;
}

void platform_pci_ports_write(unsigned bus, unsigned devfn, unsigned offset, unsigned width,
			      uint32_t value)
{
	struct irq_state state = spin_lock_irqsave(&ports_lock);
	uint16_t port = (uint16_t)(DATA_PORT + (offset & 3));

	address_set(bus, devfn, offset);
	if (width == 1)
		port_write8(port, (uint8_t)value);
	else if (width == 2)
		port_write16(port, (uint16_t)value);
	else
		port_write32(port, value);
	spin_unlock_irqrestore(&ports_lock, state);
}

/* Functions are found by looking at every bus. */
const struct platform_pci_functions *platform_pci_functions(void)
{
	return NULL;
}

/* PC firmware has no table for it, and QEMU says nothing either. */
enum platform_atomic_statement
platform_confirms_atomic_ops(unsigned segment UNUSED, unsigned bdf UNUSED, unsigned mask UNUSED)
{
	return ATOMIC_NO_STATEMENT;
}

// SPDX-License-Identifier: MIT
/*
 * Brings functions and drivers together.
 */
#include <drivers/driver.h>
#include <errno.h>
#include <kernel/log.h>
#include <pci/intx.h>
#include <pci/msix.h>
#include <pci/regs.h>

static bool id_matches(const struct pci_id *id, const struct pci_device *device)
{
	return (id->vendor == PCI_ANY_ID || id->vendor == device->vendor) &&
	       (id->device == PCI_ANY_ID || id->device == device->device) &&
	       (device->class_code & id->class_mask) == id->class_code;
}

static bool id_is_end(const struct pci_id *id)
{
	return id->vendor == 0 && id->device == 0 && id->class_mask == 0;
}

bool pci_driver_matches(const struct pci_driver *driver, const struct pci_device *device)
{
	for (const struct pci_id *id = driver->ids; !id_is_end(id); id++) {
		if (id_matches(id, device))
			return true;
	}
	return false;
}

/* The function sends nothing any more: no DMA, no messages. */
static void quiesce(struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT];

	/* One that does not even show its command register may listen all the same. */
	if (pci_command_change(device, PCI_COMMAND_MASTER, 0) != 0 &&
	    pci_write16(device, PCI_REG_COMMAND, PCI_COMMAND_NO_INTX) != 0)
		log_warn("pci: %s: bus mastering could not be switched off",
			 pci_address_format(device->address, text));
	pci_msix_disable(device);
	pci_intx_disconnect(device);
	device->driver = NULL;
	device->driver_name = NULL;
	device->driver_data = NULL;
}

int pci_driver_bind(const struct pci_driver *driver, struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT];
	int error;

	if (device->driver)
		return -EBUSY;
	device->driver = driver;
	device->driver_name = driver->name;
	error = driver->probe(device);
	if (error == 0)
		return 0;
	quiesce(device);
	if (error != -ENODEV)
		log_error("pci: %s: driver %s gave up (error %d); the function stays unused",
			  pci_address_format(device->address, text), driver->name, -error);
	return error;
}

void pci_driver_unbind(struct pci_device *device)
{
	if (!device->driver)
		return;
	device->driver->remove(device);
	quiesce(device);
}

/* A function that cannot be read has no business with a driver; a bridge has its own owner. */
static bool may_have_driver(const struct pci_device *device)
{
	return device->readability == PCI_READABLE && !pci_device_is_bridge(device);
}

unsigned drivers_bind_all(struct pci_fabric *fabric)
{
	struct pci_device *device;
	unsigned bound = 0;

	pci_for_each_device (device, fabric) {
		table_for_each (quire_drivers, driver) {
			if (device->driver || !may_have_driver(device))
				break;
			if (pci_driver_matches(*driver, device) &&
			    pci_driver_bind(*driver, device) == 0)
				bound++;
		}
	}
	return bound;
}

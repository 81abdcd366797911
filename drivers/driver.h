// SPDX-License-Identifier: MIT
/*
 * Drivers of PCI functions register in a linker table. After enumeration drivers_bind_all()
 * asks each driver for each function that it matches, in address order; the first whose probe
 * returns 0 owns the function. A probe that fails leaves nothing behind: bus mastering is
 * switched off, interrupts are disabled and their vectors freed, driver_data is cleared.
 */
#ifndef DRIVERS_DRIVER_H
#define DRIVERS_DRIVER_H

#include <kernel/table.h>
#include <pci/device.h>

#define PCI_ANY_ID 0xffffu

/* One rule; a table ends with an all-zero entry. */
struct pci_id {
	uint16_t vendor;     /* or PCI_ANY_ID */
	uint16_t device;     /* or PCI_ANY_ID */
	uint32_t class_code; /* compared under class_mask; 0, 0: any class */
	uint32_t class_mask;
};

struct pci_driver {
	const char *name;
	const struct pci_id *ids;
	/* Thread context. 0: the driver owns the device. -ENODEV: not mine after all, silently;
	 * every other error is reported by the binding. */
	int (*probe)(struct pci_device *device);
	/* Stop the device and free everything; interrupts are taken off by the binding after.
	 */
	void (*remove)(struct pci_device *device);
};

TABLE_DECLARE(quire_drivers, struct pci_driver);

#define PCI_DRIVER(id, id_table, probe_function, remove_function)                        \
	static const struct pci_driver pci_driver_##id = {#id, id_table, probe_function, \
							  remove_function};              \
	TABLE_ENTRY(quire_drivers, struct pci_driver, pci_driver_##id)

/* True if a rule of the table fits the device. */
bool pci_driver_matches(const struct pci_driver *driver, const struct pci_device *device);

/* Probe every function without a driver; the number of functions now bound by this call. */
unsigned drivers_bind_all(struct pci_fabric *fabric);
/* Offer one function to one driver, whatever its table says. 0 or the probe's error; -EBUSY
 * when the function has a driver. */
int pci_driver_bind(const struct pci_driver *driver, struct pci_device *device) MUST_CHECK;
/* Remove its driver, if any, and quiesce the function. */
void pci_driver_unbind(struct pci_device *device);

#endif

// SPDX-License-Identifier: MIT
/*
 * Message interrupts of a device: MSI-X, or MSI with one vector where there is no MSI-X. The
 * vectors belong to the device: pci_msix_disable() gives all of them back, and the driver
 * binding calls it when a probe fails or a driver is removed. Thread context; one caller per
 * device.
 */
#ifndef PCI_MSIX_H
#define PCI_MSIX_H

#include <pci/device.h>
#include <platform/irq.h>

/*
 * Switch INTx off and MSI-X on, every entry masked. Number of entries the device has (1 for
 * MSI), -ENODEV without either capability, -ENOMEM, -EIO when the table cannot be mapped,
 * -EBUSY when on already.
 */
int pci_msix_enable(struct pci_device *device) MUST_CHECK;

/*
 * Allocate a vector that calls handler(arg) on `cpu`, write it into entry `index` and unmask
 * it. 0, -EINVAL for a bad index or one in use, -ENOSPC without a vector, -ENODEV when not
 * enabled.
 */
int pci_msix_connect(struct pci_device *device, unsigned index, unsigned cpu,
		     irq_handler_fn *handler, void *arg) MUST_CHECK;

/* Mask all, switch off, free the vectors of pci_msix_connect(). Harmless when not enabled. */
void pci_msix_disable(struct pci_device *device);

#endif

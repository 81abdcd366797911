// SPDX-License-Identifier: MIT
/*
 * Message interrupts of a device: MSI-X, or MSI where there is no MSI-X. The vectors belong to
 * the device: pci_msix_disable() gives all of them back, and the driver binding calls it when a
 * probe fails or a driver is removed. Thread context; one caller per device.
 */
#ifndef PCI_MSIX_H
#define PCI_MSIX_H

#include <pci/device.h>
#include <platform/irq.h>

/*
 * Switch INTx off and messages on, every one masked. Their number: entries of MSI-X, or of the
 * messages MSI can send (a power of two) as many as there are consecutive vectors. -ENODEV
 * without either capability, -ENOMEM, -ENOSPC without a vector for MSI, -EIO when the table
 * cannot be mapped or the function does not answer, -EBUSY when on already.
 */
int pci_msix_enable(struct pci_device *device) MUST_CHECK;

/*
 * Message `index` calls handler(arg) from now on. Of MSI-X each has a vector of its own on
 * `cpu`; MSI has one address for all messages, which is that of CPU 0. 0, -EINVAL for a bad
 * index or one in use, -ENOSPC without a vector, -ENODEV when not enabled.
 */
int pci_msix_connect(struct pci_device *device, unsigned index, unsigned cpu,
		     irq_handler_fn *handler, void *arg) MUST_CHECK;

/* Mask all, switch off, free the vectors of pci_msix_connect(). Harmless when not enabled. */
void pci_msix_disable(struct pci_device *device);

#endif

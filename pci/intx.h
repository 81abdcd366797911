// SPDX-License-Identifier: MIT
/*
 * The line interrupt of a device that has neither MSI-X nor MSI, as firmware routed it. Lines
 * are shared and level triggered: a handler runs for its neighbours' interrupts too, and must
 * make its own device let go of the line.
 */
#ifndef PCI_INTX_H
#define PCI_INTX_H

#include <pci/device.h>
#include <platform/irq.h>

/*
 * Call handler(arg) on the CPU that serves the line whenever it is raised. 0; -ENODEV when the
 * device has no pin, firmware gave it no line, or the line leads nowhere; -EBUSY when it is
 * connected already; -ENOMEM; -ENOSPC without a vector. Thread context.
 */
int pci_intx_connect(struct pci_device *device, irq_handler_fn *handler, void *arg) MUST_CHECK;

/* Switch the pin off and forget the handler, which does not run any more on return. Harmless
 * when not connected. Not from a handler. */
void pci_intx_disconnect(struct pci_device *device);

#endif

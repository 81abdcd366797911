// SPDX-License-Identifier: MIT
/*
 * Configuration space for reports that leave the machine: over another access, it refuses every
 * write, shows zeros instead of serial numbers (spec-pci-atomicops 15.3), and can list what
 * answers instead of trusting bridges, for a machine whose bus numbers do not hold and must
 * not be changed.
 */
#ifndef BOOT_REPORT_ACCESS_H
#define BOOT_REPORT_ACCESS_H

#include <pci/device.h>

struct report_access {
	struct pci_access access;
	struct pci_access *below;
	struct pci_address address; /* of the function with hidden registers */
	struct {
		unsigned offset;
		unsigned length; /* 0: nothing */
	} hidden[2];
};

/* `below` must outlive it. */
void report_access_init(struct report_access *report, struct pci_access *below);
/* From now on a fabric over it is listed: every function of every bus that answers. */
void report_access_list(struct report_access *report);
/*
 * Read zeros where this function has its serial number (device serial number capability) or
 * the window to its vital product data, which holds another. Until the next call.
 */
void report_access_hide(struct report_access *report, struct pci_device *device);

#endif

// SPDX-License-Identifier: MIT
/*
 * The AtomicOps report: for every device that could be a requester why AtomicOps reach memory
 * or not, for every slot what a device in it could expect. Cause first, then numbers; one
 * machine-readable LINE per requester; no serial numbers.
 */
#ifndef TOOLS_PCI_ATOMIC_REPORT_H
#define TOOLS_PCI_ATOMIC_REPORT_H

#include <pci/atomic_ops.h>

struct atomic_report {
	struct pci_fabric *fabric;
	const char *firmware; /* may be empty */
	const char *access;   /* how configuration space is reached, one line */
	bool hypervisor;      /* one is known to run below */
};

/*
 * Print the report for all requesters and slots, or for `only`, as text or as one line of JSON
 * with the same facts. Evaluates; writes no register. 0, or -ENOMEM after a message. Thread
 * context.
 */
int atomic_report_print(const struct atomic_report *report, const struct pci_device *only,
			bool as_json) MUST_CHECK;

/* True for functions that get a block of their own in the full report: endpoints of any kind,
 * and what could not be read. */
bool atomic_report_is_requester(const struct pci_device *device);
/* True for ports whose bus is a slot. */
bool atomic_report_is_slot(const struct pci_device *device);

/* The command `atomics` on any fabric. 0; -EINVAL, -ENODEV, -ENOMEM after a message; what
 * enabling returned. */
int atomics_run(const struct atomic_report *report, int argc, char **argv) MUST_CHECK;

#endif

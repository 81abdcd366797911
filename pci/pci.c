// SPDX-License-Identifier: MIT
/*
 * The machine's own fabric, and its start.
 */
#include <pci/pci.h>
#include <errno.h>
#include <kernel/log.h>
#include <pci/enumerate.h>
#include <pci/hardware.h>
#include <platform/pci_config.h>

struct pci_fabric pci_fabric = {.devices = LIST_INIT(pci_fabric.devices)};

static void report_defects(const struct pci_fabric *fabric)
{
	char text[PCI_ADDRESS_TEXT];

	for (unsigned i = 0; i < MIN(fabric->defect_count, PCI_DEFECTS_MAX); i++) {
		const struct pci_defect *defect = &fabric->defects[i];

		log_warn("pci: %s: %s (%#x)", pci_address_format(defect->address, text),
			 pci_defect_text(defect->kind), (unsigned)defect->value);
	}
	if (fabric->defect_count > PCI_DEFECTS_MAX)
		log_warn("pci: and %u defects more", fabric->defect_count - PCI_DEFECTS_MAX);
}

void pci_init(void)
{
	struct pci_access *access = pci_hardware_access();
	int error;

	if (!access) {
		log_info("pci: no ECAM, no CF8/CFC, no list of functions: this machine has no "
			 "PCI");
		return;
	}
	pci_fabric_init(&pci_fabric, access);
	pci_fabric.statement = platform_confirms_atomic_ops;
	error = pci_enumerate(&pci_fabric);
	report_defects(&pci_fabric);
	if (error == -ENOMEM)
		log_error("pci: out of memory: functions are missing from the list");
	log_info("pci: %u functions through %s, %llu reads, %llu writes%s",
		 pci_fabric.device_count, pci_hardware_description(),
		 (unsigned long long)access->reads, (unsigned long long)access->writes,
		 pci_fabric.renumbered ? ", bus numbers given afresh" : "");
}

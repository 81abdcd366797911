// SPDX-License-Identifier: MIT
/*
 * The machine's own fabric, and its start.
 */
#include <pci/enumerate.h>
#include <errno.h>
#include <kernel/command_line.h>
#include <kernel/log.h>
#include <pci/assign.h>
#include <pci/hardware.h>
#include <platform/pci_config.h>
#include <string.h>

COMMAND_LINE_KEY(pci, "pci", "wipe: forget what firmware numbered and placed (for tests)");

struct pci_fabric pci_fabric = {.devices = LIST_INIT(pci_fabric.devices)};

#define DEFECT_TEXT(name, text) text,
static const char *const defect_texts[] = {PCI_DEFECTS(DEFECT_TEXT)};

static void report_defects(const struct pci_fabric *fabric)
{
	char text[PCI_ADDRESS_TEXT];

	for (unsigned i = 0; i < MIN(fabric->defect_count, PCI_DEFECTS_MAX); i++) {
		const struct pci_defect *defect = &fabric->defects[i];

		log_warn("pci: %s: %s (%#x)", pci_address_format(defect->address, text),
			 defect_texts[defect->kind], (unsigned)defect->value);
	}
	if (fabric->defect_count > PCI_DEFECTS_MAX)
		log_warn("pci: and %u defects more", fabric->defect_count - PCI_DEFECTS_MAX);
}

/* Nothing is printed on the way: the console may be behind a BAR. */
static int configure(struct pci_fabric *fabric, int *placed)
{
	struct pci_aperture apertures[PCI_RESOURCES];
	int error;

	pci_wipe(fabric);
	pci_fabric_clear(fabric);
	fabric->defect_count = 0;
	error = pci_enumerate(fabric);
	if (error != 0)
		return error;
	pci_apertures_find(apertures);
	*placed = pci_assign(fabric, apertures);
	return MIN(*placed, 0);
}

void pci_init(void)
{
	struct pci_access *access = pci_hardware_access();
	const char *wish = command_line_get("pci");
	int error, placed = 0;

	if (!access) {
		log_info("pci: no ECAM, no CF8/CFC, no list of functions: this machine has no "
			 "PCI");
		return;
	}
	pci_fabric_init(&pci_fabric, access);
	pci_fabric.statement = platform_confirms_atomic_ops;
	error = pci_enumerate(&pci_fabric);
	if (error == 0 && !access->operations->next &&
	    ((wish && strcmp(wish, "wipe") == 0) || pci_is_unconfigured(&pci_fabric)))
		error = configure(&pci_fabric, &placed);
	report_defects(&pci_fabric);
	if (error == -ENOMEM)
		log_error("pci: out of memory: functions are missing from the list, or have no "
			  "addresses");
	if (placed > 0)
		log_info("pci: firmware placed nothing: %d BARs have addresses now", placed);
	log_info("pci: %u functions through %s, %llu reads, %llu writes%s",
		 pci_fabric.device_count, pci_hardware_description(),
		 (unsigned long long)access->reads, (unsigned long long)access->writes,
		 pci_fabric.renumbered ? ", bus numbers given afresh" : "");
}

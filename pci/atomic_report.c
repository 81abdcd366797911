// SPDX-License-Identifier: MIT
/*
 * The report as text.
 */
#include <pci/atomic_report.h>
#include <errno.h>
#include <kernel/format.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <pci/class_names.h>

#define SIZES ((const uint32_t[]){ATOMIC_32, ATOMIC_64, ATOMIC_128})
static const char *const size_names[] = {"32", "64", "128"};

const char *atomic_verdict_name(enum atomic_verdict verdict)
{
	return verdict == ATOMIC_YES ? "YES" : verdict == ATOMIC_NO ? "NO" : "UNKNOWN";
}

bool atomic_report_is_requester(const struct pci_device *device)
{
	if (device->readability != PCI_READABLE || device->physical_function)
		return true;
	return device->express && (device->port_type == PCI_TYPE_ENDPOINT ||
				   device->port_type == PCI_TYPE_LEGACY_ENDPOINT ||
				   device->port_type == PCI_TYPE_INTEGRATED_ENDPOINT);
}

bool atomic_report_is_slot(const struct pci_device *device)
{
	return device->express && pci_device_is_bridge(device) &&
	       (device->port_type == PCI_TYPE_ROOT_PORT ||
		device->port_type == PCI_TYPE_DOWNSTREAM_PORT);
}

/* Root ports of QEMU (two models) and VMware. */
static bool is_emulated_port(const struct pci_device *device)
{
	uint32_t id = (uint32_t)device->vendor << 16 | device->device;

	return id == 0x1b36000c || id == 0x80863420 || id == 0x15ad07a0;
}

bool atomic_report_is_virtual(const struct atomic_report *report,
			      const struct atomic_result *result)
{
	if (report->hypervisor)
		return true;
	for (unsigned i = 0; i < result->hop_count; i++) {
		const struct pci_device *device = result->hops[i].device;

		if (device && is_emulated_port(device))
			return true;
	}
	return false;
}

static void print_requester(const struct atomic_result *result)
{
	const struct atomic_hop *hop = &result->hops[0];
	const struct pci_device *device = hop->device;
	const char *class = pci_class_name(device->class_code);
	uint16_t command;
	char text[PCI_ADDRESS_TEXT];

	print("\nREQUESTER %s  %04x:%04x  %s, %s", pci_address_format(device->address, text),
	      device->vendor, device->device, class ? class : "device",
	      pci_port_type_name(device));
	if (device->express)
		print(" v%u", device->express_version);
	if (hop->has_registers && !device->physical_function)
		print(", ReqEn=%u", !!(hop->control2 & PCI_EXP_REQUESTER));
	if (pci_read16(device, PCI_REG_COMMAND, &command) == 0 && command != 0xffff)
		print(", BusMaster=%u", !!(command & PCI_COMMAND_MASTER));
	print("\n");
}

/* The setting that governs a virtual function is its physical function's. */
static void print_physical_function(const struct pci_device *pf)
{
	char text[PCI_ADDRESS_TEXT];
	uint16_t control;

	pci_address_format(pf->address, text);
	if (!pf->express || pf->express_version < 2 ||
	    pci_read16(pf, pf->express + PCI_EXP_DEVCTL2, &control) != 0 || control == 0xffff)
		print(" governed by its physical function %s, which cannot be read\n", text);
	else
		print(" governed by its physical function %s, ReqEn=%u\n", text,
		      !!(control & PCI_EXP_REQUESTER));
}

static void format_need(char *text, size_t size, const struct pci_device *device, uint32_t mask)
{
	if (!device->express)
		format(text, size, "PCI Express");
	else if (device->port_type == PCI_TYPE_ROOT_PORT)
		format(text, size, "complete%s%s%s", mask & ATOMIC_32 ? " 32" : "",
		       mask & ATOMIC_64 ? " 64" : "", mask & ATOMIC_128 ? " 128" : "");
	else if (device->port_type == PCI_TYPE_UPSTREAM_PORT)
		format(text, size, "routing, egress open");
	else
		format(text, size, "routing");
}

static char sign(uint32_t value, uint32_t bit)
{
	return value & bit ? '+' : '-';
}

static void format_registers(char *text, size_t size, const struct atomic_hop *hop, bool first)
{
	uint32_t cap = hop->capabilities2;
	bool root = hop->device->port_type == PCI_TYPE_ROOT_PORT;

	if (!hop->has_registers)
		format(text, size, "no such register read");
	else if (first || root)
		format(text, size, "DevCap2=%08x 32%c 64%c 128%c%s", (unsigned)cap,
		       sign(cap, ATOMIC_32), sign(cap, ATOMIC_64), sign(cap, ATOMIC_128),
		       first ? " (its own memory)" : "");
	else
		format(text, size, "DevCap2=%08x routing%c eb%c", (unsigned)cap,
		       sign(cap, PCI_EXP_ROUTING), sign(hop->control2, PCI_EXP_EGRESS_BLOCK));
}

/* The worst that was found at a hop. */
static enum atomic_effect hop_effect(const struct atomic_result *result, unsigned hop)
{
	bool unknown = false;

	for (unsigned i = 0; i < result->finding_count; i++) {
		enum atomic_effect effect = atomic_reason_effect(result->findings[i].reason);

		if (result->findings[i].hop == hop && effect == ATOMIC_EFFECT_NO)
			return effect;
		unknown |= result->findings[i].hop == hop && effect == ATOMIC_EFFECT_UNKNOWN;
	}
	return unknown ? ATOMIC_EFFECT_UNKNOWN : ATOMIC_EFFECT_NONE;
}

/* " HOP_NO_ROUTE HOP_EGRESS_BLOCK": everything found at a hop. */
static void format_reasons(char *text, size_t size, const struct atomic_result *result,
			   unsigned hop)
{
	text[0] = '\0';
	for (unsigned i = 0; i < result->finding_count; i++) {
		if (result->findings[i].hop == hop)
			format_append(text, size, " %s",
				      atomic_reason_name(result->findings[i].reason));
	}
}

static void print_hops(const struct atomic_result *result)
{
	static const char *const verdicts[] = {"ok", "BLOCKS", "UNKNOWN"};
	char address[PCI_ADDRESS_TEXT], need[32], has[56], reasons[120];

	print(" %3s %-13s %-19s %-22s %-44s %s\n", "hop", "device", "kind", "must have",
	      "has (register)", "verdict");
	for (unsigned i = 0; i < result->hop_count; i++) {
		const struct atomic_hop *hop = &result->hops[i];

		if (!hop->device)
			continue;
		if (i == 0)
			format(need, sizeof(need), "-");
		else
			format_need(need, sizeof(need), hop->device, result->mask);
		format_registers(has, sizeof(has), hop, i == 0);
		format_reasons(reasons, sizeof(reasons), result, i);
		print(" %3u %-13s %-19s %-22s %-44s %s%s\n", i,
		      pci_address_format(hop->device->address, address),
		      pci_port_type_name(hop->device), need, has,
		      verdicts[hop_effect(result, i)], reasons);
	}
}

static enum atomic_effect worst_effect(const struct atomic_result *result)
{
	return result->no        ? ATOMIC_EFFECT_NO
	       : result->unknown ? ATOMIC_EFFECT_UNKNOWN
				 : ATOMIC_EFFECT_NONE;
}

static void print_result(const struct atomic_result *result)
{
	enum atomic_effect worst = worst_effect(result);
	bool first = true;

	print(" result ");
	for (unsigned i = 0; i < 3; i++)
		print(" %s-bit %s  ", size_names[i],
		      atomic_verdict_name(atomic_result_verdict(result, SIZES[i])));
	for (unsigned i = 0; worst != ATOMIC_EFFECT_NONE && i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];

		if (atomic_reason_effect(finding->reason) != worst)
			continue;
		print("%s%s at hop %u", first ? " first cause: " : ", ",
		      atomic_reason_name(finding->reason), finding->hop);
		first = false;
	}
	print("\n");
}

/* Each sentence once, in hop order. */
static void print_meaning(const struct atomic_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		enum atomic_reason reason = result->findings[i].reason;
		const char *text = atomic_reason_text(reason);
		unsigned before = 0;

		while (before < i &&
		       atomic_reason_text(result->findings[before].reason) != text)
			before++;
		if (before == i && (atomic_reason_effect(reason) != ATOMIC_EFFECT_NONE ||
				    reason == ATOMIC_PLATFORM_CONFIRMED))
			print(" meaning  %s\n", text);
	}
	if (worst_effect(result) == ATOMIC_EFFECT_NONE)
		print(" meaning  Every register on the path says yes. Whether the device ever "
		      "sends AtomicOps, PCI Express does not tell.\n");
}

static const char *occupant(const struct pci_device *port, char text[PCI_ADDRESS_TEXT])
{
	return port->first_child ? pci_address_format(port->first_child->address, text)
				 : "empty";
}

/* Slots where 32 and 64 bits would work, at most a handful. */
static void print_try(const struct atomic_report *report, const struct pci_device *requester,
		      struct atomic_result *scratch)
{
	const struct pci_device *port;
	char address[PCI_ADDRESS_TEXT], in_it[PCI_ADDRESS_TEXT];
	unsigned shown = 0;

	if (!requester->express || requester->physical_function)
		return;
	pci_for_each_device (port, report->fabric) {
		if (!atomic_report_is_slot(port) || shown == 4 ||
		    atomic_ops_evaluate_slot(port, ATOMIC_32 | ATOMIC_64, scratch) != 0 ||
		    atomic_result_verdict(scratch, scratch->mask) != ATOMIC_YES)
			continue;
		print("%s%s (%s)", shown++ ? ", " : " try      a slot directly below: ",
		      pci_address_format(port->address, address), occupant(port, in_it));
	}
	if (shown == 0)
		print(" try      No slot of this machine completes AtomicOps to memory; "
		      "firmware "
		      "set-up or another board may.");
	print("\n");
}

/* LINE: one per requester, for machines. */
static void print_line(const struct atomic_result *result)
{
	char address[PCI_ADDRESS_TEXT];
	bool first = true;

	print("LINE     v=1 dev=%s",
	      pci_address_format(result->hops[0].device->address, address));
	for (unsigned i = 0; i < 3; i++)
		print(" r%s=%s", size_names[i],
		      atomic_verdict_name(atomic_result_verdict(result, SIZES[i])));
	print(" why=");
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];

		if (atomic_reason_effect(finding->reason) == ATOMIC_EFFECT_NONE &&
		    finding->reason != ATOMIC_PLATFORM_CONFIRMED)
			continue;
		print("%s%s@%s", first ? "" : ",", atomic_reason_name(finding->reason),
		      pci_address_format(result->hops[finding->hop].device->address, address));
		first = false;
	}
	print("%s\n", first ? "-" : "");
}

static void print_block(const struct atomic_report *report, const struct pci_device *device,
			struct atomic_result *result, struct atomic_result *scratch)
{
	if (atomic_ops_evaluate(device, ATOMIC_ALL, result) != 0)
		return;
	atomic_ops_ask_platform(result);
	print_requester(result);
	if (device->physical_function)
		print_physical_function(device->physical_function);
	print_result(result);
	print_meaning(result);
	print_hops(result);
	if (atomic_report_is_virtual(report, result))
		print(" note     Virtual machine: this is the hypervisor's statement, not the "
		      "board's. "
		      "Known to help: a root port of its own above the device, a single "
		      "function at "
		      "function 0, QEMU 8.1 or later.\n");
	if (result->no & (ATOMIC_32 | ATOMIC_64))
		print_try(report, device, scratch);
	print_line(result);
}

/* Width of the link of a port, from its registers. */
static void format_link(char *text, size_t size, const struct pci_device *port)
{
	uint32_t link;

	if (pci_read32(port, port->express + PCI_EXP_LINK_CAP, &link) != 0 ||
	    (link >> 4 & 0x3f) == 0)
		format(text, size, "-");
	else
		format(text, size, "x%u", (unsigned)link >> 4 & 0x3f);
}

static void print_slot(const struct pci_device *port, const struct atomic_result *result)
{
	char address[PCI_ADDRESS_TEXT], in_it[PCI_ADDRESS_TEXT], reasons[120], link[8];

	format_link(link, sizeof(link), port);
	print("         %-13s %-5s %-13s", pci_address_format(port->address, address), link,
	      occupant(port, in_it));
	for (unsigned i = 0; i < 3; i++)
		print(" %-7s", atomic_verdict_name(atomic_result_verdict(result, SIZES[i])));
	for (unsigned i = 1; i < result->hop_count; i++) {
		if (hop_effect(result, i) == ATOMIC_EFFECT_NONE)
			continue;
		format_reasons(reasons, sizeof(reasons), result, i);
		print("%s@%s", reasons,
		      pci_address_format(result->hops[i].device->address, address));
	}
	print("\n");
}

static void print_slots(const struct atomic_report *report, struct atomic_result *result)
{
	const struct pci_device *port;

	print("\nSLOTS    %-13s %-5s %-13s %-7s %-7s %-7s %s\n", "port", "link", "now", "32",
	      "64", "128", "why not");
	pci_for_each_device (port, report->fabric) {
		if (atomic_report_is_slot(port) &&
		    atomic_ops_evaluate_slot(port, ATOMIC_ALL, result) == 0)
			print_slot(port, result);
	}
}

/* Things that decide nothing, with the port they are about. */
static void print_notes(const struct atomic_report *report, struct atomic_result *result)
{
	const struct pci_device *port;
	char address[PCI_ADDRESS_TEXT];

	pci_for_each_device (port, report->fabric) {
		if (!atomic_report_is_slot(port) ||
		    atomic_ops_evaluate_slot(port, ATOMIC_ALL, result) != 0)
			continue;
		for (unsigned i = 0; i < result->finding_count; i++) {
			enum atomic_reason reason = result->findings[i].reason;

			/* Hop 1 is the port itself; what is above it has its own turn. */
			if (result->findings[i].hop == 1 &&
			    atomic_reason_effect(reason) == ATOMIC_EFFECT_NONE)
				print("NOTES    %s %s: %s\n", atomic_reason_name(reason),
				      pci_address_format(port->address, address),
				      atomic_reason_text(reason));
		}
	}
}

static void print_header(const struct atomic_report *report)
{
	print("QUIRE PCIe AtomicOps report 1   firmware: %s   access: %s   hypervisor: %s\n",
	      report->firmware[0] ? report->firmware : "not known", report->access,
	      report->hypervisor ? "present" : "none seen");
}

static void print_all(const struct atomic_report *report, struct atomic_result *result,
		      struct atomic_result *scratch)
{
	const struct pci_device *device;
	unsigned others = 0;

	pci_for_each_device (device, report->fabric) {
		if (atomic_report_is_requester(device))
			print_block(report, device, result, scratch);
		else
			others++;
	}
	print("\nOTHERS   %u functions that cannot request AtomicOps: ports, bridges, "
	      "conventional "
	      "PCI\n",
	      others);
	print_slots(report, result);
	print_notes(report, result);
}

int atomic_report_print(const struct atomic_report *report, const struct pci_device *only)
{
	struct atomic_result *results = kmem_alloc(2 * sizeof(*results));

	if (!results) {
		print("atomics: out of memory\n");
		return -ENOMEM;
	}
	print_header(report);
	if (only)
		print_block(report, only, &results[0], &results[1]);
	else
		print_all(report, &results[0], &results[1]);
	kmem_free(results);
	return 0;
}

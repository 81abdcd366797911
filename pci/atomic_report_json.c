// SPDX-License-Identifier: MIT
/*
 * The report as one line of JSON: the same facts as the text, for runtimes and validation
 * tools.
 */
#include <pci/atomic_report.h>
#include <errno.h>
#include <kernel/json.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <pci/class_names.h>

static void json_address(struct json *json, const char *key, const struct pci_device *device)
{
	char text[PCI_ADDRESS_TEXT];

	json_string(json, key, pci_address_format(device->address, text));
}

static void json_verdicts(struct json *json, const struct atomic_result *result)
{
	json_string(json, "r32", atomic_verdict_name(atomic_result_verdict(result, ATOMIC_32)));
	json_string(json, "r64", atomic_verdict_name(atomic_result_verdict(result, ATOMIC_64)));
	json_string(json, "r128",
		    atomic_verdict_name(atomic_result_verdict(result, ATOMIC_128)));
}

static void json_hops(struct json *json, const struct atomic_result *result)
{
	json_array(json, "hops");
	for (unsigned i = 0; i < result->hop_count; i++) {
		const struct atomic_hop *hop = &result->hops[i];

		if (!hop->device)
			continue;
		json_object(json, NULL);
		json_address(json, "device", hop->device);
		json_string(json, "kind", pci_port_type_name(hop->device));
		if (hop->has_registers) {
			json_format(json, "devcap2", "%08x", (unsigned)hop->capabilities2);
			json_format(json, "devctl2", "%04x", hop->control2);
		}
		json_end(json);
	}
	json_end(json);
}

static void json_findings(struct json *json, const struct atomic_result *result)
{
	static const char *const effects[] = {"none", "no", "unknown"};

	json_array(json, "findings");
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];
		const struct pci_device *device = result->hops[finding->hop].device;

		json_object(json, NULL);
		json_string(json, "reason", atomic_reason_name(finding->reason));
		json_string(json, "effect", effects[atomic_reason_effect(finding->reason)]);
		if (device)
			json_address(json, "device", device);
		json_end(json);
	}
	json_end(json);
}

static void json_requester(struct json *json, const struct atomic_report *report,
			   const struct pci_device *device, struct atomic_result *result)
{
	if (atomic_ops_evaluate(device, ATOMIC_ALL, result) != 0)
		return;
	atomic_ops_ask_platform(result);
	json_object(json, NULL);
	json_address(json, "device", device);
	json_format(json, "id", "%04x:%04x", device->vendor, device->device);
	json_string(json, "kind", pci_port_type_name(device));
	json_verdicts(json, result);
	json_bool(json, "virtual", atomic_report_is_virtual(report, result));
	if (device->physical_function)
		json_address(json, "physical_function", device->physical_function);
	json_findings(json, result);
	json_hops(json, result);
	json_end(json);
}

static void json_slots(struct json *json, const struct atomic_report *report,
		       struct atomic_result *result)
{
	const struct pci_device *port;

	json_array(json, "slots");
	pci_for_each_device (port, report->fabric) {
		if (!atomic_report_is_slot(port) ||
		    atomic_ops_evaluate_slot(port, ATOMIC_ALL, result) != 0)
			continue;
		json_object(json, NULL);
		json_address(json, "port", port);
		if (port->first_child)
			json_address(json, "now", port->first_child);
		json_verdicts(json, result);
		json_findings(json, result);
		json_end(json);
	}
	json_end(json);
}

int atomic_report_print_json(const struct atomic_report *report, const struct pci_device *only)
{
	struct atomic_result *result = kmem_alloc(sizeof(*result));
	const struct pci_device *device;
	struct json json;

	if (!result) {
		print("atomics: out of memory\n");
		return -ENOMEM;
	}
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "v", 1);
	json_string(&json, "firmware", report->firmware);
	json_string(&json, "access", report->access);
	json_bool(&json, "hypervisor", report->hypervisor);
	json_array(&json, "requesters");
	pci_for_each_device (device, report->fabric) {
		if (only ? device == only : atomic_report_is_requester(device))
			json_requester(&json, report, device, result);
	}
	json_end(&json);
	if (!only)
		json_slots(&json, report, result);
	json_finish(&json);
	kmem_free(result);
	return 0;
}

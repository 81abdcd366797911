// SPDX-License-Identifier: MIT
/*
 * The report (spec-pci-atomicops 15.3). Each fact is written once, by put(): behind its label
 * in the text, under its key in the line of JSON.
 */
#include <tools/pci/atomic_report.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/format.h>
#include <kernel/json.h>
#include <kernel/kmem.h>
#include <kernel/log.h>
#include <tools/pci/atomic_words.h>
#include <tools/pci/names.h>
#include <tools/pci/regs.h>
#include <string.h>

#define SIGN(value, bit) ((value) & (bit) ? '+' : '-')

static const struct {
	uint32_t bit;
	const char *key;
	const char *label;
} sizes[] = {{ATOMIC_32, "r32", "  32-bit "},
	     {ATOMIC_64, "r64", "  64-bit "},
	     {ATOMIC_128, "r128", "  128-bit "}};

struct writer {
	const struct atomic_report *report;
	struct json *json; /* NULL: text */
};

/* A fact; without a label only in JSON, without a key only in the text. Blanks that fill a
 * column are no part of the fact. */
PRINTF_LIKE(4, 5)
static void put(struct writer *w, const char *key, const char *label, const char *pattern, ...)
{
	char value[128];
	size_t length;
	va_list args;

	va_start(args, pattern);
	format_va(value, sizeof(value), pattern, args);
	va_end(args);
	if (!w->json && label)
		print("%s%s", label, value);
	if (!w->json || !key)
		return;
	for (length = strlen(value); length > 0 && value[length - 1] == ' ';)
		value[--length] = '\0';
	json_string(w->json, key, value);
}

static void put_address(struct writer *w, const char *key, const char *label,
			const struct pci_device *device, int width)
{
	char text[PCI_ADDRESS_TEXT];

	if (device)
		put(w, key, label, "%-*s", width, pci_address_format(device->address, text));
}

static const char *verdict_name(const struct atomic_result *result, uint32_t size)
{
	static const char *const names[] = {"YES", "NO", "UNKNOWN"};

	return names[atomic_result_verdict(result, size)];
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

/* A hypervisor is known, or a root port of QEMU (two models) or VMware is on the way. */
static bool is_virtual(const struct atomic_report *report, const struct atomic_result *result)
{
	for (unsigned i = 1; i < result->hop_count; i++) {
		const struct pci_device *device = result->hops[i].device;
		uint32_t id = (uint32_t)device->vendor << 16 | device->device;

		if (id == 0x1b36000c || id == 0x80863420 || id == 0x15ad07a0)
			return true;
	}
	return report->hypervisor;
}

static bool judge_slot(const struct pci_device *port, uint32_t mask,
		       struct atomic_result *result)
{
	return atomic_report_is_slot(port) && atomic_ops_evaluate_slot(port, mask, result) == 0;
}

/*
 * What was found with at least this effect, in hop order, at one hop or (ALL_HOPS) anywhere:
 * `first` stands before the first one, `next` before the others, and `place` ("@" or
 * " at hop ") before where it was; NULL: not said. False when there is nothing.
 */
#define ALL_HOPS UINT32_MAX
static bool print_findings(const struct atomic_result *result, enum atomic_effect least,
			   unsigned hop, const char *first, const char *next, const char *place)
{
	char address[PCI_ADDRESS_TEXT];
	bool any = false;

	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];
		const struct pci_device *device = result->hops[finding->hop].device;

		if (atomic_effects[finding->reason] < least ||
		    (hop != ALL_HOPS && hop != finding->hop))
			continue;
		print("%s%s", any ? next : first, atomic_words[finding->reason].name);
		if (place && place[0] != '@')
			print("%s%u", place, finding->hop);
		else if (place && device)
			print("%s%s", place, pci_address_format(device->address, address));
		any = true;
	}
	return any;
}

/* The worst that was found at a hop. */
static enum atomic_effect hop_effect(const struct atomic_result *result, unsigned hop)
{
	enum atomic_effect worst = ATOMIC_EFFECT_NONE;

	for (unsigned i = 0; i < result->finding_count; i++) {
		if (result->findings[i].hop == hop)
			worst = MAX(worst, atomic_effects[result->findings[i].reason]);
	}
	return worst;
}

static enum atomic_effect worst_effect(const struct atomic_result *result)
{
	return result->no        ? ATOMIC_EFFECT_NO
	       : result->unknown ? ATOMIC_EFFECT_UNKNOWN
				 : ATOMIC_EFFECT_NONE;
}

static void write_findings(struct writer *w, const struct atomic_result *result)
{
	static const char *const effects[] = {"none", "confirmed", "unknown", "no"};

	json_array(w->json, "findings");
	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];

		json_object(w->json, NULL);
		put(w, "reason", NULL, "%s", atomic_words[finding->reason].name);
		put(w, "effect", NULL, "%s", effects[atomic_effects[finding->reason]]);
		put_address(w, "device", NULL, result->hops[finding->hop].device, 0);
		json_end(w->json);
	}
	json_end(w->json);
}

static void write_requester(struct writer *w, const struct atomic_result *result)
{
	const struct atomic_hop *hop = &result->hops[0];
	const struct pci_device *device = hop->device, *pf = device->physical_function;
	char class[PCI_NAME_TEXT], type[PCI_NAME_TEXT];
	uint32_t command = pci_get(device, PCI_REG_COMMAND, 2), control = 0xffff;

	put_address(w, "device", "\nREQUESTER ", device, 13);
	put(w, "id", " ", "%04x:%04x", device->vendor, device->device);
	put(w, "class", "  ", "%s", pci_class_name(device->class_code, class));
	put(w, "kind", ", ", "%s", pci_port_type_name(device, type));
	if (device->express)
		put(w, "version", " v", "%u", device->express_version);
	if (hop->has_registers && !pf)
		put(w, "reqen", ", ReqEn=", "%u", !!(hop->control2 & PCI_EXP_REQUESTER));
	if (command != 0xffff)
		put(w, "bus_master", ", BusMaster=", "%u", !!(command & PCI_COMMAND_MASTER));
	if (!pf)
		return;
	/* The setting that governs a virtual function is its physical function's. */
	if (pf->express_version >= 2)
		control = pci_get(pf, pf->express + PCI_EXP_DEVCTL2, 2);
	put_address(w, "physical_function", "\n governed by its physical function ", pf, 0);
	put(w, "physical_reqen", ", ReqEn=", "%s",
	    control == 0xffff             ? "unknown, it cannot be read"
	    : control & PCI_EXP_REQUESTER ? "1"
					  : "0");
}

static const char *need_of(const struct pci_device *device)
{
	if (!device->express)
		return "PCI Express";
	if (device->port_type == PCI_TYPE_ROOT_PORT)
		return "complete 32 64 128";
	return device->port_type == PCI_TYPE_UPSTREAM_PORT ? "routing, egress open" : "routing";
}

static void write_registers(struct writer *w, const struct atomic_hop *hop, bool first)
{
	char has[56] = "no such register read";
	uint32_t cap = hop->capabilities2;

	if (hop->has_registers && (first || hop->device->port_type == PCI_TYPE_ROOT_PORT))
		format(has, sizeof(has), "DevCap2=%08x 32%c 64%c 128%c%s", (unsigned)cap,
		       SIGN(cap, ATOMIC_32), SIGN(cap, ATOMIC_64), SIGN(cap, ATOMIC_128),
		       first ? " (its own memory)" : "");
	else if (hop->has_registers)
		format(has, sizeof(has), "DevCap2=%08x routing%c eb%c", (unsigned)cap,
		       SIGN(cap, PCI_EXP_ROUTING), SIGN(hop->control2, PCI_EXP_EGRESS_BLOCK));
	put(w, "has", " ", "%-44s", has);
	if (!hop->has_registers)
		return;
	put(w, "devcap2", NULL, "%08x", (unsigned)cap);
	put(w, "devctl2", NULL, "%04x", hop->control2);
}

static void write_hops(struct writer *w, const struct atomic_result *result)
{
	static const char *const verdicts[] = {"ok", "ok", "UNKNOWN", "BLOCKS"};
	char type[PCI_NAME_TEXT];

	if (w->json)
		json_array(w->json, "hops");
	put(w, NULL, "", " %3s %-13s %-19s %-22s %-44s %s\n", "hop", "device", "kind",
	    "must have", "has (register)", "verdict");
	for (unsigned i = 0; i < result->hop_count; i++) {
		const struct pci_device *device = result->hops[i].device;

		if (w->json)
			json_object(w->json, NULL);
		put(w, "hop", " ", "%3u", i);
		put_address(w, "device", " ", device, 13);
		put(w, "kind", " ", "%-19s", pci_port_type_name(device, type));
		put(w, "must", " ", "%-22s", i > 0 ? need_of(device) : "-");
		write_registers(w, &result->hops[i], i == 0);
		put(w, "verdict", " ", "%s", verdicts[hop_effect(result, i)]);
		if (w->json)
			json_end(w->json);
		else
			print_findings(result, ATOMIC_EFFECT_NONE, i, " ", " ", NULL);
		put(w, NULL, "\n", "%s", "");
	}
	if (w->json)
		json_end(w->json);
}

/* Each sentence once, in hop order. */
static void print_meaning(const struct atomic_result *result)
{
	for (unsigned i = 0; i < result->finding_count; i++) {
		enum atomic_reason reason = result->findings[i].reason;
		const char *text = atomic_words[reason].text;
		unsigned same = 0;

		while (strcmp(atomic_words[result->findings[same].reason].text, text))
			same++;
		if (same == i && atomic_effects[reason] != ATOMIC_EFFECT_NONE)
			print(" meaning  %s\n", text);
	}
	if (worst_effect(result) == ATOMIC_EFFECT_NONE)
		print(" meaning  Every register on the path says yes. Whether the device ever "
		      "sends AtomicOps, PCI Express does not tell.\n");
}

static const char *occupant(const struct pci_device *port, char text[PCI_ADDRESS_TEXT])
{
	const struct pci_device *child = pci_first_child(port);

	return child ? pci_address_format(child->address, text) : "empty";
}

/* Slots where 32 and 64 bits would work, at most a handful. */
static void print_try(const struct atomic_report *report, struct atomic_result *scratch)
{
	const struct pci_device *port;
	char address[PCI_ADDRESS_TEXT], in_it[PCI_ADDRESS_TEXT];
	unsigned shown = 0;

	pci_for_each_device (port, report->fabric) {
		if (shown < 4 && judge_slot(port, ATOMIC_32 | ATOMIC_64, scratch) &&
		    atomic_result_verdict(scratch, scratch->mask) == ATOMIC_YES)
			print("%s%s (%s)", shown++ ? ", " : " try      a slot directly below: ",
			      pci_address_format(port->address, address),
			      occupant(port, in_it));
	}
	print(shown ? "\n"
		    : " try      No slot of this machine completes AtomicOps to memory; "
		      "firmware "
		      "set-up or another board may.\n");
}

/* What only people read: the causes before the hops, advice and the LINE after them. */
static void print_causes(const struct atomic_result *result)
{
	enum atomic_effect worst = worst_effect(result);

	if (worst != ATOMIC_EFFECT_NONE)
		print_findings(result, worst, ALL_HOPS, "   first cause: ", ", ", " at hop ");
	print("\n");
	print_meaning(result);
}

static void print_advice(const struct writer *w, const struct atomic_result *result,
			 struct atomic_result *scratch)
{
	const struct pci_device *device = result->hops[0].device;
	char address[PCI_ADDRESS_TEXT];

	if (is_virtual(w->report, result))
		print(" note     Virtual machine: this is the hypervisor's statement, not the "
		      "board's. Known to help: a root port of its own above the device, a "
		      "single function at function 0, QEMU 8.1 or later.\n");
	if ((result->no & (ATOMIC_32 | ATOMIC_64)) && device->express &&
	    !device->physical_function)
		print_try(w->report, scratch);
	print("LINE     v=1 dev=%s", pci_address_format(device->address, address));
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		print(" %s=%s", sizes[i].key, verdict_name(result, sizes[i].bit));
	if (!print_findings(result, ATOMIC_EFFECT_CONFIRMED, ALL_HOPS, " why=", ",", "@"))
		print(" why=-");
	print("\n");
}

static void write_block(struct writer *w, const struct atomic_result *result,
			struct atomic_result *scratch)
{
	if (w->json)
		json_object(w->json, NULL);
	write_requester(w, result);
	put(w, NULL, "\n", " result");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		put(w, sizes[i].key, sizes[i].label, "%s", verdict_name(result, sizes[i].bit));
	if (w->json)
		write_findings(w, result);
	else
		print_causes(result);
	write_hops(w, result);
	if (!w->json) {
		print_advice(w, result, scratch);
		return;
	}
	json_bool(w->json, "virtual", is_virtual(w->report, result));
	json_end(w->json);
}

static void write_slot(struct writer *w, const struct atomic_result *result)
{
	const struct pci_device *port = result->hops[1].device, *child = pci_first_child(port);
	unsigned width = pci_get(port, port->express + PCI_EXP_LINK_CAP, 4) >> 4 & 0x3f;
	char link[8];

	if (w->json)
		json_object(w->json, NULL);
	put_address(w, "port", "         ", port, 13);
	format(link, sizeof(link), width % 0x3f ? "x%u" : "-", width);
	put(w, "link", " ", "%-5s", link);
	put_address(w, "now", " ", child, 13);
	if (!child)
		put(w, NULL, " ", "%-13s", "empty");
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		put(w, sizes[i].key, " ", "%-7s", verdict_name(result, sizes[i].bit));
	if (w->json) {
		write_findings(w, result);
		json_end(w->json);
	} else {
		print_findings(result, ATOMIC_EFFECT_UNKNOWN, ALL_HOPS, " ", " ", "@");
		print("\n");
	}
}

/* Things that decide nothing, each at the port it is about: hop 1 of its own slot. */
static void print_notes(const struct atomic_result *result)
{
	char address[PCI_ADDRESS_TEXT];

	for (unsigned i = 0; i < result->finding_count; i++) {
		const struct atomic_finding *finding = &result->findings[i];
		const struct atomic_words *words = &atomic_words[finding->reason];

		if (finding->hop == 1 && atomic_effects[finding->reason] == ATOMIC_EFFECT_NONE)
			print("NOTES    %s %s: %s\n", words->name,
			      pci_address_format(result->hops[1].device->address, address),
			      words->text);
	}
}

static void write_start(struct writer *w)
{
	const struct atomic_report *report = w->report;

	if (w->json) {
		json_start(w->json);
		json_object(w->json, NULL);
		json_number(w->json, "v", 1);
	}
	put(w, NULL, "QUIRE PCIe AtomicOps report 1", "%s", "");
	put(w, "firmware", "   firmware: ", "%s",
	    report->firmware[0] ? report->firmware : "not known");
	put(w, "access", "   access: ", "%s", report->access);
	put(w, "hypervisor", "   hypervisor: ", "%s",
	    report->hypervisor ? "present" : "none seen");
	put(w, NULL, "\n", "%s", "");
}

static void write_requesters(struct writer *w, const struct pci_device *only,
			     struct atomic_result *results)
{
	const struct pci_device *device;
	unsigned others = 0;

	if (w->json)
		json_array(w->json, "requesters");
	pci_for_each_device (device, w->report->fabric) {
		if (only ? device != only : !atomic_report_is_requester(device)) {
			others++;
		} else if (atomic_ops_evaluate(device, ATOMIC_ALL, results) == 0) {
			atomic_ops_ask_platform(results);
			write_block(w, results, results + 1);
		}
	}
	if (w->json)
		json_end(w->json);
	if (!only)
		put(w, "others",
		    "\nOTHERS   functions that cannot request AtomicOps (ports, "
		    "bridges, conventional PCI): ",
		    "%u", others);
}

static void write_slots(struct writer *w, struct atomic_result *result)
{
	const struct pci_device *port;

	if (w->json)
		json_array(w->json, "slots");
	put(w, NULL, "\n\nSLOTS    ", "%-13s %-5s %-13s %-7s %-7s %-7s %s\n", "port", "link",
	    "now", "32", "64", "128", "why not");
	pci_for_each_device (port, w->report->fabric) {
		if (judge_slot(port, ATOMIC_ALL, result))
			write_slot(w, result);
	}
	pci_for_each_device (port, w->report->fabric) {
		if (!w->json && judge_slot(port, ATOMIC_ALL, result))
			print_notes(result);
	}
}

int atomic_report_print(const struct atomic_report *report, const struct pci_device *only,
			bool as_json)
{
	struct atomic_result *results = kmem_alloc(2 * sizeof(*results));
	struct json json;
	struct writer w = {report, as_json ? &json : NULL};

	if (!results) {
		print("atomics: out of memory\n");
		return -ENOMEM;
	}
	write_start(&w);
	write_requesters(&w, only, results);
	if (!only)
		write_slots(&w, results);
	if (as_json)
		json_finish(&json);
	kmem_free(results);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * The path check. Every function here looks at one stop of the way and adds what it finds; none
 * stops at the first finding, so that the report can name all causes. A register of all ones
 * has reserved-zero bits set and means "cannot be read", never "has every feature".
 */
#include <pci/atomic_ops.h>
#include <errno.h>

#define UNREADABLE 0xffffffffu

#define EFFECT(name, effect) ATOMIC_EFFECT_##effect,
const enum atomic_effect atomic_effects[] = {ATOMIC_REASONS(EFFECT)};

static void add_finding(struct atomic_result *result, enum atomic_reason reason, uint32_t sizes)
{
	enum atomic_effect effect = atomic_effects[reason];

	if (effect == ATOMIC_EFFECT_NO)
		result->no |= sizes;
	if (effect == ATOMIC_EFFECT_UNKNOWN)
		result->unknown |= sizes;
	if (result->finding_count < ATOMIC_FINDINGS_MAX)
		result->findings[result->finding_count++] = (struct atomic_finding){
			reason, result->hop_count ? result->hop_count - 1 : 0};
}

static void find(struct atomic_result *result, enum atomic_reason reason)
{
	add_finding(result, reason, result->mask);
}

static struct atomic_hop *add_hop(struct atomic_result *result, const struct pci_device *device)
{
	struct atomic_hop *hop = &result->hops[result->hop_count++];

	*hop = (struct atomic_hop){.device = device};
	return hop;
}

/* Does the function still answer? Where a paste shows no ids they are all ones; the class never
 * is, and a virtual function is refused whatever it says. */
static bool answers(const struct pci_device *device)
{
	return device->readability == PCI_READABLE &&
	       (device->physical_function || pci_get(device, PCI_REG_CLASS, 4) != UNREADABLE);
}

/* Both registers of a function with capability version 2; false when not to be believed. */
static bool read_registers(struct atomic_hop *hop)
{
	const struct pci_device *device = hop->device;
	unsigned base = device->express;

	hop->capabilities2 = pci_get(device, base + PCI_EXP_DEVCAP2, 4);
	hop->control2 = (uint16_t)pci_get(device, base + PCI_EXP_DEVCTL2, 2);
	hop->has_registers = hop->capabilities2 != UNREADABLE && hop->control2 != 0xffff;
	return hop->has_registers;
}

static bool is_endpoint(const struct pci_device *device)
{
	return device->port_type == PCI_TYPE_ENDPOINT ||
	       device->port_type == PCI_TYPE_LEGACY_ENDPOINT;
}

/* Section 8.2. Its own completer bits are about its own memory and never looked at. */
static void check_requester(struct atomic_result *result, const struct pci_device *device)
{
	struct atomic_hop *hop = add_hop(result, device);

	if (!answers(device)) {
		find(result, ATOMIC_REQ_UNREADABLE);
		return;
	}
	if (device->physical_function)
		find(result, ATOMIC_REQ_VF);
	else if (!device->express)
		find(result, ATOMIC_REQ_NOT_PCIE);
	else if (device->port_type == PCI_TYPE_INTEGRATED_ENDPOINT)
		find(result, ATOMIC_REQ_RCIEP);
	else if (!is_endpoint(device))
		find(result, ATOMIC_REQ_TYPE);
	else if (device->express_version < 2)
		find(result, ATOMIC_REQ_CAP_V1);
	if (device->express && device->express_version >= 2 && !read_registers(hop) &&
	    is_endpoint(device))
		find(result, ATOMIC_REQ_UNREADABLE);
}

static void check_switch(struct atomic_result *result, struct atomic_hop *hop)
{
	bool upstream = hop->device->port_type == PCI_TYPE_UPSTREAM_PORT;

	if (hop->device->express_version < 2) {
		find(result, ATOMIC_HOP_CAP_V1);
		return;
	}
	if (!read_registers(hop)) {
		find(result, ATOMIC_HOP_UNREADABLE);
		return;
	}
	if (!(hop->capabilities2 & PCI_EXP_ROUTING))
		find(result, ATOMIC_HOP_NO_ROUTE);
	/* Requests to memory leave the switch through its upstream port; what a downstream port
	 * blocks travels the other way. */
	if (hop->control2 & PCI_EXP_EGRESS_BLOCK)
		find(result, upstream ? ATOMIC_HOP_EGRESS_BLOCK : ATOMIC_INFO_DP_EGRESS);
}

static void check_root_completer(struct atomic_result *result, const struct atomic_hop *hop)
{
	uint32_t missing = result->mask & ~hop->capabilities2;

	/* Three sizes in three neighbouring bits, three reasons in the same order. */
	for (unsigned i = 0; i < 3; i++) {
		if (missing & ATOMIC_32 << i)
			add_finding(result, ATOMIC_ROOT_NO_32 + i, ATOMIC_32 << i);
	}
	if (hop->control2 & PCI_EXP_EGRESS_BLOCK)
		find(result, ATOMIC_INFO_RP_EGRESS);
	if (hop->control2 & PCI_EXP_REQUESTER)
		find(result, ATOMIC_INFO_RP_REQEN);
	if (missing && (hop->capabilities2 & PCI_EXP_ROUTING))
		find(result, ATOMIC_INFO_RP_ROUTING);
}

/* Section 8.4. */
static void check_root_port(struct atomic_result *result, struct atomic_hop *hop)
{
	if (hop->device->parent)
		find(result, ATOMIC_HOP_ORDER);
	if (hop->device->express_version < 2)
		find(result, ATOMIC_ROOT_CAP_V1);
	else if (!read_registers(hop))
		find(result, ATOMIC_ROOT_UNREADABLE);
	else
		check_root_completer(result, hop);
}

/* The kind of hop that must come next; after something that is no switch port, anything may. */
enum expectation { EXPECT_DP_OR_RP, EXPECT_UP, EXPECT_ANY };

static void check_order(struct atomic_result *result, const struct pci_device *device,
			enum expectation *expect)
{
	bool upstream = device->port_type == PCI_TYPE_UPSTREAM_PORT;

	if ((*expect == EXPECT_UP && !upstream) || (*expect == EXPECT_DP_OR_RP && upstream))
		find(result, ATOMIC_HOP_ORDER);
	*expect = upstream ? EXPECT_DP_OR_RP : EXPECT_UP;
}

/* Section 8.3, one hop. True when it was the root port and the way ends. */
static bool check_hop(struct atomic_result *result, const struct pci_device *device,
		      enum expectation *expect)
{
	struct atomic_hop *hop = add_hop(result, device);
	bool root = device->express && device->port_type == PCI_TYPE_ROOT_PORT;
	bool readable = answers(device);

	if (!readable && (root || (device->readability != PCI_READABLE && !device->express &&
				   !device->parent))) {
		/* Unknown and the last before memory: whatever it is, it would have to
		 * complete. */
		find(result, ATOMIC_ROOT_UNREADABLE);
		return true;
	}
	if (readable && device->express &&
	    (root || device->port_type == PCI_TYPE_UPSTREAM_PORT ||
	     device->port_type == PCI_TYPE_DOWNSTREAM_PORT)) {
		check_order(result, device, expect);
		if (root)
			check_root_port(result, hop);
		else
			check_switch(result, hop);
		return root;
	}
	*expect = EXPECT_ANY;
	if (!readable)
		find(result, ATOMIC_HOP_UNREADABLE);
	else if (!device->express)
		find(result, ATOMIC_HOP_CONVENTIONAL);
	else if (device->port_type == PCI_TYPE_EXPRESS_TO_PCI ||
		 device->port_type == PCI_TYPE_PCI_TO_EXPRESS)
		find(result, ATOMIC_HOP_PCI_BRIDGE);
	else
		find(result, ATOMIC_HOP_TYPE);
	return false;
}

/* Did the way lead through this bus before? */
static bool was_here(const struct atomic_result *result, const struct pci_device *port)
{
	for (unsigned i = 1; i < result->hop_count; i++) {
		if (result->hops[i].device->secondary == port->secondary &&
		    port->secondary != 0)
			return true;
	}
	return false;
}

/* From `port` up. True when the way ended at a root port or in a loop. */
static bool walk_to_root(struct atomic_result *result, const struct pci_device *port,
			 bool gap_below)
{
	enum expectation expect = EXPECT_DP_OR_RP;

	for (; port; port = port->parent) {
		if (result->hop_count == ATOMIC_HOPS_MAX || was_here(result, port)) {
			find(result, ATOMIC_HOP_LOOP);
			return true;
		}
		if (gap_below) {
			find(result, ATOMIC_HOP_MISSING);
			expect = EXPECT_ANY;
		}
		if (check_hop(result, port, &expect))
			return true;
		gap_below = port->parent_by_range;
	}
	return false;
}

static int begin(struct atomic_result *result, uint32_t mask)
{
	result->mask = mask;
	result->no = result->unknown = 0;
	result->hop_count = result->finding_count = 0;
	if (mask != 0 && (mask & ~ATOMIC_ALL) == 0)
		return 0;
	find(result, ATOMIC_ARG_MASK);
	return -EINVAL;
}

/* Enabled although not confirmed: by firmware, a driver or a hypervisor. */
static void check_already_enabled(struct atomic_result *result)
{
	const struct atomic_hop *hop = &result->hops[0];

	if (hop->device->physical_function || !hop->has_registers ||
	    !(hop->control2 & PCI_EXP_REQUESTER) || !(result->no | result->unknown) ||
	    result->finding_count == ATOMIC_FINDINGS_MAX)
		return;
	result->findings[result->finding_count++] =
		(struct atomic_finding){ATOMIC_INFO_REQEN_MISMATCH, 0};
}

int atomic_ops_evaluate(const struct pci_device *requester, uint32_t mask,
			struct atomic_result *result)
{
	int error = begin(result, mask);

	if (error != 0)
		return error;
	check_requester(result, requester);
	/* Only of an endpoint is a root port expected above. */
	if (!walk_to_root(result, requester->parent, requester->parent_by_range) &&
	    (requester->readability != PCI_READABLE ||
	     (requester->express && is_endpoint(requester)) || requester->parent))
		find(result, ATOMIC_ROOT_HIDDEN);
	check_already_enabled(result);
	return 0;
}

int atomic_ops_evaluate_slot(const struct pci_device *port, uint32_t mask,
			     struct atomic_result *result)
{
	int error = begin(result, mask);

	if (error != 0)
		return error;
	add_hop(result, NULL);
	if (!walk_to_root(result, port, false))
		find(result, ATOMIC_ROOT_HIDDEN);
	return 0;
}

enum atomic_verdict atomic_result_verdict(const struct atomic_result *result, uint32_t mask)
{
	if (result->no & mask)
		return ATOMIC_NO;
	return (result->unknown & mask) || (mask & ~result->mask) ? ATOMIC_UNKNOWN : ATOMIC_YES;
}

// SPDX-License-Identifier: MIT
/*
 * The path check on machines no emulator offers: rows of spec-pci-atomicops section 16 about
 * evaluation. Enabling is in atomic_enable_test.c.
 */
#include <tests/pci/topology.h>
#include <errno.h>
#include <kernel/kmem.h>
#include <pci/enumerate.h>
#include <string.h>
#include <tests/test.h>

#define R_32_64  (ATOMIC_32 | ATOMIC_64)
#define ROUTE    TOPOLOGY_ROUTE
#define BLOCK    PCI_EXP_EGRESS_BLOCK
#define ALL_ONES 0xffffffffu

struct path {
	struct pci_image_function *root;
	struct pci_image_function *up;
	struct pci_image_function *down;
	struct pci_image_function *endpoint;
};

/* EP - DP - UP - RP. */
static struct path switch_path(struct topology *t, uint32_t completers,
			       uint32_t up_capabilities, uint32_t down_capabilities)
{
	struct path p;

	p.root = topology_root_port(t, DEVFN(1, 0), completers);
	p.down = topology_switch(t, p.root, up_capabilities, down_capabilities, &p.up);
	p.endpoint = topology_endpoint(t, p.down);
	return p;
}

TEST(pci_atomics, A_T2_size_the_root_lacks_is_refused_alone)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_128), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_ROOT_NO_128, root));
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_32), ATOMIC_YES);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_YES);
	CHECK_EQ(topology_causes(t), 1);
	topology_free(t);
}

TEST(pci_atomics, A_T6_downstream_port_that_does_not_route_is_named)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, 0);

	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_NO_ROUTE, p.down));
	CHECK(!topology_found(t, ATOMIC_HOP_NO_ROUTE, p.up));
	topology_free(t);
}

TEST(pci_atomics, A_T7_upstream_port_that_does_not_route_is_named)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, 0, ROUTE);

	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_NO_ROUTE, p.up));
	CHECK(!topology_found(t, ATOMIC_HOP_NO_ROUTE, p.down));
	topology_free(t);
}

TEST(pci_atomics, A_T8_egress_blocking_upstream_port_is_decisive)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, ROUTE);

	topology_set_control2(p.up, BLOCK);
	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_EGRESS_BLOCK, p.up));
	topology_free(t);
}

TEST(pci_atomics, A_T9_egress_blocking_downstream_port_is_harmless)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, ROUTE);

	topology_set_control2(p.down, BLOCK);
	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_YES);
	CHECK(topology_found(t, ATOMIC_INFO_DP_EGRESS, p.down));
	topology_free(t);
}

TEST(pci_atomics, A_T10_root_port_control_bits_are_harmless)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_control2(root, BLOCK | PCI_EXP_REQUESTER);
	CHECK_EQ(topology_verdict(t, endpoint, R_32_64), ATOMIC_YES);
	CHECK(topology_found(t, ATOMIC_INFO_RP_EGRESS, root));
	CHECK(topology_found(t, ATOMIC_INFO_RP_REQEN, root));
	topology_free(t);
}

TEST(pci_atomics, A_T11_root_port_routing_does_not_complete)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ROUTE);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_ROOT_NO_32, root));
	CHECK(topology_found(t, ATOMIC_INFO_RP_ROUTING, root));
	topology_free(t);
}

TEST(pci_atomics, A_T12_all_causes_are_listed_in_hop_order)
{
	static const enum atomic_reason expected[] = {
		ATOMIC_HOP_NO_ROUTE, ATOMIC_HOP_NO_ROUTE, ATOMIC_HOP_EGRESS_BLOCK,
		ATOMIC_ROOT_NO_32,   ATOMIC_ROOT_NO_64,   ATOMIC_ROOT_NO_128,
	};
	static const unsigned hops[] = {1, 2, 2, 3, 3, 3};
	struct topology *t = topology_new();
	struct path p = switch_path(t, 0, 0, 0);

	topology_set_control2(p.up, BLOCK);
	CHECK_EQ(topology_verdict(t, p.endpoint, ATOMIC_ALL), ATOMIC_NO);
	REQUIRE(t->result.finding_count == ARRAY_SIZE(expected));
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		CHECK_EQ(t->result.findings[i].reason, expected[i]);
		CHECK_EQ(t->result.findings[i].hop, hops[i]);
	}
	topology_free(t);
}

TEST(pci_atomics, A_T14_lower_of_two_switches_is_named)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *upper, *up;
	struct pci_image_function *down = topology_switch(t, root, ROUTE, ROUTE, &upper);
	struct pci_image_function *endpoint;

	down = topology_switch(t, down, ROUTE, ROUTE, &up);
	endpoint = topology_endpoint(t, down);
	topology_set_control2(up, BLOCK);
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_EGRESS_BLOCK, up));
	CHECK(!topology_found(t, ATOMIC_HOP_EGRESS_BLOCK, upper));
	CHECK_EQ(topology_causes(t), 1);
	topology_free(t);
}

TEST(pci_atomics, A_T15_sibling_of_an_upstream_port_does_not_cross_the_switch)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *zero =
		topology_express(t, root, 0, PCI_TYPE_LEGACY_ENDPOINT, 0);
	struct pci_image_function *up =
		topology_express(t, root, DEVFN(0, 2), PCI_TYPE_UPSTREAM_PORT, 0);
	struct pci_image_function *down =
		topology_express(t, up, DEVFN(0, 0), PCI_TYPE_DOWNSTREAM_PORT, ROUTE);
	struct pci_image_function *below = topology_endpoint(t, down);

	topology_express(t, root, DEVFN(0, 1), PCI_TYPE_LEGACY_ENDPOINT, 0);
	CHECK_EQ(topology_verdict(t, zero, R_32_64), ATOMIC_YES);
	CHECK_EQ(topology_verdict(t, below, R_32_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_NO_ROUTE, up));
	topology_free(t);
}

TEST(pci_atomics, A_T18_endpoint_on_a_root_bus_is_unknown)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint =
		topology_express(t, NULL, DEVFN(3, 0), PCI_TYPE_ENDPOINT, 0);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_64), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_ROOT_HIDDEN, endpoint));
	topology_free(t);
}

TEST(pci_atomics, A_T21_completer_bits_of_an_upstream_port_are_not_the_root)
{
	struct topology *t = topology_new();
	struct pci_image_function *up = topology_express(
		t, NULL, DEVFN(1, 0), PCI_TYPE_UPSTREAM_PORT, ROUTE | ATOMIC_ALL);
	struct pci_image_function *down =
		topology_express(t, up, DEVFN(0, 0), PCI_TYPE_DOWNSTREAM_PORT, ROUTE);
	struct pci_image_function *endpoint = topology_endpoint(t, down);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_64), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_ROOT_HIDDEN, up));
	topology_free(t);
}

TEST(pci_atomics, A_T22_definite_no_beats_a_hidden_root)
{
	struct topology *t = topology_new();
	struct pci_image_function *up =
		topology_express(t, NULL, DEVFN(1, 0), PCI_TYPE_UPSTREAM_PORT, ROUTE);
	struct pci_image_function *down =
		topology_express(t, up, DEVFN(0, 0), PCI_TYPE_DOWNSTREAM_PORT, 0);
	struct pci_image_function *endpoint = topology_endpoint(t, down);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_NO_ROUTE, down));
	CHECK(atomic_result_has(&t->result, ATOMIC_ROOT_HIDDEN, NULL));
	topology_free(t);
}

TEST(pci_atomics, A_T26_root_port_of_version_1_is_a_no)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_version(root, 1);
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_ROOT_CAP_V1, root));
	CHECK(!pci_image_was_read(root, TOPOLOGY_DEVCAP2, 8));
	topology_free(t);
}

TEST(pci_atomics, A_T27_bridge_between_express_and_pci_stops_them)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *bridge =
		topology_express(t, root, 0, PCI_TYPE_EXPRESS_TO_PCI, ROUTE);
	struct pci_image_function *endpoint = topology_endpoint(t, bridge);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_PCI_BRIDGE, bridge));
	topology_free(t);
}

TEST(pci_atomics, A_T28_conventional_function_behind_a_bridge_has_both_reasons)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *bridge =
		topology_express(t, root, 0, PCI_TYPE_EXPRESS_TO_PCI, 0);
	struct pci_image_function *function = topology_conventional(t, bridge, DEVFN(1, 0));

	CHECK_EQ(topology_verdict(t, function, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_REQ_NOT_PCIE, function));
	CHECK(topology_found(t, ATOMIC_HOP_PCI_BRIDGE, bridge));
	topology_free(t);
}

TEST(pci_atomics, A_T29_both_bridges_of_a_conventional_detour_are_named)
{
	struct topology *t = topology_new();
	struct pci_image_function *conventional =
		topology_conventional_bridge(t, NULL, DEVFN(1, 0));
	struct pci_image_function *bridge =
		topology_express(t, conventional, 0, PCI_TYPE_PCI_TO_EXPRESS, 0);
	struct pci_image_function *endpoint = topology_endpoint(t, bridge);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_PCI_BRIDGE, bridge));
	CHECK(topology_found(t, ATOMIC_HOP_CONVENTIONAL, conventional));
	topology_free(t);
}

TEST(pci_atomics, A_T30_root_port_gone_after_enumeration_is_unreadable)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_device(t, endpoint);
	root->dead = true;
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_ROOT_UNREADABLE, root));
	CHECK_EQ(topology_causes(t), 1);
	topology_free(t);
}

TEST(pci_atomics, A_T31_all_ones_in_capabilities_2_are_not_all_features)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ALL_ONES);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_ROOT_UNREADABLE, root));
	topology_free(t);
}

TEST(pci_atomics, A_T32_unreadable_upstream_port_does_not_block_egress)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, ROUTE);

	topology_device(t, p.endpoint);
	p.up->dead = true;
	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_HOP_UNREADABLE, p.up));
	CHECK(!atomic_result_has(&t->result, ATOMIC_HOP_EGRESS_BLOCK, NULL));
	CHECK(!atomic_result_has(&t->result, ATOMIC_HOP_ORDER, NULL));
	topology_free(t);
}

TEST(pci_atomics, A_T33_root_without_completers_beats_an_unreadable_hop)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, 0, ROUTE, ROUTE);

	topology_device(t, p.endpoint);
	p.up->dead = true;
	CHECK_EQ(topology_verdict(t, p.endpoint, R_32_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_UNREADABLE, p.up));
	CHECK(topology_found(t, ATOMIC_ROOT_NO_32, p.root));
	CHECK(topology_found(t, ATOMIC_ROOT_NO_64, p.root));
	topology_free(t);
}

TEST(pci_atomics, A_T39_root_port_with_an_endpoint_header_is_no_requester)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(0, 0), ATOMIC_ALL);
	struct pci_image_function *other =
		topology_express(t, NULL, DEVFN(1, 0), PCI_TYPE_ENDPOINT, 0);

	pci_image_set(root, PCI_REG_HEADER, 1, 0);
	CHECK_EQ(topology_verdict(t, root, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_REQ_TYPE, root));
	CHECK(!atomic_result_has(&t->result, ATOMIC_ROOT_HIDDEN, NULL));
	CHECK(topology_device(t, other)->parent == NULL);
	topology_free(t);
}

TEST(pci_atomics, A_T40_ports_and_collectors_are_no_requesters)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, ATOMIC_ALL, ROUTE, ROUTE);
	struct pci_image_function *collector =
		topology_express(t, NULL, DEVFN(9, 0), PCI_TYPE_EVENT_COLLECTOR, ATOMIC_ALL);
	struct pci_image_function *all[] = {p.root, p.up, p.down, collector};

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		CHECK_EQ(topology_verdict(t, all[i], ATOMIC_32), ATOMIC_NO);
		CHECK(topology_found(t, ATOMIC_REQ_TYPE, all[i]));
	}
	topology_free(t);
}

TEST(pci_atomics, A_T44_capabilities_out_of_sight_are_unknown_not_absent)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	endpoint->size = 64; /* a dump made without privilege */
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_32), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_REQ_UNREADABLE, endpoint));
	CHECK(!atomic_result_has(&t->result, ATOMIC_REQ_NOT_PCIE, NULL));
	topology_free(t);
}

TEST(pci_atomics, switch_of_version_1_is_a_no)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, ATOMIC_ALL, ROUTE, ROUTE);

	topology_set_version(p.up, 1);
	CHECK_EQ(topology_verdict(t, p.endpoint, ATOMIC_ALL), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_CAP_V1, p.up));
	CHECK_EQ(topology_causes(t), 1);
	topology_free(t);
}

TEST(pci_atomics, ports_out_of_order_are_unknown)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *down =
		topology_express(t, root, 0, PCI_TYPE_DOWNSTREAM_PORT, ROUTE);
	struct pci_image_function *endpoint = topology_endpoint(t, down);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_HOP_ORDER, root));
	topology_free(t);
}

TEST(pci_atomics, root_port_below_another_port_is_out_of_order)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *second =
		topology_express(t, root, 0, PCI_TYPE_ROOT_PORT, ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, second);

	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_HOP_ORDER, second));
	topology_free(t);
}

TEST(pci_atomics, endpoint_type_in_a_bridge_is_a_no)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *strange =
		topology_express(t, root, 0, PCI_TYPE_EXPRESS_TO_PCI, 0);
	struct pci_image_function *endpoint = topology_endpoint(t, strange);

	pci_image_set(strange, TOPOLOGY_EXPRESS + PCI_EXP_FLAGS, 2, 0x0012);
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_TYPE, strange));
	topology_free(t);
}

TEST(pci_atomics, slot_of_an_empty_port_has_a_verdict)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, 0);
	struct pci_image_function *empty = topology_root_port(t, DEVFN(2, 0), ATOMIC_ALL);

	CHECK(atomic_ops_evaluate_slot(topology_device(t, empty), ATOMIC_ALL, &t->result) == 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_ALL), ATOMIC_YES);
	CHECK(atomic_ops_evaluate_slot(topology_device(t, p.down), ATOMIC_ALL, &t->result) ==
	      0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_32), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_HOP_NO_ROUTE, p.down));
	CHECK(topology_found(t, ATOMIC_ROOT_NO_128, p.root));
	topology_free(t);
}

/* Parents that form a ring can only come from a defect of ours; the walk still ends. */
TEST(pci_atomics, A_T41_parents_in_a_ring_end_the_walk)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, ATOMIC_ALL, ROUTE, ROUTE);
	struct pci_device *up = topology_device(t, p.up);

	up->parent = topology_device(t, p.down);
	CHECK_EQ(topology_verdict(t, p.endpoint, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(atomic_result_has(&t->result, ATOMIC_HOP_LOOP, NULL));
	topology_free(t);
}

TEST(pci_atomics, deepest_possible_chain_is_walked_completely)
{
	struct topology *t = topology_new();
	struct pci_image_function *port = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *up = NULL, *endpoint;

	for (unsigned i = 0; i < 127; i++)
		port = topology_switch(t, port, ROUTE, ROUTE, &up);
	endpoint = topology_endpoint(t, port);
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_YES);
	CHECK_EQ(t->result.hop_count, 256);
	topology_free(t);
}

TEST(pci_atomics, A_T58_evaluation_is_repeatable_and_writes_nothing)
{
	struct topology *t = topology_new();
	struct path p = switch_path(t, R_32_64, ROUTE, 0);
	struct pci_device *device = topology_device(t, p.endpoint);
	struct atomic_result *again = kmem_alloc(sizeof(*again));
	uint64_t writes = t->image.access.writes;

	REQUIRE(again != NULL);
	topology_verdict(t, p.endpoint, ATOMIC_ALL);
	for (unsigned i = 0; i < 1000; i++) {
		REQUIRE(atomic_ops_evaluate(device, ATOMIC_ALL, again) == 0);
		REQUIRE(again->no == t->result.no && again->unknown == t->result.unknown);
		REQUIRE(again->finding_count == t->result.finding_count);
		REQUIRE(memcmp(again->findings, t->result.findings,
			       again->finding_count * sizeof(again->findings[0])) == 0);
	}
	CHECK_EQ(t->image.access.writes, writes);
	kmem_free(again);
	topology_free(t);
}

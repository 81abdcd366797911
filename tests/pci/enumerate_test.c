// SPDX-License-Identifier: MIT
/*
 * Finding functions: order, ghosts, ARI, virtual functions, devices that are not ready, and bus
 * numbers that lie.
 */
#include <errno.h>
#include <kernel/fault.h>
#include <pci/enumerate.h>
#include <platform/clock.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define ROUTE TOPOLOGY_ROUTE

static unsigned count_on_bus(const struct pci_fabric *fabric, unsigned bus)
{
	struct pci_device *device;
	unsigned count = 0;

	pci_for_each_device (device, fabric)
		count += device->address.bus == bus;
	return count;
}

static void set_numbers(struct pci_image_function *bridge, unsigned primary, unsigned secondary,
			unsigned subordinate)
{
	pci_image_set(bridge, PCI_REG_BUS_NUMBERS, 1, primary);
	pci_image_set(bridge, PCI_REG_BUS_NUMBERS + 1, 1, secondary);
	pci_image_set(bridge, PCI_REG_BUS_NUMBERS + 2, 1, subordinate);
}

/* Two root ports, a switch with two ports below the second, an endpoint at each end. */
struct board {
	struct pci_image_function *first, *second, *up, *left, *right, *ends[3];
};

static struct board build_board(struct topology *t)
{
	struct board b;

	b.first = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	b.second = topology_root_port(t, DEVFN(2, 0), ATOMIC_ALL);
	b.left = topology_switch(t, b.second, ROUTE, ROUTE, &b.up);
	b.right = topology_express(t, b.up, DEVFN(5, 0), PCI_TYPE_DOWNSTREAM_PORT, ROUTE);
	b.ends[0] = topology_endpoint(t, b.first);
	b.ends[1] = topology_endpoint(t, b.left);
	b.ends[2] = topology_endpoint(t, b.right);
	return b;
}

/* The board numbered depth first: 1 | 2: 3: 4, 5. */
static void check_board(struct topology *t, const struct board *b)
{
	CHECK_EQ(t->fabric.device_count, 8);
	CHECK_EQ(topology_device(t, b->first)->secondary, 1);
	CHECK_EQ(topology_device(t, b->second)->secondary, 2);
	CHECK_EQ(topology_device(t, b->second)->subordinate, 5);
	CHECK_EQ(topology_device(t, b->left)->secondary, 4);
	CHECK_EQ(topology_device(t, b->right)->secondary, 5);
	CHECK_EQ(topology_device(t, b->ends[2])->address.bus, 5);
	CHECK(topology_device(t, b->ends[2])->parent == topology_device(t, b->right));
	CHECK(topology_device(t, b->right)->parent == topology_device(t, b->up));
	CHECK(topology_device(t, b->up)->parent == topology_device(t, b->second));
	CHECK(topology_device(t, b->second)->parent == NULL);
}

TEST(pci_enumerate, tree_of_trusted_numbers_is_found_without_a_write)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_number(t);
	topology_enumerate(t);
	check_board(t, &b);
	CHECK(!t->fabric.renumbered);
	CHECK_EQ(t->fabric.defect_count, 0);
	CHECK_EQ(t->image.access.writes, 0);
	topology_free(t);
}

TEST(pci_enumerate, enabling_a_device_opens_every_bridge_above_it)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	pci_image_set(b.up, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
	CHECK_EQ(pci_path_enable(topology_device(t, b.ends[2]), PCI_COMMAND_MASTER), 0);
	CHECK_EQ(pci_image_get(b.ends[2], PCI_REG_COMMAND, 2), PCI_COMMAND_MASTER);
	CHECK_EQ(pci_image_get(b.right, PCI_REG_COMMAND, 2), PCI_COMMAND_MASTER);
	CHECK_EQ(pci_image_get(b.up, PCI_REG_COMMAND, 2),
		 PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	CHECK_EQ(pci_image_get(b.second, PCI_REG_COMMAND, 2), PCI_COMMAND_MASTER);
	CHECK_EQ(pci_image_get(b.left, PCI_REG_COMMAND, 2), 0);
	CHECK_EQ(pci_image_get(b.first, PCI_REG_COMMAND, 2), 0);
	topology_free(t);
}

TEST(pci_enumerate, A_T47_unnumbered_machine_gets_depth_first_numbers)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_enumerate(t);
	check_board(t, &b);
	CHECK(t->fabric.renumbered);
	topology_free(t);
}

static bool two_segments(struct pci_access *access, unsigned index, struct pci_bus_range *range)
{
	(void)access;
	*range = (struct pci_bus_range){index, 0, 0xff};
	return index < 2;
}

static struct pci_image_function *bridge_of_segment_1(struct topology *t)
{
	struct pci_image_function *bridge =
		pci_image_add(&t->image, pci_address(1, 0, 1, 0), PCI_SPACE_CONVENTIONAL);
	struct pci_image_function *below;

	NEED(bridge, "out of memory");
	pci_image_set(bridge, PCI_REG_VENDOR, 4, 0x00021f01);
	pci_image_set(bridge, PCI_REG_HEADER, 1, 1);
	pci_image_set_writable(bridge, PCI_REG_BUS_NUMBERS, 4, 0xffffffff);
	below = pci_image_add_below(&t->image, bridge, 0, PCI_SPACE_CONVENTIONAL);
	NEED(below, "out of memory");
	pci_image_set(below, PCI_REG_VENDOR, 4, 0x00011f02);
	return bridge;
}

/* What firmware numbered in one segment is trusted, what it left in another is numbered; the
 * same bus number in both is two buses. */
TEST(pci_enumerate, segments_are_scanned_and_numbered_each_for_itself)
{
	struct topology *t = topology_new();
	struct pci_image_function *port = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_access_operations operations = *t->image.access.operations;
	struct pci_image_function *end = topology_endpoint(t, port), *bridge;
	struct pci_device *here, *there;

	topology_number(t);
	bridge = bridge_of_segment_1(t);
	operations.range = two_segments;
	t->image.access.operations = &operations;
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 4);
	CHECK_EQ(t->fabric.defect_count, 0);
	CHECK(t->fabric.renumbered);
	CHECK_EQ(port->writes + end->writes, 0);
	CHECK_EQ(pci_image_get(bridge, PCI_REG_BUS_NUMBERS, 4), 0x010100);
	here = pci_device_find(&t->fabric, pci_address(0, 1, 0, 0));
	there = pci_device_find(&t->fabric, pci_address(1, 1, 0, 0));
	REQUIRE(here && there && here->parent && there->parent);
	CHECK_EQ(here->parent->address.segment, 0);
	CHECK_EQ(there->parent->address.segment, 1);
	topology_free(t);
}

/* Every way in which firmware can lie about a bridge ends in fresh numbers, and is named. */
TEST(pci_enumerate, wrong_numbers_are_reported_and_replaced)
{
	static const struct {
		enum pci_defect_kind kind;
		uint8_t numbers[3];
	} lies[] = {
		{PCI_DEFECT_BRIDGE_PRIMARY, {7, 2, 5}},
		{PCI_DEFECT_BRIDGE_ORDER, {0, 5, 2}},
		{PCI_DEFECT_BRIDGE_OVERLAP, {0, 1, 5}},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
		struct topology *t = topology_new();
		struct board b = build_board(t);

		topology_number(t);
		set_numbers(b.second, lies[i].numbers[0], lies[i].numbers[1],
			    lies[i].numbers[2]);
		topology_enumerate(t);
		CHECK(pci_defect_seen(&t->fabric, lies[i].kind));
		CHECK(t->fabric.renumbered);
		check_board(t, &b);
		topology_free(t);
	}
}

TEST(pci_enumerate, range_outside_the_bridge_above_is_replaced)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_number(t);
	set_numbers(b.right, 3, 5, 9);
	topology_enumerate(t);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_RANGE));
	check_board(t, &b);
	topology_free(t);
}

TEST(pci_enumerate, A_T41_bridge_to_its_own_bus_ends_and_is_reported)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_number(t);
	set_numbers(b.up, 2, 2, 5);
	topology_enumerate(t);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_ORDER));
	check_board(t, &b);
	topology_free(t);
}

TEST(pci_enumerate, A_T41_two_bridges_to_one_bus_end_and_are_reported)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_number(t);
	set_numbers(b.right, 3, 4, 4);
	topology_enumerate(t);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_OVERLAP));
	check_board(t, &b);
	topology_free(t);
}

TEST(pci_enumerate, A_T41_bridges_that_are_each_others_parent_end_in_a_listing)
{
	struct topology *t = topology_new();
	struct pci_image_function *a, *b, *endpoint;

	pci_image_destroy(&t->image);
	pci_image_init(&t->image, true);
	a = pci_image_add(&t->image, pci_address(0, 1, 0, 0), PCI_SPACE_CONVENTIONAL);
	REQUIRE(a);
	b = pci_image_add(&t->image, pci_address(0, 2, 0, 0), PCI_SPACE_CONVENTIONAL);
	REQUIRE(b);
	endpoint = pci_image_add(&t->image, pci_address(0, 2, 1, 0), PCI_SPACE_CONVENTIONAL);
	REQUIRE(endpoint);
	pci_image_set(a, PCI_REG_VENDOR, 4, 0x11111111);
	pci_image_set(b, PCI_REG_VENDOR, 4, 0x22222222);
	pci_image_set(endpoint, PCI_REG_VENDOR, 4, 0x33333333);
	pci_image_set(a, PCI_REG_HEADER, 1, 1);
	pci_image_set(b, PCI_REG_HEADER, 1, 1);
	set_numbers(a, 1, 2, 2);
	set_numbers(b, 2, 1, 2);
	topology_enumerate(t);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_ORDER));
	CHECK(topology_device(t, b)->parent == topology_device(t, a));
	CHECK(topology_device(t, a)->parent == NULL);
	CHECK_EQ(topology_verdict(t, endpoint, ATOMIC_ALL), ATOMIC_NO);
	topology_free(t);
}

TEST(pci_enumerate, one_unconfigured_bridge_is_unreachable_not_renumbered)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	topology_number(t);
	set_numbers(b.right, 0, 0, 0);
	topology_enumerate(t);
	CHECK(!t->fabric.renumbered);
	CHECK(topology_device(t, b.right)->unreachable);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_UNCONFIGURED));
	CHECK_EQ(t->fabric.device_count, 7);
	topology_free(t);
}

TEST(pci_enumerate, bridge_that_takes_no_number_is_reported)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);

	pci_image_set_writable(b.up, PCI_REG_BUS_NUMBERS, 4, 0);
	topology_enumerate(t);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BRIDGE_STUCK));
	CHECK(topology_device(t, b.up)->unreachable);
	CHECK_EQ(topology_device(t, b.first)->secondary, 1);
	topology_free(t);
}

TEST(pci_enumerate, A_T49_bus_without_a_bridge_is_another_root)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);
	struct pci_image_function *port =
		pci_image_add(&t->image, pci_address(0, 0x40, 0, 0), PCI_SPACE_EXPRESS);
	struct pci_device *device;

	REQUIRE(port != NULL);
	memcpy(port->value, b.first->value, port->size);
	memcpy(port->writable, b.first->writable, port->size);
	topology_endpoint(t, port);
	topology_number(t);
	topology_enumerate(t);
	device = pci_device_find(&t->fabric, pci_address(0, 0x40, 0, 0));
	REQUIRE(device != NULL);
	CHECK(device->parent == NULL);
	CHECK_EQ(device->port_type, PCI_TYPE_ROOT_PORT);
	CHECK_EQ(t->fabric.device_count, 10);
	topology_free(t);
}

TEST(pci_enumerate, fresh_numbers_stay_below_the_next_root)
{
	struct topology *t = topology_new();
	struct pci_image_function *other =
		pci_image_add(&t->image, pci_address(0, 3, 7, 0), PCI_SPACE_EXPRESS);

	REQUIRE(other != NULL);
	pci_image_set(other, PCI_REG_VENDOR, 4, 0x11111111);
	build_board(t);
	topology_enumerate(t); /* needs buses 1 to 5, only 1 and 2 are free */
	CHECK(t->fabric.renumbered);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_BUS_NUMBERS));
	CHECK_EQ(count_on_bus(&t->fabric, 3), 1);
	CHECK(pci_device_find(&t->fabric, pci_address(0, 3, 7, 0))->vendor == 0x1111);
	topology_free(t);
}

TEST(pci_enumerate, link_has_one_device_and_the_rest_are_ghosts)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_express(t, root, DEVFN(1, 0), PCI_TYPE_ENDPOINT, 0);
	topology_express(t, root, DEVFN(31, 0), PCI_TYPE_ENDPOINT, 0);
	topology_device(t, endpoint);
	CHECK_EQ(count_on_bus(&t->fabric, 1), 1);
	topology_free(t);
}

TEST(pci_enumerate, functions_1_to_7_need_function_0_and_its_bit)
{
	struct topology *t = topology_new();
	struct pci_image_function *single = topology_conventional(t, NULL, DEVFN(3, 0));

	topology_conventional(t, NULL, DEVFN(3, 1));
	topology_conventional(t, NULL, DEVFN(4, 5)); /* no function 0 */
	topology_conventional(t, NULL, DEVFN(5, 0));
	topology_conventional(t, NULL, DEVFN(5, 6)); /* sparse */
	pci_image_set(single, PCI_REG_HEADER, 1, 0);
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 3);
	CHECK(pci_device_find(&t->fabric, pci_address(0, 0, 5, 6)) != NULL);
	topology_free(t);
}

static struct pci_image_function *add_ari_functions(struct topology *t,
						    struct pci_image_function *root)
{
	struct pci_image_function *zero = NULL;

	for (unsigned n = 0; n < 10; n++) {
		struct pci_image_function *function =
			topology_express(t, root, n, PCI_TYPE_ENDPOINT, 0);

		topology_add_extended(function, PCI_EXT_FIRST, PCI_EXT_ARI);
		pci_image_set(function, PCI_EXT_FIRST + PCI_ARI_NEXT, 1, n < 9 ? n + 1 : 0);
		zero = zero ? zero : function;
	}
	return zero;
}

TEST(pci_enumerate, A_T51_ari_chain_is_followed_when_the_port_forwards)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);

	add_ari_functions(t, root);
	topology_set_control2(root, PCI_EXP_ARI_FORWARD);
	topology_number(t);
	topology_enumerate(t);
	CHECK_EQ(count_on_bus(&t->fabric, 1), 10);
	topology_set_control2(root, 0);
	topology_enumerate(t);
	CHECK_EQ(count_on_bus(&t->fabric, 1), 8);
	topology_free(t);
}

TEST(pci_enumerate, ari_chain_that_goes_back_is_cut)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *zero = add_ari_functions(t, root);

	topology_set_control2(root, PCI_EXP_ARI_FORWARD);
	topology_number(t);
	pci_image_set(pci_image_find(&t->image, pci_address(0, 1, 0, 4)),
		      PCI_EXT_FIRST + PCI_ARI_NEXT, 1, 2);
	topology_device(t, zero);
	topology_enumerate(t);
	CHECK_EQ(count_on_bus(&t->fabric, 1), 5);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_ARI_CHAIN));
	topology_free(t);
}

/* Found on QEMU's NVMe controller below a port whose ARI forwarding OVMF switched on. */
TEST(pci_enumerate, ari_chain_may_end_at_a_virtual_function_that_is_off)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_control2(root, PCI_EXP_ARI_FORWARD);
	topology_add_extended(endpoint, PCI_EXT_FIRST, PCI_EXT_ARI);
	pci_image_set(endpoint, PCI_EXT_FIRST + PCI_ARI_NEXT, 1, 1);
	topology_number(t);
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 2);
	CHECK_EQ(t->fabric.defect_count, 0);
	topology_free(t);
}

#ifdef QUIRE_TEST_HOOKS
/* Every allocation of an enumeration fails once: what fitted is kept, nothing is lost. */
TEST(pci_enumerate, shortage_of_memory_is_told_and_leaves_a_sound_tree)
{
	struct topology *t = topology_new();
	struct pci_device *device;
	unsigned shortages = 0;

	build_board(t);
	topology_number(t);
	for (unsigned n = 1;; n++) {
		int error;

		fault_arm(n);
		error = pci_enumerate(&t->fabric);
		if (!fault_disarm())
			break;
		shortages++;
		REQUIRE(error == -ENOMEM);
		CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_NO_MEMORY));
		CHECK(t->fabric.device_count < 8);
		pci_for_each_device (device, &t->fabric)
			CHECK(atomic_ops_evaluate(device, ATOMIC_ALL, &t->result) == 0);
		pci_fabric_clear(&t->fabric);
		t->fabric.defect_count = 0;
	}
	CHECK_EQ(t->fabric.device_count, 8);
	CHECK(shortages >= 8);
	topology_free(t);
}
#endif

/* A physical function with `count` virtual ones declared. */
static struct pci_image_function *add_physical_function(struct topology *t, unsigned count,
							unsigned offset, unsigned stride)
{
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *pf = topology_endpoint(t, root);

	pci_image_set(pf, PCI_REG_HEADER, 1, 0);
	topology_add_extended(pf, PCI_EXT_FIRST, PCI_EXT_SRIOV);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_CONTROL, 2, PCI_SRIOV_ENABLE);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_TOTAL, 2, count);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_COUNT, 2, count);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_OFFSET, 2, offset);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_STRIDE, 2, stride);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_DEVICE, 2, 0xbeef);
	topology_number(t);
	return pf;
}

TEST(pci_enumerate, A_T52_virtual_functions_follow_from_offset_and_stride)
{
	struct topology *t = topology_new();
	struct pci_image_function *pf = add_physical_function(t, 16, 2, 1);
	struct pci_image_function *vf =
		pci_image_add(&t->image, pci_address(0, 1, 0, 3), PCI_SPACE_EXPRESS);
	struct pci_device *device;
	unsigned found = 0;

	REQUIRE(vf != NULL);
	pci_image_set(vf, PCI_REG_VENDOR, 4, 0xffffffff);
	topology_enumerate(t);
	CHECK_EQ(vf->was_read[PCI_REG_VENDOR], 0); /* presence is the owner's to tell */
	pci_for_each_device (device, &t->fabric) {
		if (!device->physical_function)
			continue;
		found++;
		CHECK_EQ(pci_address_routing_id(device->address), 0x100 + 1 + found);
		CHECK_EQ(device->device, 0xbeef);
		CHECK(device->physical_function == topology_device(t, pf));
		CHECK(device->parent == topology_device(t, pf)->parent);
	}
	CHECK_EQ(found, 16);
	topology_free(t);
}

TEST(pci_enumerate, A_T52_virtual_functions_cross_to_the_next_bus)
{
	struct topology *t = topology_new();
	struct pci_image_function *pf;
	struct pci_device *device;
	unsigned on_next = 0;

	pf = add_physical_function(t, 16, 0xf8, 1);
	pci_image_set(pf->bridge, PCI_REG_BUS_NUMBERS + 2, 1, 2);
	topology_enumerate(t);
	pci_for_each_device (device, &t->fabric)
		on_next += device->address.bus == 2;
	CHECK_EQ(on_next, 8);
	CHECK_EQ(t->fabric.device_count, 18);
	topology_free(t);
}

TEST(pci_enumerate, virtual_functions_beyond_all_buses_or_in_one_place_are_cut)
{
	struct topology *t = topology_new();

	add_physical_function(t, 0xffff, 1, 0);
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 3);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_VIRTUAL_FUNCTIONS));
	topology_free(t);
	t = topology_new();
	add_physical_function(t, 0xffff, 1, 0xfffe);
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 3);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_VIRTUAL_FUNCTIONS));
	topology_free(t);
}

/* Found by the fuzzer: adding was quadratic, so that this took minutes. */
TEST(pci_enumerate, as_many_virtual_functions_as_there_are_numbers_do_not_hang)
{
	struct topology *t = topology_new();
	struct pci_image_function *pf = add_physical_function(t, 0xffff, 1, 1);

	pci_image_set(pf->bridge, PCI_REG_BUS_NUMBERS + 2, 1, 0x10);
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 2 + 16 * 256 - 1);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_VIRTUAL_FUNCTIONS));
	topology_free(t);
}

TEST(pci_enumerate, A_T54_device_that_needs_300_ms_is_waited_for)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint =
		topology_express(t, NULL, DEVFN(3, 0), PCI_TYPE_ENDPOINT, 0);

	endpoint->ready_ns = 300 * NSEC_PER_MSEC;
	topology_enumerate(t);
	CHECK_EQ(topology_device(t, endpoint)->vendor, pci_image_get(endpoint, 0, 2));
	CHECK(t->image.now_ns >= 300 * NSEC_PER_MSEC);
	CHECK(t->image.now_ns < 700 * NSEC_PER_MSEC);
	CHECK_EQ(t->fabric.defect_count, 0);
	topology_free(t);
}

TEST(pci_enumerate, A_T54_device_that_is_never_ready_is_absent_after_a_second)
{
	struct topology *t = topology_new();
	struct pci_image_function *never =
		topology_express(t, NULL, DEVFN(3, 0), PCI_TYPE_ENDPOINT, 0);

	topology_conventional(t, NULL, DEVFN(4, 0));
	never->ready_ns = UINT64_MAX;
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 1);
	CHECK_EQ(t->image.now_ns, NSEC_PER_SEC);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_NOT_READY));
	topology_free(t);
}

TEST(pci_enumerate, vendor_zero_is_absent_and_an_empty_machine_is_told)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = topology_conventional(t, NULL, DEVFN(3, 0));

	pci_image_set(function, PCI_REG_VENDOR, 4, 0x12340000);
	CHECK_EQ((uint64_t)pci_enumerate(&t->fabric), (uint64_t)-ENODEV);
	topology_free(t);
}

TEST(pci_enumerate, unknown_header_type_is_listed_and_reported)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = topology_conventional(t, NULL, DEVFN(3, 0));

	pci_image_set(function, PCI_REG_HEADER, 1, 0x05);
	topology_enumerate(t);
	CHECK_EQ(topology_device(t, function)->header_type, 5);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_HEADER_TYPE));
	topology_free(t);
}

TEST(pci_enumerate, missing_bridges_leave_an_ancestor_and_a_gap)
{
	struct topology *t = topology_new();
	struct board b = build_board(t);
	struct pci_image listed;
	struct pci_device *end;

	topology_number(t);
	pci_image_init(&listed, true);
	for (size_t i = 0; i < 2; i++) {
		const struct pci_image_function *from = i ? b.ends[2] : b.second;
		struct pci_image_function *to = pci_image_add(
			&listed, pci_address(0, i ? 5 : 0, i ? 0 : 2, 0), PCI_SPACE_EXPRESS);

		REQUIRE(to != NULL);
		memcpy(to->value, from->value, to->size);
	}
	t->fabric.access = &listed.access;
	topology_enumerate(t);
	end = pci_device_find(&t->fabric, pci_address(0, 5, 0, 0));
	REQUIRE(end != NULL && end->parent != NULL);
	CHECK(end->parent_by_range);
	REQUIRE(atomic_ops_evaluate(end, ATOMIC_ALL, &t->result) == 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_ALL), ATOMIC_UNKNOWN);
	CHECK(atomic_result_has(&t->result, ATOMIC_HOP_MISSING, NULL));
	CHECK_EQ(topology_causes(t), 1);
	pci_image_set(pci_image_find(&listed, pci_address(0, 0, 2, 0)), TOPOLOGY_DEVCAP2, 4, 0);
	REQUIRE(atomic_ops_evaluate(end, ATOMIC_ALL, &t->result) == 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_ALL), ATOMIC_NO);
	pci_fabric_clear(&t->fabric);
	pci_image_destroy(&listed);
	topology_free(t);
}

static bool only_bus_7(struct pci_access *access, uint32_t segment, unsigned bus)
{
	(void)access;
	(void)segment;
	return bus == 7;
}

TEST(pci_enumerate, buses_that_cannot_be_roots_are_not_asked)
{
	struct topology *t = topology_new();
	struct pci_access_operations operations = *t->image.access.operations;

	topology_conventional(t, NULL, DEVFN(1, 0));
	for (unsigned bus = 6; bus <= 7; bus++) {
		struct pci_image_function *host =
			pci_image_add(&t->image, pci_address(0, bus, 0, 0), 256);

		REQUIRE(host != NULL);
		pci_image_set(host, PCI_REG_VENDOR, 4, 0x12345678);
	}
	operations.may_be_root = only_bus_7;
	t->image.access.operations = &operations;
	topology_enumerate(t);
	CHECK_EQ(t->fabric.device_count, 2);
	CHECK(pci_device_find(&t->fabric, pci_address(0, 7, 0, 0)) != NULL);
	CHECK(t->image.access.reads < 100);
	topology_free(t);
}

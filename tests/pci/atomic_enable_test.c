// SPDX-License-Identifier: MIT
/*
 * Enabling, refusing, and the platform's word: rows of spec-pci-atomicops section 16 that
 * write, or must not.
 */
#include <tests/pci/topology.h>
#include <errno.h>
#include <pci/enumerate.h>
#include <tests/test.h>

#define R_32_64 (ATOMIC_32 | ATOMIC_64)
#define ROUTE   TOPOLOGY_ROUTE

static enum platform_atomic_statement answer;
static unsigned times_asked;
static uint32_t asked_mask;

static enum platform_atomic_statement platform_answer(unsigned segment, unsigned bdf,
						      unsigned mask)
{
	(void)segment;
	(void)bdf;
	times_asked++;
	asked_mask = mask;
	return answer;
}

static void let_platform_say(struct topology *t, enum platform_atomic_statement statement)
{
	t->fabric.statement = platform_answer;
	answer = statement;
	times_asked = 0;
}

static int enable(struct topology *t, struct pci_image_function *function, uint32_t mask)
{
	struct pci_device *device = topology_device(t, function);

	function->writes = 0;
	return atomic_ops_enable_to_root(device, mask, &t->result);
}

static bool request_bit(const struct pci_image_function *function)
{
	return pci_image_get(function, TOPOLOGY_DEVCTL2, 2) & PCI_EXP_REQUESTER;
}

TEST(pci_atomics, A_T1_enabling_writes_one_bit_with_16_bits)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_control2(endpoint, 0x0025);
	pci_image_set(endpoint, TOPOLOGY_DEVCTL2 + 2, 2, 0xa5a5); /* Device Status 2 */
	pci_image_set_clear_on_write(endpoint, TOPOLOGY_DEVCTL2 + 2, 2, 0xffff);
	CHECK_EQ(enable(t, endpoint, ATOMIC_ALL), 0);
	CHECK_EQ(endpoint->writes, 1);
	CHECK_EQ(endpoint->last_write.offset, TOPOLOGY_DEVCTL2);
	CHECK_EQ(endpoint->last_write.width, 2);
	CHECK_EQ(pci_image_get(endpoint, TOPOLOGY_DEVCTL2, 4), 0xa5a50065);
	CHECK_EQ(enable(t, endpoint, ATOMIC_ALL), 0); /* calling twice is harmless */
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T3_one_missing_size_refuses_all)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64 | ATOMIC_128), (uint64_t)-EPERM);
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T4_refusal_is_no_write_cycle_at_all)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), 0);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK(topology_found(t, ATOMIC_ROOT_NO_64, root));
	CHECK(!topology_found(t, ATOMIC_ROOT_NO_32, root));
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T5_path_through_a_routing_switch_is_enabled)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *up, *down = topology_switch(t, root, ROUTE, ROUTE, &up);
	struct pci_image_function *endpoint = topology_endpoint(t, down);

	CHECK_EQ(enable(t, endpoint, R_32_64), 0);
	CHECK(request_bit(endpoint));
	topology_free(t);
}

TEST(pci_atomics, A_T13_two_routing_switches_are_enabled)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), R_32_64);
	struct pci_image_function *up, *down = topology_switch(t, root, ROUTE, ROUTE, &up);
	struct pci_image_function *endpoint;

	down = topology_switch(t, down, ROUTE, ROUTE, &up);
	endpoint = topology_endpoint(t, down);
	CHECK_EQ(enable(t, endpoint, R_32_64), 0);
	CHECK(request_bit(endpoint));
	topology_free(t);
}

TEST(pci_atomics, A_T16_integrated_endpoint_is_unknown_whatever_its_completers)
{
	struct topology *t = topology_new();
	struct pci_image_function *with = topology_express(
		t, NULL, DEVFN(2, 0), PCI_TYPE_INTEGRATED_ENDPOINT, ATOMIC_ALL);
	struct pci_image_function *without =
		topology_express(t, NULL, DEVFN(3, 0), PCI_TYPE_INTEGRATED_ENDPOINT, 0);
	struct pci_image_function *both[] = {with, without};

	for (unsigned i = 0; i < ARRAY_SIZE(both); i++) {
		CHECK_EQ((uint64_t)enable(t, both[i], ATOMIC_32), (uint64_t)-EPERM);
		CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_32), ATOMIC_UNKNOWN);
		CHECK(topology_found(t, ATOMIC_REQ_RCIEP, both[i]));
		CHECK_EQ(topology_causes(t), 1);
		CHECK_EQ(both[i]->writes, 0);
	}
	topology_free(t);
}

TEST(pci_atomics, A_T17_platform_confirms_an_integrated_endpoint)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint =
		topology_express(t, NULL, DEVFN(2, 0), PCI_TYPE_INTEGRATED_ENDPOINT, 0);

	let_platform_say(t, ATOMIC_CONFIRMED);
	CHECK_EQ(enable(t, endpoint, ATOMIC_32), 0);
	CHECK(request_bit(endpoint));
	CHECK(topology_found(t, ATOMIC_PLATFORM_CONFIRMED, endpoint));
	CHECK_EQ(asked_mask, ATOMIC_32);
	topology_free(t);
}

TEST(pci_atomics, A_T18_hidden_root_is_refused)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint =
		topology_express(t, NULL, DEVFN(2, 0), PCI_TYPE_ENDPOINT, 0);

	let_platform_say(t, ATOMIC_NO_STATEMENT);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(times_asked, 1);
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T19_platform_decides_a_hidden_root)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint =
		topology_express(t, NULL, DEVFN(2, 0), PCI_TYPE_ENDPOINT, 0);

	let_platform_say(t, ATOMIC_DENIED);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_NO);
	CHECK(!request_bit(endpoint));
	let_platform_say(t, ATOMIC_CONFIRMED);
	CHECK_EQ(enable(t, endpoint, ATOMIC_64), 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_YES);
	CHECK(request_bit(endpoint));
	topology_free(t);
}

TEST(pci_atomics, A_T20_platform_is_not_asked_when_registers_say_no)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), 0);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	let_platform_say(t, ATOMIC_CONFIRMED);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(times_asked, 0);
	topology_free(t);
}

TEST(pci_atomics, platform_is_not_asked_about_an_unreadable_hop)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	let_platform_say(t, ATOMIC_CONFIRMED);
	topology_device(t, endpoint);
	root->dead = true;
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(times_asked, 0);
	topology_free(t);
}

/* A physical function with one virtual function right behind it. */
static struct pci_image_function *add_virtual_function(struct topology *t,
						       struct pci_image_function *root,
						       struct pci_image_function *pf)
{
	struct pci_image_function *vf =
		topology_express(t, root, DEVFN(0, 1), PCI_TYPE_ENDPOINT, 0);

	pci_image_set(vf, PCI_REG_VENDOR, 4, 0xffffffff);
	topology_add_extended(pf, PCI_EXT_FIRST, PCI_EXT_SRIOV);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_CONTROL, 2, PCI_SRIOV_ENABLE);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_TOTAL, 2, 1);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_COUNT, 2, 1);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_OFFSET, 2, 1);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_STRIDE, 2, 1);
	pci_image_set(pf, PCI_EXT_FIRST + PCI_SRIOV_DEVICE, 2, 0x77);
	return vf;
}

TEST(pci_atomics, A_T23_virtual_function_is_refused_and_its_owner_untouched)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *pf = topology_endpoint(t, root);
	struct pci_image_function *vf = add_virtual_function(t, root, pf);

	CHECK_EQ((uint64_t)enable(t, vf, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_REQ_VF, vf));
	CHECK(topology_device(t, vf)->physical_function == topology_device(t, pf));
	CHECK_EQ(topology_device(t, vf)->device, 0x77);
	CHECK_EQ(pf->writes + vf->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T25_registers_a_version_1_endpoint_lacks_are_never_read)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_version(endpoint, 1);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_NO);
	CHECK(topology_found(t, ATOMIC_REQ_CAP_V1, endpoint));
	CHECK(!pci_image_was_read(endpoint, TOPOLOGY_DEVCAP2, 8));
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T34_requester_that_does_not_answer_is_not_written)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_device(t, endpoint);
	endpoint->dead = true;
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_REQ_UNREADABLE, endpoint));
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T35_requester_that_dies_before_the_write_is_not_enabled)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);
	uint64_t reads;

	topology_verdict(t, endpoint, ATOMIC_64);
	reads = endpoint->reads;
	topology_verdict(t, endpoint, ATOMIC_64);
	endpoint->reads_until_dead = endpoint->reads - reads; /* as many as evaluating takes */
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EIO);
	CHECK(topology_found(t, ATOMIC_REQ_UNREADABLE, endpoint));
	CHECK_EQ(endpoint->writes, 0);
	topology_free(t);
}

TEST(pci_atomics, A_T36_bit_that_does_not_stick_is_reported)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	pci_image_set_writable(endpoint, TOPOLOGY_DEVCTL2, 2, 0x00bf);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EIO);
	CHECK(topology_found(t, ATOMIC_REQ_BIT_STUCK, endpoint));
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_YES);
	topology_free(t);
}

TEST(pci_atomics, A_T37_bit_set_without_a_path_is_noted_and_cleared_only_on_wish)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), 0);
	struct pci_image_function *endpoint = topology_endpoint(t, root);

	topology_set_control2(endpoint, PCI_EXP_REQUESTER | 0x0003);
	CHECK_EQ((uint64_t)enable(t, endpoint, ATOMIC_64), (uint64_t)-EPERM);
	CHECK(topology_found(t, ATOMIC_INFO_REQEN_MISMATCH, endpoint));
	CHECK(request_bit(endpoint));
	CHECK_EQ(endpoint->writes, 0);
	CHECK_EQ(atomic_ops_disable(topology_device(t, endpoint)), 0);
	CHECK_EQ(pci_image_get(endpoint, TOPOLOGY_DEVCTL2, 2), 0x0003);
	topology_free(t);
}

TEST(pci_atomics, A_T38_wrong_masks_are_refused_unread)
{
	static const uint32_t masks[] = {0, 0x40, 0x400, ATOMIC_32 | 0x400};
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);
	struct pci_device *device = topology_device(t, endpoint);
	uint64_t reads = t->image.access.reads;

	for (unsigned i = 0; i < ARRAY_SIZE(masks); i++) {
		CHECK_EQ((uint64_t)atomic_ops_enable_to_root(device, masks[i], &t->result),
			 (uint64_t)-EINVAL);
		CHECK(atomic_result_has(&t->result, ATOMIC_ARG_MASK, NULL));
		CHECK(atomic_result_verdict(&t->result, ATOMIC_ALL) != ATOMIC_YES);
	}
	CHECK_EQ(t->image.access.reads, reads);
	topology_free(t);
}

TEST(pci_atomics, A_T57_function_1_without_bridges_is_the_seeds_situation)
{
	struct topology *t = topology_new();
	struct pci_image_function *endpoint;
	struct pci_device *device;

	pci_image_destroy(&t->image);
	pci_image_init(&t->image, true); /* zPCI lists its functions: no function 0 needed */
	endpoint = topology_express(t, NULL, DEVFN(0, 1), PCI_TYPE_ENDPOINT, 0);
	topology_set_control2(endpoint, PCI_EXP_REQUESTER);
	topology_enumerate(t);
	device = topology_device(t, endpoint);
	CHECK_EQ((uint64_t)atomic_ops_enable_to_root(device, ATOMIC_64, &t->result),
		 (uint64_t)-EPERM);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_64), ATOMIC_UNKNOWN);
	CHECK(topology_found(t, ATOMIC_ROOT_HIDDEN, endpoint));
	CHECK(topology_found(t, ATOMIC_INFO_REQEN_MISMATCH, endpoint));
	topology_free(t);
}

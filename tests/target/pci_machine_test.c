// SPDX-License-Identifier: MIT
/*
 * Real registers: the machine of tests/machines/fabric.conf, seen by our own enumeration. On
 * any other machine these tests say SKIP.
 */
#include <errno.h>
#include <kernel/kmem.h>
#include <pci/atomic_ops.h>
#include <tools/pci/atomic_report.h>
#include <pci/enumerate.h>
#include <platform/pci_config.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

static struct pci_device *device_at(unsigned bus, unsigned device, unsigned function)
{
	return pci_device_find(&pci_fabric, pci_address(0, bus, device, function));
}

/* The second root is what no other machine has. */
static void need_fabric(void)
{
	if (!device_at(0x40, 0, 0))
		SKIP("this is not the machine of tests/machines/fabric.conf");
}

static struct pci_device *find_id(uint16_t vendor, uint16_t id)
{
	struct pci_device *device;

	pci_for_each_device (device, &pci_fabric) {
		if (device->vendor == vendor && device->device == id)
			return device;
	}
	ERROR("the machine lacks a device that fabric.conf has");
}

static struct atomic_result *new_result(void)
{
	struct atomic_result *result = kmem_alloc(sizeof(*result));

	if (!result)
		ERROR("out of memory");
	return result;
}

TEST(pci_machine, A_T48_ecam_and_ports_show_the_same_256_bytes)
{
	const unsigned moving = 0x04; /* status bits change under our eyes */
	struct pci_device *device;
	unsigned functions = 0, different = 0;

	need_fabric();
	pci_for_each_device (device, &pci_fabric) {
		for (unsigned offset = 0; offset < 256; offset += 4) {
			uint32_t ecam, ports;

			REQUIRE(pci_read32(device, offset, &ecam) == 0);
			ports = platform_pci_ports_read(device->address.bus,
							device->address.devfn, offset, 4);
			different += offset != moving && ecam != ports;
		}
		functions++;
	}
	CHECK_EQ(different, 0);
	CHECK_EQ(functions, pci_fabric.device_count);
}

TEST(pci_machine, A_T46_16_bit_write_changes_two_bytes_only)
{
	const struct pci_device *device;
	unsigned offset;
	uint32_t before, after;
	uint16_t written;

	need_fabric();
	device = find_id(0x1b36, 0x0010); /* NVMe: a version 2 endpoint */
	offset = device->express + PCI_EXP_DEVCTL2;
	REQUIRE(device->express_version >= 2 && pci_read32(device, offset, &before) == 0);
	/* Bit 15 is the one that QEMU lets us write. */
	REQUIRE(pci_write16(device, offset, (uint16_t)before | 0x8000) == 0);
	REQUIRE(pci_read32(device, offset, &after) == 0);
	CHECK_EQ(after, before | 0x8000);
	REQUIRE(pci_read16(device, offset, &written) == 0);
	CHECK_EQ(written, after & 0xffff);
	REQUIRE(pci_write16(device, offset, (uint16_t)before) == 0);
	REQUIRE(pci_read32(device, offset, &after) == 0);
	CHECK_EQ(after, before);
}

TEST(pci_machine, A_T49_second_root_has_a_root_port_without_a_parent)
{
	const struct pci_device *port;

	need_fabric();
	port = device_at(0x40, 0, 0);
	CHECK(port->parent == NULL);
	CHECK_EQ(port->port_type, PCI_TYPE_ROOT_PORT);
	CHECK_EQ(port->secondary, 0x41);
	REQUIRE(pci_first_child(port) != NULL);
	CHECK(pci_first_child(port)->parent == port);
}

/* Deepest bridge first, so that each can still be reached. */
static void wipe_numbers(void)
{
	struct list_head *link;

	for (link = pci_fabric.devices.prev; link != &pci_fabric.devices; link = link->prev) {
		struct pci_device *bridge = list_entry(link, struct pci_device, link);

		for (unsigned i = 0; pci_device_is_bridge(bridge) && i < 3; i++)
			REQUIRE(pci_write8(bridge, PCI_REG_BUS_NUMBERS + i, 0) == 0);
	}
}

static void check_same_tree(const struct pci_fabric *other)
{
	struct pci_device *device;

	CHECK_EQ(other->device_count, pci_fabric.device_count);
	pci_for_each_device (device, other) {
		const struct pci_device *ours = pci_device_find(&pci_fabric, device->address);

		REQUIRE(ours != NULL);
		CHECK_EQ(device->vendor, ours->vendor);
		CHECK_EQ(device->device, ours->device);
		CHECK_EQ(device->secondary, ours->secondary);
		CHECK_EQ(device->subordinate, ours->subordinate);
		CHECK_EQ(!!device->parent, !!ours->parent);
	}
}

TEST(pci_machine, A_T47_wiped_machine_gets_the_same_numbers_again)
{
	struct pci_fabric *fresh;

	need_fabric();
	fresh = kmem_alloc(sizeof(*fresh));
	if (!fresh)
		ERROR("out of memory");
	pci_fabric_init(fresh, pci_fabric.access);
	wipe_numbers();
	CHECK_EQ(pci_enumerate(fresh), 0);
	CHECK(fresh->renumbered);
	check_same_tree(fresh);
	pci_fabric_clear(fresh);
	CHECK_EQ(pci_enumerate(fresh), 0); /* and now they are trusted */
	check_same_tree(fresh);
	pci_fabric_clear(fresh);
	kmem_free(fresh);
}

/* Evaluate a device; its verdict for all sizes, and whether a reason was found at `where`. */
static bool has_reason(struct atomic_result *result, const struct pci_device *device,
		       enum atomic_verdict verdict, enum atomic_reason reason,
		       const struct pci_device *where)
{
	REQUIRE(atomic_ops_evaluate(device, ATOMIC_ALL, result) == 0);
	return atomic_result_verdict(result, ATOMIC_ALL) == verdict &&
	       atomic_result_has(result, reason, where);
}

TEST(pci_machine, A_T16_integrated_endpoint_is_unknown)
{
	struct atomic_result *result;
	const struct pci_device *device;

	need_fabric();
	result = new_result();
	device = find_id(0x1b36, 0x000d);
	CHECK(has_reason(result, device, ATOMIC_UNKNOWN, ATOMIC_REQ_RCIEP, device));
	kmem_free(result);
}

TEST(pci_machine, A_T25_endpoint_of_version_1_is_a_no)
{
	struct atomic_result *result;
	const struct pci_device *device;

	need_fabric();
	result = new_result();
	device = find_id(0x8086, 0x10d3);
	CHECK_EQ(device->express_version, 1);
	CHECK(has_reason(result, device, ATOMIC_NO, ATOMIC_REQ_CAP_V1, device));
	kmem_free(result);
}

TEST(pci_machine, A_T27_A_T28_bridge_to_pci_stops_what_is_behind_it)
{
	struct atomic_result *result;
	const struct pci_device *device, *bridge;

	need_fabric();
	result = new_result();
	device = find_id(0x8086, 0x100e);
	bridge = find_id(0x1b36, 0x000e);
	CHECK(device->parent == bridge);
	CHECK(has_reason(result, device, ATOMIC_NO, ATOMIC_REQ_NOT_PCIE, device));
	CHECK(atomic_result_has(result, ATOMIC_HOP_PCI_BRIDGE, bridge));
	kmem_free(result);
}

TEST(pci_machine, A_T50_empty_ports_have_a_verdict_with_its_cause)
{
	struct atomic_result *result;
	const struct pci_device *port;
	unsigned empty = 0;

	need_fabric();
	result = new_result();
	pci_for_each_device (port, &pci_fabric) {
		if (!atomic_report_is_slot(port) || pci_first_child(port))
			continue;
		empty++;
		CHECK_EQ(atomic_ops_evaluate_slot(port, ATOMIC_ALL, result), 0);
		CHECK_EQ(atomic_result_verdict(result, ATOMIC_64), ATOMIC_NO);
		CHECK(atomic_result_has(result, ATOMIC_ROOT_NO_64, NULL));
	}
	CHECK(empty >= 2);
	kmem_free(result);
}

static enum platform_atomic_statement say_confirmed(unsigned segment, unsigned bdf,
						    unsigned mask)
{
	(void)segment;
	(void)bdf;
	(void)mask;
	return ATOMIC_CONFIRMED;
}

/* The only way to a write on an emulator: the platform vouches, and the bit does not stick. */
TEST(pci_machine, A_T36_bit_that_qemu_hardwires_is_reported_as_stuck)
{
	struct atomic_result *result;
	struct pci_device *device;

	need_fabric();
	result = new_result();
	device = find_id(0x1b36, 0x000d);
	pci_fabric.statement = say_confirmed;
	CHECK(atomic_ops_enable_to_root(device, ATOMIC_64, result) == -EIO);
	pci_fabric.statement = platform_confirms_atomic_ops;
	CHECK(atomic_result_has(result, ATOMIC_REQ_BIT_STUCK, device));
	kmem_free(result);
}

/* Two virtual functions of the NVMe controller, switched on for the test. */
static void virtual_functions_switch(const struct pci_device *pf, bool on)
{
	uint16_t control;

	REQUIRE(pci_read16(pf, pf->sriov + PCI_SRIOV_CONTROL, &control) == 0);
	control &= (uint16_t)~PCI_SRIOV_ENABLE;
	REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_CONTROL, control) == 0);
	REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_COUNT, on ? 2 : 0) == 0);
	if (on)
		REQUIRE(pci_write16(pf, pf->sriov + PCI_SRIOV_CONTROL,
				    control | PCI_SRIOV_ENABLE) == 0);
}

TEST(pci_machine, A_T23_virtual_function_is_listed_and_refused)
{
	struct atomic_result *result;
	struct pci_fabric *fabric;
	struct pci_device *pf, *vf;

	need_fabric();
	result = new_result();
	fabric = kmem_alloc(sizeof(*fabric));
	if (!fabric)
		ERROR("out of memory");
	pf = device_at(5, 0, 0);
	REQUIRE(pf && pf->sriov);
	virtual_functions_switch(pf, true);
	pci_fabric_init(fabric, pci_fabric.access);
	CHECK_EQ(pci_enumerate(fabric), 0);
	CHECK_EQ(fabric->device_count, pci_fabric.device_count + 2);
	vf = pci_device_find(fabric, pci_address(0, 5, 0, 1));
	REQUIRE(vf != NULL);
	CHECK(vf->physical_function == pci_device_find(fabric, pf->address));
	CHECK(vf->express != 0);
	CHECK(has_reason(result, vf, ATOMIC_NO, ATOMIC_REQ_VF, vf));
	CHECK(atomic_ops_enable_to_root(vf, ATOMIC_64, result) == -EPERM);
	pci_fabric_clear(fabric);
	virtual_functions_switch(pf, false);
	kmem_free(fabric);
	kmem_free(result);
}

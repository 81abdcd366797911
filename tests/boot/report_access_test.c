// SPDX-License-Identifier: MIT
/*
 * The access for reports over images: nothing is written, serial numbers are not shown, and a
 * fabric whose numbers lie is listed instead of numbered afresh.
 */
#include <boot/report_access.h>
#include <errno.h>
#include <kernel/bits.h>
#include <pci/enumerate.h>
#include <pci/regs.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define SERIAL_AT 0x100u
#define VPD_AT    0x50u

TEST(report_access, writes_nothing)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = topology_conventional(t, NULL, 0x08);
	struct report_access report;

	report_access_init(&report, &t->image.access);
	CHECK_EQ(pci_config_write(&report.access, function->address, PCI_REG_COMMAND, 2, 7),
		 -EIO);
	CHECK_EQ(function->writes, 0);
	CHECK_EQ(pci_image_get(function, PCI_REG_COMMAND, 2), 0);
	topology_free(t);
}

/* Bridge numbers that circle: the scan would number afresh. */
TEST(report_access, lying_numbers_are_listed_and_left_alone)
{
	struct topology *t = topology_new();
	struct pci_image_function *port = topology_root_port(t, 0x10, 0);
	struct pci_image_function *below = topology_conventional(t, port, 0);
	struct report_access report;
	struct pci_fabric fabric;

	pci_image_set(port, PCI_REG_BUS_NUMBERS, 4, 0x00040405);
	report_access_init(&report, &t->image.access);
	pci_fabric_init(&fabric, &report.access);
	(void)!pci_enumerate(&fabric);
	CHECK(fabric.renumbered);
	pci_fabric_clear(&fabric);
	report_access_list(&report);
	pci_fabric_init(&fabric, &report.access);
	CHECK_EQ(pci_enumerate(&fabric), 0);
	CHECK(!fabric.renumbered);
	CHECK_EQ(fabric.device_count, 2);
	CHECK(pci_device_find(&fabric, pci_address(0, 4, 0, 0)) != NULL);
	CHECK_EQ(port->writes + below->writes, 0);
	CHECK_EQ(pci_image_get(port, PCI_REG_BUS_NUMBERS, 4), 0x00040405);
	pci_fabric_clear(&fabric);
	topology_free(t);
}

/* What a listing finds is what a scan finds. */
TEST(report_access, listing_finds_every_function_of_a_device)
{
	struct topology *t = topology_new();
	struct report_access report;
	struct pci_fabric fabric;
	static const unsigned there[] = {0x00, 0x03, 0x07, 0x08, 0xf8, 0xff};

	for (unsigned i = 0; i < ARRAY_SIZE(there); i++)
		topology_conventional(t, NULL, there[i]);
	report_access_init(&report, &t->image.access);
	report_access_list(&report);
	pci_fabric_init(&fabric, &report.access);
	CHECK_EQ(pci_enumerate(&fabric), 0);
	CHECK_EQ(fabric.device_count, ARRAY_SIZE(there));
	pci_fabric_clear(&fabric);
	topology_free(t);
}

TEST(report_access, serial_numbers_read_zero)
{
	struct topology *t = topology_new();
	struct pci_image_function *port = topology_root_port(t, 0x10, 0);
	struct pci_image_function *other = topology_root_port(t, 0x18, 0);
	unsigned last = pci_image_get(port, PCI_REG_CAPABILITIES, 1);
	struct report_access report;
	struct pci_device *device;
	struct pci_fabric fabric;
	int error;

	for (unsigned i = 0; i < 16; i += 4)
		pci_image_set(port, SERIAL_AT + i, 4, 0x11111111);
	pci_image_set(port, SERIAL_AT, 4, 0x00010003);
	pci_image_set(other, SERIAL_AT + 4, 4, 0x22222222);
	/* The new capability goes before what is there. */
	pci_image_set(port, VPD_AT, 4, 0x80000003 | last << 8);
	pci_image_set(port, VPD_AT + 4, 4, 0x33333333);
	pci_image_set(port, PCI_REG_CAPABILITIES, 1, VPD_AT);
	report_access_init(&report, &t->image.access);
	pci_fabric_init(&fabric, &report.access);
	error = pci_enumerate(&fabric);
	if (error)
		pci_fabric_clear(&fabric);
	REQUIRE(error == 0);
	device = pci_device_find(&fabric, pci_address(0, 0, 2, 0));
	REQUIRE(device);
	CHECK_EQ(pci_get(device, SERIAL_AT + 4, 4), 0x11111111);
	report_access_hide(&report, device);
	CHECK_EQ(pci_get(device, SERIAL_AT, 4), 0x00010003);
	CHECK_EQ(pci_get(device, SERIAL_AT + 4, 4), 0);
	CHECK_EQ(pci_get(device, SERIAL_AT + 8, 4), 0);
	CHECK_EQ(pci_get(device, SERIAL_AT + 12, 4), 0x11111111);
	CHECK_EQ(pci_get(device, VPD_AT, 2), 0x0003 | last << 8);
	CHECK_EQ(pci_get(device, VPD_AT + 4, 4), 0);
	CHECK_EQ(pci_get(pci_device_find(&fabric, pci_address(0, 0, 3, 0)), SERIAL_AT + 4, 4),
		 0x22222222);
	pci_fabric_clear(&fabric);
	topology_free(t);
}

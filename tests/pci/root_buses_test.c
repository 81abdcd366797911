// SPDX-License-Identifier: MIT
/*
 * Constant _BBN in AML, as compilers write it, and everything else.
 */
#include <kernel/bits.h>
#include <pci/enumerate.h>
#include <pci/root_buses.h>
#include <string.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define HEADER 36

static struct pci_bus_set roots;

static bool collect(const char *body, size_t length)
{
	uint8_t table[256] = {0};

	REQUIRE(HEADER + length <= sizeof(table));
	memcpy(table + HEADER, body, length);
	roots = (struct pci_bus_set){{0}};
	return pci_root_buses_collect(table, HEADER + length, &roots);
}

#define COLLECT(text) collect(text, sizeof(text) - 1)

TEST(pci_root_buses, constants_of_every_width_are_taken)
{
	CHECK(COLLECT("\x10\x08_BBN\x0a\x40 \x08_BBN\x01\x08_BBN\x00"));
	CHECK(pci_bus_set_has(&roots, 0x40));
	CHECK(pci_bus_set_has(&roots, 1));
	CHECK(pci_bus_set_has(&roots, 0));
	CHECK(!pci_bus_set_has(&roots, 2));
	CHECK(COLLECT("\x08_BBN\x0b\x80\x00 \x08_BBN\x0c\xc0\x00\x00\x00"));
	CHECK(pci_bus_set_has(&roots, 0x80));
	CHECK(pci_bus_set_has(&roots, 0xc0));
}

TEST(pci_root_buses, what_is_computed_is_not_known)
{
	CHECK(!COLLECT("\x14\x0c_BBN\x00\xa4\x0a\x20")); /* a method */
	CHECK(!COLLECT("\x08_BBN\x0b\x00\x01"));         /* no bus number */
	CHECK(!COLLECT("\x08_BBN"));                     /* the table ends */
	CHECK(!COLLECT("\x08_BBN\x0a"));
	CHECK(COLLECT("nothing of the kind"));
	CHECK(!pci_bus_set_has(&roots, 0));
}

static bool only_bus_7(struct pci_access *access, uint32_t segment, unsigned bus)
{
	(void)access;
	(void)segment;
	return bus == 7;
}

TEST(pci_root_buses, buses_that_cannot_be_roots_are_not_asked)
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

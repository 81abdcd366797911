// SPDX-License-Identifier: MIT
/*
 * Walks over capability lists as no sane device makes them.
 */
#include <pci/capability.h>
#include <pci/enumerate.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define EXPRESS_AT    0x40
#define PCI_CAP_POWER 0x01
#define PCI_EXT_ERROR 0x0001

/* A function whose standard list starts at `pointer`. */
static struct pci_image_function *function_with_list(struct topology *t, unsigned pointer)
{
	struct pci_image_function *function =
		topology_express(t, NULL, DEVFN(1, 0), PCI_TYPE_ENDPOINT, 0);

	pci_image_set(function, PCI_REG_CAPABILITIES, 1, pointer);
	return function;
}

static void put(struct pci_image_function *function, unsigned offset, unsigned id,
		unsigned next)
{
	pci_image_set(function, offset, 1, id);
	pci_image_set(function, offset + 1, 1, next);
}

static unsigned count_entries(struct pci_device *device)
{
	struct pci_capability_walk walk;
	unsigned count = 0;

	for (pci_capability_walk_start(&walk, device); pci_capability_walk_next(&walk);)
		count++;
	return count;
}

TEST(pci_capability, A_T42_loop_ends_and_what_came_before_is_found)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);
	struct pci_device *device;

	put(function, EXPRESS_AT, PCI_CAP_EXPRESS, 0x80);
	put(function, 0x80, PCI_CAP_MSI, 0x90);
	put(function, 0x90, PCI_CAP_POWER, 0x80); /* a loop of two */
	device = topology_device(t, function);
	CHECK_EQ(count_entries(device), 3);
	CHECK_EQ(device->express, EXPRESS_AT);
	CHECK_EQ(device->msi, 0x80);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_LOOP));
	topology_free(t);
}

TEST(pci_capability, A_T42_low_bits_of_pointers_are_masked)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT | 1);
	struct pci_device *device;

	put(function, EXPRESS_AT, PCI_CAP_EXPRESS, 0x83);
	put(function, 0x80, PCI_CAP_MSIX, 0);
	device = topology_device(t, function);
	CHECK_EQ(device->express, EXPRESS_AT);
	CHECK_EQ(device->msix, 0x80);
	CHECK_EQ(t->fabric.defect_count, 0);
	topology_free(t);
}

TEST(pci_capability, A_T42_pointer_into_the_header_ends_the_walk)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);
	struct pci_device *device;

	put(function, EXPRESS_AT, PCI_CAP_EXPRESS, 0x3c);
	device = topology_device(t, function);
	CHECK_EQ(count_entries(device), 1);
	CHECK_EQ(device->express, EXPRESS_AT);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_POINTER));
	topology_free(t);
}

/* 48 dwords fit between 0x40 and 0xff, so a 49th entry is a repetition: the loop check or the
 * bound ends the walk, whichever comes first. */
TEST(pci_capability, A_T42_longest_list_has_48_entries)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, 0x40);

	for (unsigned offset = 0x40; offset < 0x100; offset += 4)
		put(function, offset, PCI_CAP_VENDOR, offset + 4 < 0x100 ? offset + 4 : 0x40);
	CHECK_EQ(count_entries(topology_device(t, function)), 48);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_LOOP));
	topology_free(t);
}

TEST(pci_capability, entry_of_all_ones_ends_the_walk)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);

	put(function, EXPRESS_AT, PCI_CAP_EXPRESS, 0x80);
	put(function, 0x80, 0xff, 0x90);
	CHECK_EQ(count_entries(topology_device(t, function)), 1);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_ID));
	topology_free(t);
}

TEST(pci_capability, list_is_ignored_unless_status_says_it_is_there)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);

	pci_image_set(function, PCI_REG_STATUS, 2, 0);
	CHECK_EQ(count_entries(topology_device(t, function)), 0);
	CHECK_EQ(topology_device(t, function)->express, 0);
	CHECK_EQ(topology_device(t, function)->readability, PCI_READABLE);
	topology_free(t);
}

TEST(pci_capability, cardbus_bridge_has_its_pointer_elsewhere)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, 0);
	struct pci_capability_walk walk;

	pci_image_set(function, PCI_REG_HEADER, 1, 2);
	pci_image_set(function, PCI_REG_CARDBUS_CAPABILITIES, 1, 0x80);
	put(function, 0x80, PCI_CAP_POWER, 0);
	pci_capability_walk_start(&walk, topology_device(t, function));
	CHECK(pci_capability_walk_next(&walk));
	CHECK_EQ(walk.offset, 0x80);
	topology_free(t);
}

static void put_extended(struct pci_image_function *function, unsigned offset, unsigned id,
			 unsigned next)
{
	pci_image_set(function, offset, 4, id | 1u << 16 | next << 20);
}

/* Offsets found, in order, as one number of three digits each. */
static uint64_t extended_offsets(struct pci_device *device)
{
	struct pci_capability_walk walk;
	uint64_t offsets = 0;

	for (pci_capability_walk_start_extended(&walk, device);
	     pci_capability_walk_next(&walk);)
		offsets = offsets << 12 | walk.offset;
	return offsets;
}

TEST(pci_capability, A_T43_extended_list_may_go_backwards)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);

	put_extended(function, 0x100, 0x0003, 0xfb4);
	put_extended(function, 0xfb4, PCI_EXT_ERROR, 0x138);
	put_extended(function, 0x138, 0x0004, 0x10c);
	put_extended(function, 0x10c, PCI_EXT_ARI, 0);
	CHECK_EQ(extended_offsets(topology_device(t, function)), 0x100fb413810cull);
	CHECK_EQ(topology_device(t, function)->ari, 0x10c);
	CHECK_EQ(t->fabric.defect_count, 0);
	topology_free(t);
}

TEST(pci_capability, A_T43_hole_left_by_a_hypervisor_is_skipped)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);

	put_extended(function, 0x100, 0, 0x140);
	put_extended(function, 0x140, PCI_EXT_ERROR, 0);
	CHECK_EQ(extended_offsets(topology_device(t, function)), 0x140);
	topology_free(t);
}

TEST(pci_capability, A_T43_all_ones_and_zero_are_no_extended_list)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);
	struct pci_device *device = topology_device(t, function);

	CHECK_EQ(extended_offsets(device), 0);
	pci_image_set(function, 0x100, 4, 0xffffffff);
	CHECK_EQ(extended_offsets(device), 0);
	CHECK_EQ(t->fabric.defect_count, 0);
	topology_free(t);
}

TEST(pci_capability, A_T43_first_256_bytes_shown_again_are_no_extended_space)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);

	for (unsigned offset = 0x100; offset < PCI_SPACE_EXPRESS; offset += 0x100)
		pci_image_set(function, offset, 4, pci_image_get(function, 0, 4));
	CHECK_EQ(extended_offsets(topology_device(t, function)), 0);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_EXTENDED_ALIAS));
	topology_free(t);
}

TEST(pci_capability, extended_loop_and_pointer_into_the_low_space_end_the_walk)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);
	struct pci_device *device = topology_device(t, function);

	put_extended(function, 0x100, PCI_EXT_ERROR, 0x140);
	put_extended(function, 0x140, 0x0003, 0x100);
	CHECK_EQ(extended_offsets(device), 0x100140);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_LOOP));
	put_extended(function, 0x140, 0x0003, 0x0fc);
	CHECK_EQ(extended_offsets(device), 0x100140);
	CHECK(pci_defect_seen(&t->fabric, PCI_DEFECT_CAPABILITY_POINTER));
	topology_free(t);
}

TEST(pci_capability, extended_space_out_of_reach_is_unreadable_not_absent)
{
	struct topology *t = topology_new();
	struct pci_image_function *function = function_with_list(t, EXPRESS_AT);
	struct pci_capability_walk walk;

	function->size = PCI_SPACE_CONVENTIONAL;
	pci_capability_walk_start_extended(&walk, topology_device(t, function));
	CHECK(!pci_capability_walk_next(&walk));
	CHECK(walk.unreadable);
	CHECK_EQ(topology_device(t, function)->readability, PCI_READABLE);
	topology_free(t);
}

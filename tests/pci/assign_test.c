// SPDX-License-Identifier: MIT
/*
 * Placing BARs and windows in machines whose firmware placed nothing.
 */
#include <errno.h>
#include <kernel/fault.h>
#include <pci/assign.h>
#include <pci/bar.h>
#include <pci/enumerate.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

static const struct pci_aperture apertures[PCI_RESOURCES] = {
	[PCI_RESOURCE_IO] = {0x1000, 0x10000},
	[PCI_RESOURCE_MEMORY] = {0x80000000, 0x90000000},
	[PCI_RESOURCE_PREFETCH] = {0x800000000, 0x900000000},
};

/* A BAR as it is after a reset: type bits fixed, `size` bytes decoded. */
static void put_bar(struct pci_image_function *function, unsigned index, uint32_t type,
		    uint64_t size)
{
	unsigned offset = PCI_REG_BAR0 + 4 * index;

	pci_image_set(function, offset, 4, type);
	pci_image_set_writable(function, offset, 4, (uint32_t)-size & ~0xfu);
	if (type & PCI_BAR_TYPE_64 && !(type & PCI_BAR_IS_IO))
		pci_image_set_writable(function, offset + 4, 4, (uint32_t)(-size >> 32));
}

static void put_windows(struct pci_image_function *bridge)
{
	pci_image_set(bridge, PCI_REG_PREFETCH_WINDOW, 4, 0x00010001);
	pci_image_set_writable(bridge, PCI_REG_IO_WINDOW, 2, 0xf0f0);
	pci_image_set_writable(bridge, PCI_REG_MEMORY_WINDOW, 4, 0xfff0fff0);
	pci_image_set_writable(bridge, PCI_REG_PREFETCH_WINDOW, 4, 0xfff0fff0);
	pci_image_set_writable(bridge, PCI_REG_PREFETCH_BASE_HIGH, 4, 0xffffffff);
	pci_image_set_writable(bridge, PCI_REG_PREFETCH_LIMIT_HIGH, 4, 0xffffffff);
}

/* A root port, a switch, an endpoint with one BAR of each kind and a ROM. */
struct board {
	struct topology *t;
	struct pci_image_function *root, *up, *down, *end;
};

static struct board build(void)
{
	struct board b = {.t = topology_new()};

	b.root = topology_root_port(b.t, DEVFN(1, 0), ATOMIC_ALL);
	b.down = topology_switch(b.t, b.root, TOPOLOGY_ROUTE, TOPOLOGY_ROUTE, &b.up);
	b.end = topology_endpoint(b.t, b.down);
	put_windows(b.root);
	put_windows(b.up);
	put_windows(b.down);
	put_bar(b.root, 0, 0, 0x1000);
	put_bar(b.end, 0, PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH, GIB(1));
	put_bar(b.end, 2, PCI_BAR_IS_IO, 0x40);
	put_bar(b.end, 3, 0, 0x200000);
	pci_image_set_writable(b.end, PCI_REG_ROM, 4, 0xffff0001);
	topology_enumerate(b.t);
	return b;
}

static struct pci_bar bar_of(struct board *b, const struct pci_image_function *function,
			     unsigned index)
{
	struct pci_bar bar;

	REQUIRE(pci_bar_read(topology_device(b->t, function), index, &bar) == 0);
	return bar;
}

TEST(pci_assign, every_bar_gets_its_place_and_every_window_holds_it)
{
	struct board b = build();

	CHECK(pci_is_unconfigured(&b.t->fabric));
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 5);
	CHECK_EQ(b.t->fabric.defect_count, 0);
	CHECK_EQ(bar_of(&b, b.end, 0).base, 0x800000000);
	CHECK_EQ(bar_of(&b, b.end, 2).base, 0x1000);
	CHECK_EQ(bar_of(&b, b.end, 3).base, 0x80000000);
	CHECK_EQ(pci_image_get(b.end, PCI_REG_ROM, 4), 0x80200000u); /* and not enabled */
	CHECK_EQ(bar_of(&b, b.root, 0).base, 0x80300000);
	for (unsigned i = 0; i < 3; i++) {
		struct pci_image_function *bridge = i == 0 ? b.root : i == 1 ? b.up : b.down;

		CHECK_EQ(pci_image_get(bridge, PCI_REG_IO_WINDOW, 2), 0x1010);
		CHECK_EQ(pci_image_get(bridge, PCI_REG_MEMORY_WINDOW, 4), 0x80208000u);
		CHECK_EQ(pci_image_get(bridge, PCI_REG_PREFETCH_WINDOW, 4), 0x3ff10001u);
		CHECK_EQ(pci_image_get(bridge, PCI_REG_PREFETCH_BASE_HIGH, 4), 8);
		CHECK_EQ(pci_image_get(bridge, PCI_REG_PREFETCH_LIMIT_HIGH, 4), 8);
		CHECK_EQ(pci_image_get(bridge, PCI_REG_COMMAND, 2), 0);
	}
	CHECK(!pci_is_unconfigured(&b.t->fabric));
	topology_free(b.t);
}

TEST(pci_assign, one_narrow_window_on_the_way_keeps_bars_below_4_gib)
{
	struct board b = build();

	pci_image_set(b.up, PCI_REG_PREFETCH_WINDOW, 4, 0);
	put_bar(b.end, 0, PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH, MIB(16));
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 5);
	CHECK_EQ(bar_of(&b, b.end, 0).base, 0x80000000);
	CHECK_EQ(pci_image_get(b.root, PCI_REG_PREFETCH_BASE_HIGH, 4), 0);
	topology_free(b.t);
}

TEST(pci_assign, what_finds_no_room_is_named_and_the_rest_has_its_place)
{
	struct board b = build();

	put_bar(b.end, 4, 0, MIB(512)); /* the hole has 256 MiB */
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 3);
	CHECK(pci_defect_seen(&b.t->fabric, PCI_DEFECT_NO_ROOM));
	CHECK_EQ(pci_image_get(b.end, PCI_REG_BAR0 + 16, 4), 0);
	CHECK_EQ(bar_of(&b, b.end, 0).base, 0x800000000);
	CHECK_EQ(bar_of(&b, b.root, 0).base, 0x80000000);
	topology_free(b.t);
}

TEST(pci_assign, bridge_without_io_window_is_named)
{
	struct board b = build();

	pci_image_set_writable(b.down, PCI_REG_IO_WINDOW, 2, 0);
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 5);
	CHECK(pci_defect_seen(&b.t->fabric, PCI_DEFECT_NO_ROOM));
	topology_free(b.t);
}

TEST(pci_assign, enhanced_allocation_is_left_alone)
{
	struct board b = build();

	pci_image_set(b.end, TOPOLOGY_EXPRESS + 1, 1, 0x90);
	pci_image_set(b.end, 0x90, 2, PCI_CAP_ENHANCED);
	topology_enumerate(b.t);
	b.end->writes = 0;
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 1);
	pci_wipe(&b.t->fabric);
	CHECK_EQ(b.end->writes, 0);
	topology_free(b.t);
}

#define SRIOV_AT 0x100u

/* The BARs of four virtual functions: each its own size, one behind the other, all at a
 * multiple of one, in the windows of their physical function. */
TEST(pci_assign, virtual_functions_have_their_bars_in_a_row)
{
	struct board b = build();
	unsigned at = SRIOV_AT + PCI_SRIOV_BAR0;

	topology_add_extended(b.end, SRIOV_AT, PCI_EXT_SRIOV);
	pci_image_set(b.end, SRIOV_AT + PCI_SRIOV_TOTAL, 2, 4);
	pci_image_set_writable(b.end, SRIOV_AT + PCI_SRIOV_CONTROL, 2, 0xffff);
	pci_image_set(b.end, at, 4, PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH);
	pci_image_set_writable(b.end, at, 4, 0xfff00000);
	pci_image_set_writable(b.end, at + 4, 4, 0xffffffff);
	pci_image_set_writable(b.end, at + 12, 4, 0xffff0000);
	topology_enumerate(b.t);
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 7);
	CHECK_EQ(b.t->fabric.defect_count, 0);
	/* 1 GiB of the function itself, then 4 times 1 MiB; 2 MiB, then 64 KiB of ROM or of the
	 * four. */
	CHECK_EQ(pci_image_get(b.end, at, 4), 0x4000000cu);
	CHECK_EQ(pci_image_get(b.end, at + 4, 4), 8);
	CHECK_EQ(pci_image_get(b.end, at + 12, 4) & 0xfff0ffff, 0x80200000u);
	CHECK_EQ(pci_image_get(b.down, PCI_REG_PREFETCH_WINDOW, 4), 0x40310001u);
	CHECK_EQ(pci_image_get(b.down, PCI_REG_MEMORY_WINDOW, 4), 0x80208000u);
	pci_image_set(b.end, SRIOV_AT + PCI_SRIOV_CONTROL, 2,
		      PCI_SRIOV_ENABLE | PCI_SRIOV_MEMORY);
	pci_wipe(&b.t->fabric);
	CHECK_EQ(pci_image_get(b.end, SRIOV_AT + PCI_SRIOV_CONTROL, 2), 0);
	CHECK_EQ(pci_image_get(b.end, at + 12, 4), 0);
	topology_free(b.t);
}

TEST(pci_assign, A_T47_wiped_machine_gets_the_same_numbers_and_places_again)
{
	struct board b = build();
	uint8_t before[64];

	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 5);
	memcpy(before, b.down->value, sizeof(before));
	pci_image_set(b.end, PCI_REG_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	pci_wipe(&b.t->fabric);
	CHECK_EQ(pci_image_get(b.end, PCI_REG_COMMAND, 2), 0);
	CHECK_EQ(pci_image_get(b.end, PCI_REG_BAR0 + 12, 4), 0);
	CHECK_EQ(pci_image_get(b.root, PCI_REG_BUS_NUMBERS, 4) & 0xffffff, 0);
	CHECK_EQ(pci_image_get(b.root, PCI_REG_MEMORY_WINDOW, 4), 0x0000fff0);
	topology_enumerate(b.t);
	CHECK(b.t->fabric.renumbered);
	CHECK_EQ(b.t->fabric.defect_count, 0);
	CHECK(pci_is_unconfigured(&b.t->fabric));
	CHECK_EQ(pci_assign(&b.t->fabric, apertures), 5);
	CHECK(memcmp(before, b.down->value, sizeof(before)) == 0);
	topology_free(b.t);
}

/* Firmware's work is found by one BAR, and nothing was written to find it. */
TEST(pci_assign, configured_machine_is_known_without_a_write)
{
	struct board b = build();
	uint64_t writes;

	pci_image_set(b.end, PCI_REG_BAR0 + 12, 4, 0xfea00000);
	writes = b.t->image.access.writes;
	CHECK(!pci_is_unconfigured(&b.t->fabric));
	CHECK_EQ(b.t->image.access.writes, writes);
	topology_free(b.t);
}

#ifdef QUIRE_TEST_HOOKS
TEST(pci_assign, shortage_of_memory_places_nothing)
{
	struct board b = build();
	unsigned shortages = 0;

	for (unsigned n = 1;; n++) {
		int placed;

		fault_arm(n);
		placed = pci_assign(&b.t->fabric, apertures);
		if (!fault_disarm()) {
			CHECK_EQ(placed, 5);
			break;
		}
		shortages++;
		REQUIRE(placed == -ENOMEM);
		REQUIRE(pci_is_unconfigured(&b.t->fabric));
	}
	CHECK(shortages >= 14); /* five BARs, three windows of three bridges */
	topology_free(b.t);
}
#endif

// SPDX-License-Identifier: MIT
/*
 * What the transports believe of hardware, firmware and command line: PCI capability structures
 * against their BARs, device ids, doorbells, and places of MMIO devices.
 */
#include <drivers/virtio/virtio_mmio.h>
#include <drivers/virtio/virtio_pci.h>

#include <errno.h>
#include <kernel/bits.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

static const struct pci_bar bar = {
	.kind = PCI_BAR_MEMORY64, .base = 0xe0000000, .size = 0x4000};

static struct virtio_pci_region region(uint8_t type, uint32_t offset, uint32_t length)
{
	return (struct virtio_pci_region){
		.length_of_capability = 20, .type = type, .offset = offset, .length = length};
}

static const char *problem(uint8_t type, uint32_t offset, uint32_t length)
{
	struct virtio_pci_region r = region(type, offset, length);

	return virtio_pci_region_problem(&r, &bar);
}

TEST(virtio_transport, structures_inside_their_bar_are_taken)
{
	CHECK(problem(VIRTIO_PCI_COMMON, 0, 0x1000) == NULL);
	CHECK(problem(VIRTIO_PCI_COMMON, 0x4000 - 56, 56) == NULL);
	CHECK(problem(VIRTIO_PCI_NOTIFY, 0x3000, 0x1000) == NULL);
	CHECK(problem(VIRTIO_PCI_ISR, 0x1000, 1) == NULL);
	CHECK(problem(VIRTIO_PCI_CONFIG, 0x2000, 8) == NULL);
}

TEST(virtio_transport, structures_that_leave_their_bar_are_refused)
{
	CHECK(problem(VIRTIO_PCI_COMMON, 0x4000 - 52, 56) != NULL);
	CHECK(problem(VIRTIO_PCI_COMMON, 0x4000, 56) != NULL);
	CHECK(problem(VIRTIO_PCI_COMMON, 0xfffffff0, 56) != NULL);
	CHECK(problem(VIRTIO_PCI_CONFIG, 16, 0xffffffff) != NULL);
	CHECK(problem(VIRTIO_PCI_NOTIFY, 0x3ffc, 8) != NULL);
}

TEST(virtio_transport, structures_too_small_or_crooked_are_refused)
{
	struct virtio_pci_region short_notify = region(VIRTIO_PCI_NOTIFY, 0, 0x1000);
	struct virtio_pci_region short_any = region(VIRTIO_PCI_ISR, 0, 4);

	CHECK(problem(VIRTIO_PCI_COMMON, 0, 55) != NULL);
	CHECK(problem(VIRTIO_PCI_NOTIFY, 0, 1) != NULL);
	CHECK(problem(VIRTIO_PCI_CONFIG, 0, 0) != NULL);
	CHECK(problem(VIRTIO_PCI_COMMON, 2, 0x100) != NULL);
	short_notify.length_of_capability = 16;
	CHECK(virtio_pci_region_problem(&short_notify, &bar) != NULL);
	short_any.length_of_capability = 15;
	CHECK(virtio_pci_region_problem(&short_any, &bar) != NULL);
}

TEST(virtio_transport, structures_in_port_space_or_nowhere_are_refused)
{
	struct virtio_pci_region r = region(VIRTIO_PCI_COMMON, 0, 56);
	struct pci_bar io = {.kind = PCI_BAR_IO, .size = 0x100};
	struct pci_bar none = {.kind = PCI_BAR_NONE};

	CHECK(virtio_pci_region_problem(&r, &io) != NULL);
	CHECK(virtio_pci_region_problem(&r, &none) != NULL);
}

TEST(virtio_transport, doorbells_lie_inside_the_notify_structure)
{
	struct virtio_pci_region notify = region(VIRTIO_PCI_NOTIFY, 0, 16);

	notify.multiplier = 4;
	CHECK(virtio_pci_doorbell_fits(&notify, 0));
	CHECK(virtio_pci_doorbell_fits(&notify, 3));
	CHECK(!virtio_pci_doorbell_fits(&notify, 4));
	notify.multiplier = 0;
	CHECK(virtio_pci_doorbell_fits(&notify, 65535));
	notify.multiplier = UINT32_MAX;
	CHECK(!virtio_pci_doorbell_fits(&notify, 65535));
	notify.multiplier = 3;
	CHECK(!virtio_pci_doorbell_fits(&notify, 1));
}

TEST(virtio_transport, device_type_follows_from_the_ids)
{
	CHECK_EQ(virtio_pci_type(0x1af4, 0x1045, 0x1100), 5);
	CHECK_EQ(virtio_pci_type(0x1af4, 0x1002, 5), 5);
	CHECK_EQ(virtio_pci_type(0x1af4, 0x1080, 5), 0);
	CHECK_EQ(virtio_pci_type(0x1af4, 0x0fff, 5), 0);
	CHECK_EQ(virtio_pci_type(0x8086, 0x1045, 5), 0);
	CHECK_EQ(virtio_pci_type(0x1af4, 0x1040, 5), 0);
}

static int parse(const char *text, struct virtio_mmio_place *place)
{
	return virtio_mmio_place_parse(text, strlen(text), place);
}

TEST(virtio_transport, places_are_read_in_the_forms_hypervisors_write)
{
	struct virtio_mmio_place place;

	CHECK_EQ(parse("512@0xfeb00e00:12", &place), 0);
	CHECK_EQ(place.size, 512);
	CHECK_EQ(place.address, 0xfeb00e00);
	CHECK_EQ(place.line, 12);
	CHECK_EQ(parse("4K@0xd0000000:5", &place), 0);
	CHECK_EQ(place.size, 4096);
	CHECK_EQ(place.line, 5);
	CHECK_EQ(parse("0x1000@0xd0001000:6:3", &place), 0);
	CHECK_EQ(place.line, 6);
}

TEST(virtio_transport, places_that_make_no_sense_are_refused)
{
	static const char *const bad[] = {
		"",
		"512",
		"512@",
		"512@0xfeb00e00",
		"512@0xfeb00e00:",
		"@0xfeb00e00:5",
		"512@0xfeb00e00:five",
		"512@0xfeb00e01:5",
		"16@0xfeb00e00:5",
		"2M@0xfeb00e00:5",
		"512@0xfffffffffffffffc:5",
		"512@0xfeb00e00:65536",
		"512@0xfeb00e00:-1",
		"99999999999999999999999999999999999999@0:5",
	};
	struct virtio_mmio_place place;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(parse(bad[i], &place), -EINVAL);
}

TEST(virtio_transport, words_that_name_no_place_are_reported_and_skipped)
{
	unsigned found;

	text_sink_open();
	found = virtio_mmio_probe_all("run=\"x; y\" virtio_mmio.device virtio_mmio.device=1@2 "
				      "virtio_mmio.devices=512@0x0:5");
	CHECK(strstr(text_sink_close(), "virtio_mmio.device=1@2: not SIZE@ADDRESS:LINE") !=
	      NULL);
	CHECK_EQ(found, 0);
}

// SPDX-License-Identifier: MIT
/*
 * The checks in front of every back end, and the text form of addresses.
 */
#include <errno.h>
#include <pci/config.h>
#include <tools/pci/image.h>
#include <tools/pci/names.h>
#include <pci/regs.h>
#include <kernel/bits.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

TEST(pci_config, A_T45_wrong_accesses_are_refused_without_touching_hardware)
{
	static const struct {
		unsigned offset, width, space;
		int error;
	} cases[] = {
		{1, 2, 4096, -EINVAL},          {0xe, 4, 4096, -EINVAL},
		{0, 8, 4096, -EINVAL},          {0, 0, 4096, -EINVAL},
		{0, 3, 4096, -EINVAL},          {0x100, 1, 256, -ERANGE},
		{0x100, 4, 256, -ERANGE},       {4096, 1, 4096, -ERANGE},
		{0xfffffffc, 4, 4096, -ERANGE},
	};
	struct pci_image image;
	struct pci_address address = {0};
	uint32_t value;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_image_function *function;

		pci_image_init(&image, false);
		function = pci_image_add(&image, address, cases[i].space);
		REQUIRE(function != NULL);
		value = 0;
		CHECK_EQ((uint64_t)pci_config_read(&image.access, address, cases[i].offset,
						   cases[i].width, &value),
			 (uint64_t)cases[i].error);
		CHECK_EQ(value, pci_config_all_ones(cases[i].width));
		CHECK_EQ((uint64_t)pci_config_write(&image.access, address, cases[i].offset,
						    cases[i].width, 0),
			 (uint64_t)cases[i].error);
		CHECK_EQ(image.access.reads + image.access.writes + function->reads, 0);
		pci_image_destroy(&image);
	}
}

TEST(pci_config, last_register_of_each_width_can_be_read)
{
	struct pci_image image;
	struct pci_address address = {0};
	struct pci_image_function *function;
	uint32_t value;

	pci_image_init(&image, false);
	function = pci_image_add(&image, address, PCI_SPACE_EXPRESS);
	REQUIRE(function != NULL);
	pci_image_set(function, 4092, 4, 0x44332211);
	CHECK(pci_config_read(&image.access, address, 4092, 4, &value) == 0);
	CHECK_EQ(value, 0x44332211);
	CHECK(pci_config_read(&image.access, address, 4094, 2, &value) == 0);
	CHECK_EQ(value, 0x4433);
	CHECK(pci_config_read(&image.access, address, 4095, 1, &value) == 0);
	CHECK_EQ(value, 0x44);
	CHECK_EQ(image.access.reads, 3);
	pci_image_destroy(&image);
}

TEST(pci_config, A_T46_16_bit_write_leaves_the_status_register_beside_it_alone)
{
	static const uint8_t expected[] = {0x40, 0x02, 0x34, 0x12};
	struct pci_image image;
	struct pci_address address = {0};
	struct pci_image_function *function;

	pci_image_init(&image, false);
	function = pci_image_add(&image, address, PCI_SPACE_CONVENTIONAL);
	REQUIRE(function != NULL);
	pci_image_set(function, 0x6a, 2, 0x1234);
	pci_image_set_writable(function, 0x68, 2, 0xffff);
	pci_image_set_clear_on_write(function, 0x6a, 2, 0xffff);
	CHECK(pci_config_write(&image.access, address, 0x68, 2, 0x0240) == 0);
	for (unsigned i = 0; i < sizeof(expected); i++)
		CHECK_EQ(pci_image_get(function, 0x68 + i, 1), expected[i]);
	CHECK(pci_config_write(&image.access, address, 0x6a, 2, 0x0004) == 0);
	CHECK_EQ(pci_image_get(function, 0x6a, 2), 0x1230); /* one is cleared by writing one */
	pci_image_destroy(&image);
}

TEST(pci_config, absent_function_reads_all_ones_and_swallows_writes)
{
	struct pci_image image;
	uint32_t value = 0;

	pci_image_init(&image, false);
	CHECK(pci_config_read(&image.access, pci_address(0, 7, 3, 1), 0, 4, &value) == 0);
	CHECK_EQ(value, 0xffffffff);
	CHECK(pci_config_write(&image.access, pci_address(0, 7, 3, 1), 0, 4, 0) == 0);
	pci_image_destroy(&image);
}

TEST(pci_address, text_is_read_with_and_without_a_segment)
{
	static const struct {
		const char *text;
		int length;
		struct pci_address address;
	} good[] = {
		{"00:1f.7", 7, {0, 0, DEVFN(0x1f, 7)}},
		{"0001:ff:00.1 x", 12, {1, 0xff, DEVFN(0, 1)}},
		{"10000:e1:00.0", 13, {0x10000, 0xe1, DEVFN(0, 0)}},
		{"3:2.1", 5, {0, 3, DEVFN(2, 1)}},
	};
	static const char *const bad[] = {"",        "00",        "00:",     "00:20.0",
					  "00:1f.8", "100:00.0",  "00:00.",  "00.0",
					  "x0:00.0", "0:0:0:0.0", "00:00.00"};
	struct pci_address address;

	for (unsigned i = 0; i < ARRAY_SIZE(good); i++) {
		CHECK_EQ((uint64_t)pci_address_parse(good[i].text, &address),
			 (uint64_t)good[i].length);
		CHECK(pci_address_equal(address, good[i].address));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(pci_address_parse(bad[i], &address) == -EINVAL);
}

TEST(pci_address, text_is_written_with_a_segment)
{
	char text[PCI_ADDRESS_TEXT];

	CHECK_STR(pci_address_format(pci_address(0, 3, 0, 1), text), "0000:03:00.1");
	CHECK_STR(pci_address_format(pci_address(UINT32_MAX, 255, 31, 7), text),
		  "ffffffff:ff:1f.7");
}

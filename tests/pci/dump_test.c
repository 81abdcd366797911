// SPDX-License-Identifier: MIT
/*
 * Dumps as people paste them.
 */
#include <errno.h>
#include <pci/enumerate.h>
#include <string.h>
#include <tests/pci/topology.h>
#include <tests/test.h>
#include <tools/pci/dump.h>

#define ROW  "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"
#define HEAD "34 12 78 56 00 00 00 00 01 00 00 02 00 00 00 00"

static const char plain[] = "03:00.1 Ethernet controller: Device 1234:5678\n"
			    "\tFlags: fast devsel\n"
			    "00: " HEAD "\n10: " ROW "\n20: " ROW "\n30: " ROW "\n\n"
			    "0001:04:00.0 nothing is known of this one\n";

static int parse(struct pci_image *image, const char *text, struct pci_dump_report *report)
{
	pci_image_init(image, true);
	return pci_dump_parse(text, strlen(text), image, report);
}

static void check_plain(const char *text)
{
	struct pci_image image;
	struct pci_dump_report report;
	struct pci_fabric fabric;
	struct pci_device *device;
	int error = parse(&image, text, &report);

	if (error)
		pci_image_destroy(&image);
	REQUIRE(error == 0);
	CHECK_EQ(report.functions, 2);
	CHECK_EQ(report.counts[PCI_DUMP_WITHOUT], 1);
	CHECK_EQ(report.note_count, 1);
	pci_fabric_init(&fabric, &image.access);
	error = pci_enumerate(&fabric);
	if (error)
		pci_fabric_clear(&fabric);
	REQUIRE(error == 0);
	device = pci_device_find(&fabric, pci_address(0, 3, 0, 1));
	REQUIRE(device != NULL);
	CHECK_EQ(device->vendor, 0x1234);
	CHECK_EQ(device->class_code, 0x020000);
	device = pci_device_find(&fabric, pci_address(1, 4, 0, 0));
	REQUIRE(device != NULL);
	CHECK_EQ(device->readability, PCI_UNREADABLE);
	pci_fabric_clear(&fabric);
	pci_image_destroy(&image);
}

TEST(pci_dump, functions_and_bytes_are_read)
{
	check_plain(plain);
}

TEST(pci_dump, carriage_returns_and_quoting_do_not_matter)
{
	char text[2 * sizeof(plain)];
	size_t used = 0;

	for (size_t i = 0; plain[i]; i++) {
		if (i == 0 || plain[i - 1] == '\n') {
			text[used++] = '>';
			text[used++] = ' ';
		}
		if (plain[i] == '\n')
			text[used++] = '\r';
		text[used++] = plain[i];
	}
	text[used] = '\0';
	check_plain(text);
}

TEST(pci_dump, lines_that_make_no_sense_are_named)
{
	static const struct {
		const char *text;
		unsigned line;
		enum pci_dump_complaint complaint;
	} cases[] = {
		{"00:00.0 x\n00: 11 22 33\n", 2, PCI_DUMP_SHORT_LINE},
		{"00:00.0 x\n00: " HEAD "\n20: " ROW "\n", 3, PCI_DUMP_GAP},
		{"00:00.0 x\n08: " HEAD "\n", 2, PCI_DUMP_OFFSET},
		{"00: " HEAD "\n00:00.0 x\n", 1, PCI_DUMP_NO_FUNCTION},
		{"00:00.0 x\n1000: " HEAD "\n", 2, PCI_DUMP_OFFSET},
	};
	struct pci_image image;
	struct pci_dump_report report;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ(parse(&image, cases[i].text, &report), 0);
		CHECK_EQ(report.notes[0].line, cases[i].line);
		CHECK_EQ(report.notes[0].complaint, cases[i].complaint);
		CHECK_EQ(report.counts[cases[i].complaint], 1);
		CHECK(pci_dump_complaint_text(cases[i].complaint) != NULL);
		pci_image_destroy(&image);
	}
}

TEST(pci_dump, rubbish_is_an_error_and_a_repeated_function_counts_once)
{
	struct pci_image image;
	struct pci_dump_report report;

	CHECK_EQ((uint64_t)parse(&image, "", &report), (uint64_t)-EINVAL);
	pci_image_destroy(&image);
	CHECK_EQ((uint64_t)parse(&image, "hello\n\x01\xff\n:::\n", &report), (uint64_t)-EINVAL);
	pci_image_destroy(&image);
	CHECK_EQ(parse(&image, "00:00.0 a\n00:00.0 b\n", &report), 0);
	CHECK_EQ(report.counts[PCI_DUMP_REPEATED], 1);
	CHECK_EQ(report.functions, 1);
	pci_image_destroy(&image);
}

// SPDX-License-Identifier: MIT
/*
 * Row 60: the verdicts of real machines. Their dumps are GPL data and not part of the project:
 * they are read from ../shared/fixtures/pci (or QUIRE_PCI_FIXTURES), and where that is absent
 * the tests say SKIP. Hosted only.
 */
#include <tools/pci/atomic_report.h>
#include <tools/pci/names.h>
#include <pci/enumerate.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <tests/pci/topology.h>
#include <tests/test.h>
#include <tools/pci/dump.h>

#define FILE_MAX (1024 * 1024)

static FILE *open_fixture(const char *name)
{
	const char *folders[] = {getenv("QUIRE_PCI_FIXTURES"), "../shared/fixtures/pci",
				 "../../shared/fixtures/pci", "../../../shared/fixtures/pci",
				 "../../../../shared/fixtures/pci"};
	char path[512];

	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++) {
		FILE *file;

		if (!folders[i])
			continue;
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		file = fopen(path, "rb");
		if (file)
			return file;
	}
	SKIP("no folder of fixtures: set QUIRE_PCI_FIXTURES");
}

/* The machine of a dump, enumerated. */
static struct topology *load(const char *name)
{
	static char text[FILE_MAX];
	FILE *file = open_fixture(name);
	size_t length = fread(text, 1, FILE_MAX, file);
	struct pci_dump_report report;
	struct topology *t;
	int error;

	fclose(file);
	t = topology_new();
	pci_image_init(&t->image, true);
	error = pci_dump_parse(text, length, &t->image, &report);
	if (error == -ENOMEM)
		pci_image_destroy(&t->image); /* what was read is kept */
	REQUIRE(error == 0);
	CHECK_EQ(report.note_count, 0);
	topology_enumerate(t);
	return t;
}

static struct pci_device *device_at(struct topology *t, const char *text)
{
	struct pci_address address;
	struct pci_device *device;

	REQUIRE(pci_address_parse(text, &address) > 0);
	device = pci_device_find(&t->fabric, address);
	REQUIRE(device != NULL);
	return device;
}

/* All three sizes have this verdict. */
static bool all_are(struct topology *t, const struct pci_device *device,
		    enum atomic_verdict verdict)
{
	static const uint32_t sizes[] = {ATOMIC_32, ATOMIC_64, ATOMIC_128};

	REQUIRE(atomic_ops_evaluate(device, ATOMIC_ALL, &t->result) == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (atomic_result_verdict(&t->result, sizes[i]) != verdict)
			return false;
	}
	return true;
}

static bool found(struct topology *t, enum atomic_reason reason, const char *where)
{
	return atomic_result_has(&t->result, reason, device_at(t, where));
}

TEST(pci_fixtures, A_T60_adapter_below_a_complete_root_port)
{
	struct topology *t = load("f1-haswell-rp-connectx3pro.txt");

	CHECK(all_are(t, device_at(t, "03:00.0"), ATOMIC_YES));
	CHECK_EQ(topology_causes(t), 0);
	topology_free(t);
}

TEST(pci_fixtures, A_T60_root_port_with_an_endpoint_header)
{
	struct topology *t = load("f2-broadwell-dmi-type0-rootport.txt");

	CHECK(all_are(t, device_at(t, "00:00.0"), ATOMIC_NO));
	CHECK(found(t, ATOMIC_REQ_TYPE, "00:00.0"));
	topology_free(t);
}

TEST(pci_fixtures, A_T60_board_with_a_switch_that_does_not_route)
{
	struct topology *t = load("f3-asus-p6t6-nf200-switch.txt");

	CHECK(all_are(t, device_at(t, "04:00.0"), ATOMIC_NO));
	CHECK(found(t, ATOMIC_HOP_NO_ROUTE, "02:00.0"));
	CHECK(atomic_result_has(&t->result, ATOMIC_HOP_NO_ROUTE,
				device_at(t, "04:00.0")->parent));
	CHECK(found(t, ATOMIC_ROOT_NO_64, "00:03.0"));
	CHECK(all_are(t, device_at(t, "06:00.0"), ATOMIC_NO));
	CHECK(found(t, ATOMIC_ROOT_NO_32, "00:07.0"));
	CHECK(all_are(t, device_at(t, "07:00.0"), ATOMIC_NO));
	CHECK(found(t, ATOMIC_REQ_CAP_V1, "07:00.0"));
	CHECK(all_are(t, device_at(t, "08:00.0"), ATOMIC_NO));
	CHECK(found(t, ATOMIC_REQ_CAP_V1, "08:00.0"));
	topology_free(t);
}

/* RCiEPs of the same board are open (00:14.3 has no capability at all and is none); everything
 * else is a NO. */
TEST(pci_fixtures, A_T60_rest_of_the_board)
{
	static const char *const integrated[] = {"00:14.0", "00:14.1", "00:14.2", "00:1b.0"};
	struct topology *t = load("f3-asus-p6t6-nf200-switch.txt");
	struct pci_device *device;
	unsigned unknown = 0, no = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(integrated); i++)
		CHECK(all_are(t, device_at(t, integrated[i]), ATOMIC_UNKNOWN));
	pci_for_each_device (device, &t->fabric) {
		if (all_are(t, device, ATOMIC_UNKNOWN))
			unknown++;
		else if (all_are(t, device, ATOMIC_NO))
			no++;
	}
	CHECK_EQ(unknown, ARRAY_SIZE(integrated));
	CHECK_EQ(no + unknown, 53);
	topology_free(t);
}

TEST(pci_fixtures, A_T60_integrated_endpoints_with_and_without_completers)
{
	struct topology *t = load("f4-cxl-rciep-with-completer-bits.txt");

	CHECK(all_are(t, device_at(t, "6b:00.0"), ATOMIC_UNKNOWN));
	CHECK(found(t, ATOMIC_REQ_RCIEP, "6b:00.0"));
	CHECK(all_are(t, device_at(t, "7f:00.0"), ATOMIC_UNKNOWN));
	topology_free(t);
}

TEST(pci_fixtures, A_T60_server_before_pci_express)
{
	struct topology *t = load("f5-pcix-bridges-and-domains.txt");
	struct pci_device *device;
	unsigned bridged = 0;

	CHECK_EQ(t->fabric.device_count, 31);
	pci_for_each_device (device, &t->fabric) {
		CHECK(all_are(t, device, ATOMIC_NO));
		CHECK(atomic_result_has(&t->result, ATOMIC_REQ_NOT_PCIE, device));
		bridged += device->parent != NULL;
	}
	CHECK(bridged > 0);
	topology_free(t);
}

TEST(pci_fixtures, A_T60_empty_slot_behind_a_routing_switch)
{
	struct topology *t = load("f6-pex8724-below-kabylake-rp.hex");
	struct pci_device *port = device_at(t, "02:01.0");

	CHECK(atomic_report_is_slot(port));
	CHECK_EQ(atomic_ops_evaluate_slot(port, ATOMIC_ALL, &t->result), 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_ALL), ATOMIC_YES);
	CHECK_EQ(topology_causes(t), 0);
	topology_free(t);
}

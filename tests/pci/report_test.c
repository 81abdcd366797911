// SPDX-License-Identifier: MIT
/*
 * What people see: atomics and lspci as text and JSON.
 */
#include <errno.h>
#include <tools/pci/atomic_report.h>
#include <tools/pci/lspci.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/pci/topology.h>
#include <tests/test.h>

#define ROUTE TOPOLOGY_ROUTE

static struct atomic_report report_of(struct topology *t, bool hypervisor)
{
	return (struct atomic_report){&t->fabric, "a firmware", "image", hypervisor};
}

static const char *print_report(const struct atomic_report *report,
				const struct pci_device *only)
{
	int error;

	text_sink_open();
	error = atomic_report_print(report, only, false);
	CHECK_EQ(error, 0);
	return text_sink_close();
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		n++;
	return n;
}

TEST(pci_report, A_T61_emulated_root_port_gives_the_hint)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), 0);
	struct pci_image_function *endpoint = topology_endpoint(t, root);
	struct pci_device *device;
	struct atomic_report report = report_of(t, false);

	device = topology_device(t, endpoint);
	CHECK(!strstr(print_report(&report, device), "hypervisor's statement"));
	pci_image_set(root, PCI_REG_VENDOR, 4, 0x000c1b36);
	pci_fabric_clear(&t->fabric);
	device = topology_device(t, endpoint);
	CHECK(strstr(print_report(&report, device), "hypervisor's statement"));
	CHECK(strstr(print_report(&report, device), "r32=NO"));
	pci_image_set(root, PCI_REG_VENDOR, 4, 0x11112222);
	pci_fabric_clear(&t->fabric);
	device = topology_device(t, endpoint);
	report.hypervisor = true;
	CHECK(strstr(print_report(&report, device), "hypervisor's statement"));
	topology_free(t);
}

TEST(pci_report, A_T62_all_causes_in_hop_order_and_one_line_for_machines)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), 0);
	struct pci_image_function *up, *down = topology_switch(t, root, 0, 0, &up);
	struct pci_image_function *endpoint = topology_endpoint(t, down);
	struct atomic_report report = report_of(t, false);
	struct pci_device *device;
	const char *text;

	topology_set_control2(up, PCI_EXP_EGRESS_BLOCK);
	topology_add_extended(endpoint, PCI_EXT_FIRST, 0x0003); /* a serial number */
	pci_image_set(endpoint, PCI_EXT_FIRST + 4, 4, 0xdeadbee1);
	device = topology_device(t, endpoint);
	text = print_report(&report, device);
	CHECK_EQ(count(text, "\nLINE "), 1);
	CHECK(strstr(text, "dev=0000:03:00.0 r32=NO r64=NO r128=NO "
			   "why=HOP_NO_ROUTE@0000:02:02.0,HOP_NO_ROUTE@0000:01:00.0,"
			   "HOP_EGRESS_BLOCK@0000:01:00.0,ROOT_NO_32@0000:00:01.0,"
			   "ROOT_NO_64@0000:00:01.0,ROOT_NO_128@0000:00:01.0\n"));
	CHECK(strstr(text, "first cause: HOP_NO_ROUTE at hop 1"));
	CHECK(!strstr(text, "deadbee1"));
	CHECK(!pci_image_was_read(endpoint, PCI_EXT_FIRST + 4, 8));
	topology_free(t);
}

TEST(pci_report, A_T24_virtual_function_shows_the_state_of_its_owner)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *pf = topology_endpoint(t, root);
	struct pci_image_function *vf =
		topology_express(t, root, DEVFN(0, 1), PCI_TYPE_ENDPOINT, 0);
	struct atomic_report report = report_of(t, false);
	struct pci_device *device;
	const char *text;

	topology_set_control2(pf, PCI_EXP_REQUESTER);
	device = topology_device(t, vf);
	device->physical_function = topology_device(t, pf);
	text = print_report(&report, device);
	CHECK(strstr(text, "physical function 0000:01:00.0, ReqEn=1"));
	CHECK(strstr(text, "r64=NO"));
	CHECK(strstr(text, "why=REQ_VF@0000:01:00.1\n"));
	topology_free(t);
}

TEST(pci_report, A_T50_empty_slots_are_listed_with_verdict_and_cause)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *up, *down = topology_switch(t, root, ROUTE, 0, &up);
	struct atomic_report report = report_of(t, false);
	const char *text;

	topology_root_port(t, DEVFN(2, 0), 0);
	topology_device(t, down);
	text = print_report(&report, NULL);
	CHECK(strstr(text, "0000:00:02.0  -     empty         NO      NO      NO"));
	CHECK(strstr(text, "0000:02:02.0  -     empty         NO      NO      NO"));
	CHECK(strstr(text, "HOP_NO_ROUTE@0000:02:02.0"));
	CHECK(strstr(text, "0000:00:01.0  -     0000:01:00.0  YES     YES     YES"));
	topology_free(t);
}

TEST(pci_report, notes_explain_what_is_harmless)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct atomic_report report = report_of(t, false);

	topology_set_control2(root, PCI_EXP_EGRESS_BLOCK);
	topology_device(t, root);
	CHECK(strstr(print_report(&report, NULL), "NOTES    INFO_RP_EGRESS 0000:00:01.0: "));
	topology_free(t);
}

TEST(pci_report, json_is_one_line_with_the_same_verdicts)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_32);
	struct atomic_report report = report_of(t, false);
	const char *text;
	int error;

	topology_device(t, topology_endpoint(t, root));
	text_sink_open();
	error = atomic_report_print(&report, NULL, true);
	text = text_sink_close();
	CHECK_EQ(error, 0);
	CHECK_EQ(count(text, "\n"), 1);
	CHECK(strstr(text, "\"device\":\"0000:01:00.0\""));
	CHECK(strstr(text, "\"r32\":\"YES\",\"r64\":\"NO\",\"r128\":\"NO\""));
	CHECK(strstr(text, "\"slots\":[{\"port\":\"0000:00:01.0\",\"link\":\"-\","
			   "\"now\":\"0000:01:00.0\",\"r32\":\"YES\",\"r64\":\"NO\""));
	topology_free(t);
}

static const char *run_atomics(struct topology *t, int expected, char *a, char *b, char *c,
			       char *d)
{
	char name[] = "atomics";
	char *argv[] = {name, a, b, c, d, NULL};
	struct atomic_report report = report_of(t, false);
	int argc = 1, error;

	while (argv[argc])
		argc++;
	text_sink_open();
	error = atomics_run(&report, argc, argv);
	CHECK_EQ((uint64_t)error, (uint64_t)expected);
	return text_sink_close();
}

TEST(pci_report, command_enables_and_clears_only_when_told)
{
	struct topology *t = topology_new();
	struct pci_image_function *root =
		topology_root_port(t, DEVFN(1, 0), ATOMIC_32 | ATOMIC_64);
	struct pci_image_function *endpoint = topology_endpoint(t, root);
	char enable[] = "--enable", clear[] = "--clear", address[] = "01:00.0";
	char sizes[] = "--sizes", wide[] = "64,128", wrong[] = "16", nobody[] = "05:00.0";
	char both[] = "32,64";

	topology_device(t, endpoint);
	CHECK(strstr(run_atomics(t, -EPERM, enable, address, sizes, wide), "enabled: no"));
	CHECK_EQ(endpoint->writes, 0);
	CHECK(strstr(run_atomics(t, 0, enable, address, NULL, NULL), "enabled: yes"));
	CHECK_EQ(pci_image_get(endpoint, TOPOLOGY_DEVCTL2, 2), PCI_EXP_REQUESTER);
	CHECK(strstr(run_atomics(t, 0, clear, address, NULL, NULL), "cleared: yes"));
	CHECK_EQ(pci_image_get(endpoint, TOPOLOGY_DEVCTL2, 2), 0);
	CHECK(strstr(run_atomics(t, 0, enable, address, sizes, both), "enabled: yes"));
	CHECK_EQ(pci_image_get(endpoint, TOPOLOGY_DEVCTL2, 2), PCI_EXP_REQUESTER);
	CHECK(strstr(run_atomics(t, -EINVAL, enable, address, sizes, wrong), "ARG_MASK"));
	CHECK(strstr(run_atomics(t, -EINVAL, enable, NULL, NULL, NULL), "say which function"));
	CHECK(strstr(run_atomics(t, -ENODEV, nobody, NULL, NULL, NULL), "no function at"));
	CHECK(strstr(run_atomics(t, -EINVAL, wide, NULL, NULL, NULL), "neither an option"));
	topology_free(t);
}

static const char *run_lspci(struct topology *t, int expected, char *a, char *b)
{
	char name[] = "lspci";
	char *argv[] = {name, a, b, NULL};
	int error;

	text_sink_open();
	error = lspci_run(&t->fabric, a ? b ? 3 : 2 : 1, argv);
	CHECK_EQ((uint64_t)error, (uint64_t)expected);
	return text_sink_close();
}

TEST(pci_lspci, tree_has_the_familiar_form)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *up, *down = topology_switch(t, root, ROUTE, ROUTE, &up);
	char tree[] = "-t";

	topology_express(t, up, DEVFN(5, 0), PCI_TYPE_DOWNSTREAM_PORT, 0);
	topology_endpoint(t, down);
	topology_express(t, down, DEVFN(0, 1), PCI_TYPE_ENDPOINT, 0);
	topology_conventional(t, NULL, DEVFN(0x1f, 0));
	topology_device(t, root);
	CHECK_STR(run_lspci(t, 0, tree, NULL),
		  "-[0000:00]-+-01.0-[01-04]----00.0-[02-04]--+-02.0-[03]--+-00.0\n"
		  "           |                               |            \\-00.1\n"
		  "           |                               \\-05.0-[04]-\n"
		  "           \\-1f.0\n");
	topology_free(t);
}

TEST(pci_lspci, tree_joins_several_root_buses)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	char tree[] = "-t";

	topology_endpoint(t, root);
	for (unsigned bus = 0x40; bus < 0x60; bus += 0x10) {
		struct pci_image_function *other =
			pci_image_add(&t->image, pci_address(0, bus, 2, 0), 256);

		NEED(other, "out of memory");
		pci_image_set(other, PCI_REG_VENDOR, 4, 0x00011f02);
	}
	topology_conventional(t, NULL, DEVFN(2, 0));
	topology_device(t, root);
	CHECK_STR(run_lspci(t, 0, tree, NULL), "-+-[0000:00]-+-01.0-[01]----00.0\n"
					       " |           \\-02.0\n"
					       " +-[0000:40]---02.0\n"
					       " \\-[0000:50]---02.0\n");
	topology_free(t);
}

TEST(pci_lspci, functions_details_and_bytes_are_printed)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	struct pci_image_function *endpoint = topology_endpoint(t, root);
	char details[] = "-v", bytes[] = "-x", address[] = "01:00.0", wrong[] = "-q";
	char nobody[] = "02:00.0";
	const char *text;

	pci_image_set(endpoint, PCI_REG_BAR0, 4, 0xfebd000c);
	pci_image_set(endpoint, PCI_REG_BAR0 + 4, 4, 0x00000001);
	pci_image_set(endpoint, PCI_REG_BAR0 + 8, 4, 0x0000c001);
	pci_image_set(endpoint, PCI_REG_ROM, 4, 0xfea00001);
	pci_image_set(root, PCI_REG_IO_WINDOW, 2, 0xd0c0);
	pci_image_set(root, PCI_REG_MEMORY_WINDOW, 4, 0xfe10fe00);
	pci_image_set(root, PCI_REG_PREFETCH_WINDOW, 4, 0x0001fff1);
	topology_device(t, endpoint);
	CHECK_STR(run_lspci(t, 0, NULL, NULL),
		  "00:01.0 PCI bridge: Device 1f01:0002 (rev 01)\n"
		  "01:00.0 VGA compatible controller: Device 1f02:0001 (rev 01)\n");
	text = run_lspci(t, 0, details, NULL);
	CHECK(strstr(text, "\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n"));
	CHECK(strstr(text, "\tMemory at 1febd0000 (64-bit, prefetchable) [disabled]\n"));
	CHECK(strstr(text, "\tI/O ports at c000 [disabled]\n"));
	CHECK(strstr(text, "\tCapabilities: [40] Express (v2) Root Port (Slot-), MSI 00\n"));
	CHECK(strstr(text, "\tExpansion ROM at fea00000\n"));
	CHECK(strstr(text, "\tI/O behind bridge: c000-dfff [size=8K]\n"));
	CHECK(strstr(text, "\tMemory behind bridge: fe000000-fe1fffff [size=2M]\n"));
	CHECK(strstr(text, "\tPrefetchable memory behind bridge: [disabled]\n"));
	text = run_lspci(t, 0, bytes, address);
	CHECK(strstr(text, "\n00: 02 1f 01 00 00 00 10 00 01 00 00 03 00 00 80 00\n"));
	CHECK(strstr(text, "\n30: 01 00 a0 fe 40 00 00 00 00 00 00 00 00 00 00 00\n"));
	CHECK(!strstr(text, "\n40: "));
	CHECK(strstr(run_lspci(t, -EINVAL, wrong, NULL), "neither an option"));
	CHECK(strstr(run_lspci(t, -ENODEV, nobody, NULL), "no function at"));
	topology_free(t);
}

TEST(pci_lspci, json_is_one_line_with_the_tree)
{
	struct topology *t = topology_new();
	struct pci_image_function *root = topology_root_port(t, DEVFN(1, 0), ATOMIC_ALL);
	char json[] = "-j";
	const char *text;

	topology_device(t, topology_endpoint(t, root));
	text = run_lspci(t, 0, json, NULL);
	CHECK_EQ(count(text, "\n"), 1);
	CHECK(strstr(text, "\"type\":\"root port\",\"secondary\":1,\"subordinate\":1"));
	CHECK(strstr(text, "\"parent\":\"0000:00:01.0\""));
	topology_free(t);
}

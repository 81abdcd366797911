// SPDX-License-Identifier: MIT
/*
 * The text that people paste instead of bytes: an invented machine as `lspci -vvv` prints it,
 * then the ways in which such text is shortened, broken, quoted or wrong.
 */
#include <errno.h>
#include <kernel/format.h>
#include <pci/atomic_ops.h>
#include <pci/enumerate.h>
#include <string.h>
#include <tests/pci/topology.h>
#include <tests/test.h>
#include <tools/pci/dump.h>

#define PORT_HEAD                                                                             \
	"00:01.0 PCI bridge: Invented Works Root Port [abcd:0001] (rev 02) (prog-if 00 "      \
	"[Normal decode])\n"                                                                  \
	"\tControl: I/O+ Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- "    \
	"SERR- FastB2B- DisINTx+\n"                                                           \
	"\tStatus: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- " \
	">SERR- <PERR- INTx-\n"                                                               \
	"\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n"                    \
	"\tSecondary status: 66MHz- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort+ " \
	"<SERR- <PERR-\n"                                                                     \
	"\tCapabilities: [50] Power Management version 3\n"                                   \
	"\t\tStatus: D0 NoSoftRst+ PME-Enable- DSel=0 DScale=0 PME-\n"                        \
	"\tCapabilities: [90] Express (v2) Root Port (Slot+), MSI 00\n"                       \
	"\t\tLnkCap:\tPort #1, Speed 8GT/s, Width x16, ASPM L1, Exit Latency L1 <4us\n"       \
	"\t\tLnkSta:\tSpeed 8GT/s, Width x8, TrErr- Train- SlotClk+ DLActive+\n"
#define PORT_CAP2    "\t\tDevCap2: Completion Timeout: Range ABC, TimeoutDis+, LTR-, ARIFwd+\n"
#define PORT_ATOMICS "\t\t\t AtomicOpsCap: Routing- 32bit+ 64bit+ 128bitCAS-\n"
#define PORT_CTL2                                                                     \
	"\t\tDevCtl2: Completion Timeout: 50us to 50ms, TimeoutDis-, LTR-, ARIFwd-\n" \
	"\t\t\t AtomicOpsCtl: ReqEn- EgressBlck+\n"
#define CARD                                                                                  \
	"\n01:00.0 Ethernet controller [0200]: Invented Works Card [abcd:0002] (rev 10)\n"    \
	"\tControl: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- "    \
	"SERR- FastB2B- DisINTx-\n"                                                           \
	"\tStatus: Cap+ 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort- <MAbort- " \
	">SERR- <PERR- INTx-\n"                                                               \
	"\tCapabilities: [60] Express (v2) Endpoint, MSI 00\n"                                \
	"\t\tDevCap2: Completion Timeout: Not Supported, TimeoutDis-\n"                       \
	"\t\t\t AtomicOpsCap: 32bit- 64bit- 128bitCAS-\n"                                     \
	"\t\tDevCtl2: Completion Timeout: 50us to 50ms, TimeoutDis-\n"                        \
	"\t\t\t AtomicOpsCtl: ReqEn+\n"
#define WHOLE PORT_HEAD PORT_CAP2 PORT_ATOMICS PORT_CTL2 CARD
/* Bytes of the card: 64, as an unprivileged `lspci -x` prints them. */
#define CARD_BYTES                                              \
	"00: cd ab 02 00 06 00 10 00 10 00 00 02 00 00 00 00\n" \
	"10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n" \
	"20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n" \
	"30: 00 00 00 00 60 00 00 00 00 00 00 00 00 00 00 00\n"

static struct pci_dump_report notes;

static struct topology *machine_of(const char *text)
{
	struct topology *t = topology_new();
	int error;

	pci_image_init(&t->image, true);
	error = pci_dump_parse(text, strlen(text), &t->image, &notes);
	if (error == -ENOMEM)
		pci_image_destroy(&t->image); /* what was read is kept */
	REQUIRE(error == 0);
	topology_enumerate(t);
	return t;
}

static struct pci_device *at(struct topology *t, unsigned bus, unsigned device)
{
	struct pci_device *found = pci_device_find(&t->fabric, pci_address(0, bus, device, 0));

	REQUIRE(found != NULL);
	return found;
}

static enum atomic_verdict verdict(struct topology *t, uint32_t size)
{
	REQUIRE(atomic_ops_evaluate(at(t, 1, 0), ATOMIC_ALL, &t->result) == 0);
	return atomic_result_verdict(&t->result, size);
}

/* The verdicts of the whole text, which is complete. */
static void check_whole(const char *text)
{
	struct topology *t = machine_of(text);

	CHECK_EQ(notes.functions, 2);
	CHECK_EQ(notes.from_text, 2);
	CHECK_EQ(notes.note_count, 0);
	CHECK_EQ(verdict(t, ATOMIC_32), ATOMIC_YES);
	CHECK_EQ(verdict(t, ATOMIC_64), ATOMIC_YES);
	CHECK_EQ(verdict(t, ATOMIC_128), ATOMIC_NO);
	CHECK(atomic_result_has(&t->result, ATOMIC_ROOT_NO_128, at(t, 0, 1)));
	CHECK(atomic_result_has(&t->result, ATOMIC_INFO_RP_EGRESS, at(t, 0, 1)));
	topology_free(t);
}

TEST(lspci_text, verdicts_come_from_words)
{
	check_whole(WHOLE);
}

TEST(lspci_text, header_and_ids_are_read)
{
	struct topology *t = machine_of(WHOLE);
	struct pci_device *port = at(t, 0, 1), *card = at(t, 1, 0);

	CHECK_EQ(port->vendor, 0xabcd);
	CHECK_EQ(port->device, 1);
	CHECK_EQ(port->class_code, 0x060400);
	CHECK_EQ(port->revision, 2);
	CHECK_EQ(port->express, 0x90);
	CHECK_EQ(port->express_version, 2);
	CHECK_EQ(port->port_type, PCI_TYPE_ROOT_PORT);
	CHECK_EQ(port->secondary, 1);
	CHECK_EQ(card->class_code, 0x020000);
	CHECK(card->parent == port);
	topology_free(t);
}

TEST(lspci_text, quoting_and_carriage_returns_do_not_matter)
{
	static char text[2 * sizeof(WHOLE)];
	size_t used = 0;

	for (size_t i = 0; WHOLE[i]; i++) {
		if (i == 0 || WHOLE[i - 1] == '\n') {
			memcpy(text + used, "> > ", 4);
			used += 4;
		}
		if (WHOLE[i] == '\n')
			text[used++] = '\r';
		text[used++] = WHOLE[i];
	}
	text[used] = '\0';
	check_whole(text);
}

/* A mailer breaks at the last blank before column 40 and starts the next line without one. */
TEST(lspci_text, broken_lines_read_the_same)
{
	static char text[sizeof(WHOLE)];
	size_t blank = 0, column = 0;

	memcpy(text, WHOLE, sizeof(WHOLE));
	for (size_t i = 0; text[i]; i++) {
		column = text[i] == '\n' ? 0 : column + 1;
		blank = text[i] == ' ' ? i : text[i] == '\n' ? 0 : blank;
		if (column > 40 && blank != 0) {
			text[blank] = '\n';
			column = i - blank;
			blank = 0;
		}
	}
	check_whole(text);
}

static void check_unknown(const char *text, enum pci_dump_complaint complaint)
{
	struct topology *t = machine_of(text);

	CHECK_EQ(notes.counts[complaint], 1);
	CHECK_EQ(notes.note_count, 1);
	CHECK_EQ(notes.notes[0].complaint, complaint);
	CHECK_EQ(verdict(t, ATOMIC_32), ATOMIC_UNKNOWN);
	topology_free(t);
}

TEST(lspci_text, an_old_lspci_leaves_the_port_open)
{
	check_unknown(PORT_HEAD PORT_CAP2 CARD, PCI_DUMP_NO_ATOMIC_LINES);
}

TEST(lspci_text, without_privilege_nothing_is_known)
{
	check_unknown("00:01.0 PCI bridge: Invented Works Root Port (rev 02)\n"
		      "\tFlags: bus master, fast devsel, latency 0, IRQ 24\n"
		      "\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n"
		      "\tCapabilities: <access denied>\n" CARD,
		      PCI_DUMP_DENIED);
}

TEST(lspci_text, a_plain_list_is_no_register)
{
	check_unknown("00:01.0 PCI bridge: Invented Works Root Port (rev 02)\n" CARD,
		      PCI_DUMP_WITHOUT);
}

TEST(lspci_text, bytes_that_contradict_make_a_function_unreadable)
{
	check_unknown(WHOLE "00: cd ab 03 00 06 00 10 00 10 00 00 02 00 00 00 00\n"
			    "10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
			    "20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
			    "30: 00 00 00 00 60 00 00 00 00 00 00 00 00 00 00 00\n",
		      PCI_DUMP_CONTRADICTION);
}

TEST(lspci_text, text_fills_what_the_bytes_do_not_show)
{
	check_whole(WHOLE CARD_BYTES);
}

TEST(lspci_text, header_bytes_alone_leave_the_capabilities_open)
{
	check_unknown(PORT_HEAD PORT_CAP2 PORT_ATOMICS PORT_CTL2
		      "01:00.0 Ethernet controller: Invented Works Card\n" CARD_BYTES,
		      PCI_DUMP_HEADER_ONLY);
}

TEST(lspci_text, version_1_needs_no_second_register)
{
	struct topology *t =
		machine_of(PORT_HEAD PORT_CAP2 PORT_ATOMICS PORT_CTL2
			   "01:00.0 Ethernet controller: Invented Works Card\n"
			   "\tControl: Mem+ BusMaster+\n\tStatus: Cap+ 66MHz-\n"
			   "\tCapabilities: [60] Express (v1) Legacy Endpoint, MSI 00\n");

	CHECK_EQ(notes.note_count, 0);
	CHECK_EQ(verdict(t, ATOMIC_32), ATOMIC_NO);
	CHECK(atomic_result_has(&t->result, ATOMIC_REQ_CAP_V1, at(t, 1, 0)));
	topology_free(t);
}

TEST(lspci_text, a_version_that_is_not_printed_is_not_guessed)
{
	struct topology *t =
		machine_of(PORT_HEAD PORT_CAP2 PORT_ATOMICS PORT_CTL2
			   "01:00.0 Ethernet controller: Invented Works Card\n"
			   "\tStatus: Cap+\n\tCapabilities: [60] Express Endpoint IRQ 0\n");

	CHECK_EQ(verdict(t, ATOMIC_32), ATOMIC_UNKNOWN);
	topology_free(t);
}

TEST(lspci_text, virtual_functions_come_from_the_words_of_their_parent)
{
	struct topology *t = machine_of(
		WHOLE "\tCapabilities: [100 v2] Advanced Error Reporting\n"
		      "\tCapabilities: [160 v1] Single Root I/O Virtualization (SR-IOV)\n"
		      "\t\tIOVCtl:\tEnable+ Migration-, Interrupt- MSE+ ARIHierarchy+\n"
		      "\t\tInitial VFs: 4, Total VFs: 4, Number of VFs: 1, Function Dependency "
		      "Link: 00\n"
		      "\t\tVF offset: 8, stride: 1, Device ID: 0003\n"
		      "\t\tVF Migration: offset: 00000004, BIR: 0\n"
		      "01:01.0 Ethernet controller: Invented Works Card VF\n"
		      "\tControl: BusMaster+\n\tStatus: Cap+\n"
		      "\tCapabilities: [60] Express (v2) Endpoint, MSI 00\n");
	struct pci_device *vf = at(t, 1, 1);

	CHECK(vf->physical_function == at(t, 1, 0));
	REQUIRE(atomic_ops_evaluate(vf, ATOMIC_ALL, &t->result) == 0);
	CHECK_EQ(atomic_result_verdict(&t->result, ATOMIC_32), ATOMIC_NO);
	CHECK(atomic_result_has(&t->result, ATOMIC_REQ_VF, NULL));
	topology_free(t);
}

TEST(lspci_text, port_types_are_told_apart)
{
	static const struct {
		const char *words;
		unsigned type;
	} types[] = {
		{"Endpoint, IntMsgNum 0", PCI_TYPE_ENDPOINT},
		{"Legacy Endpoint, MSI 00", PCI_TYPE_LEGACY_ENDPOINT},
		{"Root Port (Slot-), MSI 00", PCI_TYPE_ROOT_PORT},
		{"Upstream Port, IntMsgNum 0", PCI_TYPE_UPSTREAM_PORT},
		{"Downstream Port (Slot+), MSI 00", PCI_TYPE_DOWNSTREAM_PORT},
		{"PCI-Express to PCI/PCI-X Bridge, MSI 00", PCI_TYPE_EXPRESS_TO_PCI},
		{"PCI/PCI-X to PCI-Express Bridge, MSI 00", PCI_TYPE_PCI_TO_EXPRESS},
		{"Root Complex Integrated Endpoint, MSI 00", PCI_TYPE_INTEGRATED_ENDPOINT},
		{"Root Complex Event Collector, MSI 00", PCI_TYPE_EVENT_COLLECTOR},
		{"Unknown type 12, MSI 00", 15},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		char text[256];
		struct topology *t;

		format(text, sizeof(text),
		       "01:00.0 Class ff00: Device abcd:0001\n\tStatus: Cap+\n"
		       "\tCapabilities: [40] Express (v2) %s\n",
		       types[i].words);
		t = machine_of(text);
		CHECK_EQ(at(t, 1, 0)->port_type, types[i].type);
		CHECK_EQ(at(t, 1, 0)->class_code >> 8, 0xff00);
		topology_free(t);
	}
}

/* Lists that text cannot have: a capability twice, below 0x40, beyond the space. */
TEST(lspci_text, impossible_offsets_are_left_out)
{
	struct topology *t = machine_of("01:00.0 x: y\n\tStatus: Cap+\n"
					"\tCapabilities: [40] Express (v2) Endpoint\n"
					"\tCapabilities: [40] Express (v1) Root Port\n"
					"\tCapabilities: [20] Express (v1) Root Port\n"
					"\tCapabilities: [2000 v1] Virtual Channel\n"
					"\tCapabilities: [] x\n\tCapabilities:\n");

	CHECK_EQ(at(t, 1, 0)->express, 0x40);
	CHECK_EQ(at(t, 1, 0)->express_version, 2);
	CHECK_EQ(at(t, 1, 0)->port_type, PCI_TYPE_ENDPOINT);
	topology_free(t);
}

// SPDX-License-Identifier: MIT
/*
 * The text reader: a word at a time, with the label before it as the only context. Lists of
 * capabilities are rebuilt in the order of the text, which is the order of the links.
 */
#include <kernel/assert.h>
#include <stdlib.h>
#include <string.h>
#include <tools/pci/lspci_text.h>
#include <tools/pci/names.h>
#include <tools/pci/regs.h>

/* Only the text reader meets these. */
#define LINK_STATUS   0x12
#define LINK_WIDTH    0x03f0u
#define SRIOV_ARI     0x0010u
#define SRIOV_INITIAL 0x0c

enum section {
	IN_FIRST_LINE,
	IN_OTHER,
	IN_CONTROL,
	IN_STATUS,
	IN_FLAGS,
	IN_BUS,
	IN_CAPABILITY, /* its offset comes */
	IN_VERSION,    /* of an extended one */
	IN_NAME,
	IN_EXPRESS,         /* version or port type */
	IN_EXPRESS_ROOT,    /* "Root", then "Port" or "Complex" */
	IN_EXPRESS_COMPLEX, /* "Complex", then "Integrated" or "Event" */
	IN_EXPRESS_SLOT,
	IN_LINK_CAPABILITIES,
	IN_LINK_STATUS,
	IN_CAPABILITIES2,
	IN_ATOMIC_CAPABILITIES,
	IN_ATOMIC_CONTROL,
	IN_IOV_CONTROL,
	IN_IOV_INITIAL,
	IN_IOV_TOTAL,
	IN_IOV_NUMBER,
	IN_IOV_OFFSET,
	IN_IOV_STRIDE,
	IN_IOV_DEVICE,
};

/* Labels. Those of the header mean something else inside a capability. */
static const struct {
	const char *word;
	enum section section;
	bool header;
} labels[] = {
	{"DeviceName:", IN_OTHER, true},
	{"Subsystem:", IN_OTHER, true},
	{"Control:", IN_CONTROL, true},
	{"Status:", IN_STATUS, true},
	{"Flags:", IN_FLAGS, true},
	{"Bus:", IN_BUS, true},
	{"Capabilities:", IN_CAPABILITY, false},
	{"LnkCap:", IN_LINK_CAPABILITIES, false},
	{"LnkSta:", IN_LINK_STATUS, false},
	{"DevCap2:", IN_CAPABILITIES2, false},
	{"AtomicOpsCap:", IN_ATOMIC_CAPABILITIES, false},
	{"AtomicOpsCtl:", IN_ATOMIC_CONTROL, false},
	{"IOVCtl:", IN_IOV_CONTROL, false},
	{"stride:", IN_IOV_STRIDE, false},
};

/* "Word+" and "Word-": bits of the register of a section. */
static const struct {
	enum section section;
	const char *word;
	uint16_t bit;
} flags[] = {
	{IN_CONTROL, "I/O", PCI_COMMAND_IO},
	{IN_CONTROL, "Mem", PCI_COMMAND_MEMORY},
	{IN_CONTROL, "BusMaster", PCI_COMMAND_MASTER},
	{IN_CONTROL, "DisINTx", PCI_COMMAND_NO_INTX},
	{IN_STATUS, "Cap", PCI_STATUS_CAPABILITY},
	{IN_ATOMIC_CAPABILITIES, "Routing", PCI_EXP_ROUTING},
	{IN_ATOMIC_CAPABILITIES, "32bit", PCI_EXP_COMPLETE_32},
	{IN_ATOMIC_CAPABILITIES, "64bit", PCI_EXP_COMPLETE_64},
	{IN_ATOMIC_CAPABILITIES, "128bitCAS", PCI_EXP_COMPLETE_128},
	{IN_ATOMIC_CONTROL, "ReqEn", PCI_EXP_REQUESTER},
	{IN_ATOMIC_CONTROL, "EgressBlck", PCI_EXP_EGRESS_BLOCK},
	{IN_IOV_CONTROL, "Enable", PCI_SRIOV_ENABLE},
	{IN_IOV_CONTROL, "ARIHierarchy", SRIOV_ARI},
};

static const struct {
	const char *word; /* the first of the name */
	bool extended;
	uint8_t id;
} capabilities[] = {
	{"Power", false, 0x01},      {"AGP", false, 0x02},
	{"Vital", false, 0x03},      {"MSI:", false, 0x05},
	{"PCI-X", false, 0x07},      {"HyperTransport:", false, 0x08},
	{"Vendor", false, 0x09},     {"Debug", false, 0x0a},
	{"Subsystem:", false, 0x0d}, {"Express", false, 0x10},
	{"MSI-X:", false, 0x11},     {"SATA", false, 0x12},
	{"PCI", false, 0x13},        {"Enhanced", false, 0x14},
	{"Advanced", true, 0x01},    {"Virtual", true, 0x02},
	{"Device", true, 0x03},      {"Vendor", true, 0x0b},
	{"Access", true, 0x0d},      {"Alternative", true, 0x0e},
	{"Single", true, 0x10},      {"Secondary", true, 0x19},
};

/* State bits of a register: `value` under `mask`. Every byte of the register becomes readable.
 */
static void state(struct lspci_text *text, unsigned offset, unsigned width, uint32_t mask,
		  uint32_t value)
{
	if (offset + width > PCI_SPACE_EXPRESS)
		return;
	for (unsigned i = 0; i < width; i++) {
		uint8_t bits = (uint8_t)(mask >> 8 * i);

		text->value[offset + i] &= (uint8_t)~bits;
		text->value[offset + i] |= (uint8_t)(value >> 8 * i) & bits;
		text->stated[offset + i] |= bits;
		text->shown[offset + i] = 1;
	}
}

static bool begins(const char *word, const char *with)
{
	return strncmp(word, with, strlen(with)) == 0;
}

/* Exactly `digits` hexadecimal digits. */
static bool hex_digits(const char *word, unsigned digits, uint32_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < digits; i++) {
		char c = word[i] | 0x20;

		if (word[i] >= '0' && word[i] <= '9')
			*value = *value << 4 | (uint32_t)(word[i] - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* "8086:1901", anywhere in brackets or alone. */
static void take_ids(struct lspci_text *text, const char *word)
{
	uint32_t vendor, device;

	word += *word == '[';
	if (hex_digits(word, 4, &vendor) && word[4] == ':' &&
	    hex_digits(word + 5, 4, &device) && (word[9] == '\0' || word[9] == ']'))
		state(text, PCI_REG_VENDOR, 4, UINT32_MAX, device << 16 | vendor);
}

/* Ids, revision and interface stand at the end of the first line, which a mailer may break. */
static void first_line_word(struct lspci_text *text, const char *word)
{
	uint32_t number;

	take_ids(text, word);
	if (strcmp(text->before, "(rev") == 0 && hex_digits(word, 2, &number))
		state(text, PCI_REG_CLASS, 1, 0xff, number);
	if (strcmp(text->before, "(prog-if") == 0 && hex_digits(word, 2, &number))
		state(text, PCI_REG_CLASS + 1, 1, 0xff, number);
}

/* The class by its code in the text, or else by its name. */
static void take_class(struct lspci_text *text, const char *name, size_t length)
{
	uint32_t code;
	bool numeric =
		(length == 4 && hex_digits(name, 4, &code)) ||
		(length == 10 && begins(name, "Class ") && hex_digits(name + 6, 4, &code)) ||
		(length > 6 && name[length - 1] == ']' && name[length - 6] == '[' &&
		 hex_digits(name + length - 5, 4, &code));

	if (!numeric)
		code = (uint32_t)pci_class_of_name(name, length);
	if (code != UINT32_MAX)
		state(text, PCI_REG_CLASS + 2, 2, 0xffff, code);
}

void lspci_text_start(struct lspci_text *text, const char *line)
{
	const char *end = strstr(line, ": ");

	memset(text, 0, sizeof(*text));
	line += *line == ' ';
	if (end && end > line)
		take_class(text, line, (size_t)(end - line));
	lspci_text_line(text, end ? end + 2 : line);
}

static unsigned register_of(const struct lspci_text *text)
{
	switch ((enum section)text->section) {
	case IN_CONTROL:
		return PCI_REG_COMMAND;
	case IN_STATUS:
		return PCI_REG_STATUS;
	case IN_ATOMIC_CAPABILITIES:
		return text->capability + PCI_EXP_DEVCAP2;
	case IN_ATOMIC_CONTROL:
		return text->capability + PCI_EXP_DEVCTL2;
	case IN_IOV_CONTROL:
		return text->capability + PCI_SRIOV_CONTROL;
	default:
		return 0;
	}
}

static void flag_word(struct lspci_text *text, const char *word)
{
	size_t length = strlen(word);

	/* "Migration-," has a comma. */
	length -= length > 0 && word[length - 1] == ',';
	if (length < 2 || (word[length - 1] != '+' && word[length - 1] != '-'))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
		if (flags[i].section == text->section && strlen(flags[i].word) == length - 1 &&
		    begins(word, flags[i].word))
			state(text, register_of(text),
			      text->section == IN_ATOMIC_CAPABILITIES ? 4 : 2, flags[i].bit,
			      word[length - 1] == '+' ? flags[i].bit : 0);
	}
}

/* "primary=00," and its like. */
static void bus_word(struct lspci_text *text, const char *word)
{
	static const char *const names[] = {"primary=", "secondary=", "subordinate="};
	uint32_t number;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		if (begins(word, names[i]) && hex_digits(word + strlen(names[i]), 2, &number)) {
			state(text, PCI_REG_BUS_NUMBERS + i, 1, 0xff, number);
			text->bridge = true;
			/* They are read as one register; the fourth byte is the latency timer.
			 */
			text->shown[PCI_REG_BUS_NUMBERS + 3] = 1;
		}
	}
}

/* A link of one of the two lists. Links and ids are shown, not stated: the text may have been
 * shortened, and then bytes that say otherwise do not contradict it. */
static void show(struct lspci_text *text, unsigned offset, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < width; i++) {
		text->value[offset + i] = (uint8_t)(value >> 8 * i);
		text->shown[offset + i] = 1;
	}
}

static void link_standard(struct lspci_text *text, unsigned offset)
{
	unsigned link = text->last_standard ? text->last_standard + 1 : PCI_REG_CAPABILITIES;

	show(text, link, 1, offset);
	show(text, offset, 2, 0);
	text->last_standard = offset;
}

/* An extended header keeps its next in the upper 12 bits. The list begins at 0x100 even if the
 * text was shortened there: a hole stands for what is missing. */
static void link_extended(struct lspci_text *text, unsigned offset)
{
	unsigned last = text->last_extended ? text->last_extended : PCI_EXT_FIRST;

	if (offset != PCI_EXT_FIRST) {
		text->value[last + 2] =
			(uint8_t)(text->value[last + 2] & 0xf) | (uint8_t)(offset << 4);
		text->value[last + 3] = (uint8_t)(offset >> 4);
		memset(text->shown + last, 1, 4);
	}
	show(text, offset, 4, 1u << 16);
	text->last_extended = offset;
}

/* "[a0]", "[160 v1]" or "<access denied>". */
static void capability_word(struct lspci_text *text, const char *word)
{
	char *end;
	unsigned long offset;

	text->section = IN_OTHER;
	if (begins(word, "<access")) {
		text->denied = true;
		return;
	}
	if (*word != '[')
		return;
	offset = strtoul(word + 1, &end, 16);
	/* Twice the same place is a loop, which lspci would have reported. */
	if (end == word + 1 || offset % 4 != 0 || offset < 0x40 ||
	    offset >= PCI_SPACE_EXPRESS || text->shown[offset])
		return;
	text->capability = (unsigned)offset;
	if (offset < PCI_EXT_FIRST)
		link_standard(text, text->capability);
	else
		link_extended(text, text->capability);
	text->section = *end == ']' ? IN_NAME : IN_VERSION;
}

static void name_word(struct lspci_text *text, const char *word)
{
	bool extended = text->capability >= PCI_EXT_FIRST;

	text->section = IN_OTHER;
	for (unsigned i = 0; i < ARRAY_SIZE(capabilities); i++) {
		if (capabilities[i].extended == extended &&
		    begins(word, capabilities[i].word)) {
			show(text, text->capability, 1, capabilities[i].id);
			break;
		}
	}
	if (!extended && strcmp(word, "Express") == 0)
		text->section = IN_EXPRESS;
	else if (!extended)
		show(text, text->capability + 2, 2, 0); /* read together with id and link */
}

static void port_type(struct lspci_text *text, unsigned type)
{
	state(text, text->capability + PCI_EXP_FLAGS, 2, PCI_EXP_FLAGS_TYPE, type << 4);
	text->section = IN_EXPRESS_SLOT;
}

/* "(v2)", then the type, whose first words are enough. Very old versions print no version: the
 * flags stay unshown then, and so does what hangs on them. */
static void express_word(struct lspci_text *text, const char *word)
{
	unsigned flags_register = text->capability + PCI_EXP_FLAGS;

	if (word[0] == '(' && word[1] == 'v' && word[2] >= '1' && word[2] <= '9') {
		state(text, flags_register, 2, PCI_EXP_FLAGS_VERSION,
		      (uint32_t)(word[2] - '0'));
		return;
	}
	if (!text->shown[flags_register])
		text->section = IN_OTHER;
	else if (begins(word, "Endpoint"))
		port_type(text, 0);
	else if (begins(word, "Legacy"))
		port_type(text, 1);
	else if (begins(word, "Root"))
		text->section = IN_EXPRESS_ROOT;
	else if (begins(word, "Upstream"))
		port_type(text, 5);
	else if (begins(word, "Downstream"))
		port_type(text, 6);
	else if (begins(word, "PCI-Express"))
		port_type(text, 7);
	else if (begins(word, "PCI/PCI-X"))
		port_type(text, 8);
	else
		port_type(text, 15); /* "Unknown type": reserved, whatever the number */
}

static void root_word(struct lspci_text *text, const char *word)
{
	if (begins(word, "Complex"))
		text->section = IN_EXPRESS_COMPLEX;
	else
		port_type(text, 4);
}

static void slot_word(struct lspci_text *text, const char *word)
{
	if (begins(word, "(Slot+"))
		state(text, text->capability + PCI_EXP_FLAGS, 2, PCI_EXP_FLAGS_SLOT,
		      PCI_EXP_FLAGS_SLOT);
}

/* "x16," after "Width": bits 9:4 of the link's registers. */
static void width_word(struct lspci_text *text, const char *word, unsigned offset,
		       unsigned bytes)
{
	unsigned long lanes = *word == 'x' ? strtoul(word + 1, NULL, 10) : 64;

	if (strcmp(text->before, "Width") == 0 && lanes < 64)
		state(text, text->capability + offset, bytes, LINK_WIDTH, (uint32_t)lanes << 4);
}

/* Other capabilities have ids and offsets too. */
static bool is_in_sriov(const struct lspci_text *text)
{
	return text->capability >= PCI_EXT_FIRST &&
	       text->value[text->capability] == PCI_EXT_SRIOV;
}

static void number_word(struct lspci_text *text, const char *word, unsigned offset, int base)
{
	char *end;
	unsigned long number = strtoul(word, &end, base);

	if (end != word && number <= UINT16_MAX && is_in_sriov(text))
		state(text, text->capability + offset, 2, UINT16_MAX, (uint32_t)number);
	text->section = IN_OTHER;
}

/* Words that label a number only after another word: "Total VFs:", "Device ID:". */
static bool is_paired_label(struct lspci_text *text, const char *word)
{
	static const struct {
		const char *before, *word;
		enum section section;
	} pairs[] = {
		{"Initial", "VFs:", IN_IOV_INITIAL}, {"Total", "VFs:", IN_IOV_TOTAL},
		{"of", "VFs:", IN_IOV_NUMBER},       {"VF", "offset:", IN_IOV_OFFSET},
		{"Device", "ID:", IN_IOV_DEVICE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (strcmp(text->before, pairs[i].before) == 0 &&
		    strcmp(word, pairs[i].word) == 0) {
			text->section = pairs[i].section;
			return true;
		}
	}
	return false;
}

/* Does the version of lspci know AtomicOps? For a function without memory of its own it prints
 * the control line alone; its capabilities matter to nobody then. Integrated ones may have
 * neither. */
static void note_atomic_lines(struct lspci_text *text)
{
	unsigned type =
		(text->value[text->capability + PCI_EXP_FLAGS] & PCI_EXP_FLAGS_TYPE) >> 4;
	unsigned register2 = text->capability + PCI_EXP_DEVCAP2;

	if (text->section == IN_CAPABILITIES2)
		text->atomic_line_missing = type <= 6;
	else if (text->section == IN_ATOMIC_CAPABILITIES)
		text->atomic_line_missing = false;
	else if (text->section == IN_ATOMIC_CONTROL && type <= 1) {
		text->atomic_line_missing = false;
		memset(text->shown + register2, 1, 4);
	}
}

static bool is_label(struct lspci_text *text, const char *word)
{
	size_t length = strlen(word);

	if (length < 2 || word[length - 1] != ':' || text->section == IN_NAME)
		return false;
	if (is_paired_label(text, word))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(labels); i++) {
		if (strcmp(word, labels[i].word) == 0 &&
		    !(labels[i].header && text->capability != 0)) {
			text->section = labels[i].section;
			text->detailed = true;
			note_atomic_lines(text);
			return true;
		}
	}
	/* In the first line a label ends nothing: "Device: ..." may be a name. */
	if (text->section != IN_FIRST_LINE)
		text->section = IN_OTHER;
	return false;
}

static void flags_word(struct lspci_text *text, const char *word)
{
	if (strcmp(text->before, "bus") == 0 && begins(word, "master"))
		state(text, PCI_REG_COMMAND, 2, PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
}

static void express_words(struct lspci_text *text, const char *word)
{
	switch ((enum section)text->section) {
	case IN_EXPRESS:
		express_word(text, word);
		break;
	case IN_EXPRESS_ROOT:
		root_word(text, word);
		break;
	case IN_EXPRESS_COMPLEX:
		port_type(text, begins(word, "Event") ? 10 : 9);
		break;
	case IN_EXPRESS_SLOT:
		slot_word(text, word);
		break;
	case IN_LINK_CAPABILITIES:
		width_word(text, word, PCI_EXP_LINK_CAP, 4);
		break;
	case IN_LINK_STATUS:
		width_word(text, word, LINK_STATUS, 2);
		break;
	default:
		break;
	}
}

static void number_words(struct lspci_text *text, const char *word)
{
	static const struct {
		enum section section;
		uint8_t offset;
		uint8_t base;
	} numbers[] = {
		{IN_IOV_INITIAL, SRIOV_INITIAL, 10},   {IN_IOV_TOTAL, PCI_SRIOV_TOTAL, 10},
		{IN_IOV_NUMBER, PCI_SRIOV_COUNT, 10},  {IN_IOV_OFFSET, PCI_SRIOV_OFFSET, 10},
		{IN_IOV_STRIDE, PCI_SRIOV_STRIDE, 10}, {IN_IOV_DEVICE, PCI_SRIOV_DEVICE, 16},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (numbers[i].section == text->section) {
			number_word(text, word, numbers[i].offset, numbers[i].base);
			return;
		}
	}
}

static void take_word(struct lspci_text *text, const char *word)
{
	if (is_label(text, word))
		return;
	switch ((enum section)text->section) {
	case IN_FIRST_LINE:
		first_line_word(text, word);
		break;
	case IN_BUS:
		bus_word(text, word);
		break;
	case IN_FLAGS:
		flags_word(text, word);
		break;
	case IN_CAPABILITY:
		capability_word(text, word);
		break;
	case IN_VERSION:
		text->section = IN_NAME;
		break;
	case IN_NAME:
		name_word(text, word);
		break;
	default:
		flag_word(text, word);
		express_words(text, word);
		number_words(text, word);
		break;
	}
}

void lspci_text_line(struct lspci_text *text, const char *line)
{
	char word[LSPCI_WORD_MAX];

	while (*line) {
		size_t length, kept;

		line += strspn(line, " \t");
		length = strcspn(line, " \t");
		kept = length < sizeof(word) - 1 ? length : sizeof(word) - 1;
		memcpy(word, line, kept);
		word[kept] = '\0';
		if (kept > 0) {
			take_word(text, word);
			memcpy(text->before, word, sizeof(word));
		}
		line += length;
	}
}

void lspci_text_finish(struct lspci_text *text)
{
	if (!text->detailed)
		return;
	/* Ids that the text only names read all ones: the function is there, who it is is not.
	 */
	if (!text->shown[PCI_REG_VENDOR])
		show(text, PCI_REG_VENDOR, 4, UINT32_MAX);
	memset(text->shown + PCI_REG_CLASS, 1, 4);
	memset(text->shown + PCI_REG_COMMAND, 1, 2);
	state(text, PCI_REG_HEADER, 1, 0x7f, text->bridge ? 1 : 0);
	/* `lspci -v` prints no status; a capability in the text says the bit all the same. */
	if (text->last_standard)
		state(text, PCI_REG_STATUS, 2, PCI_STATUS_CAPABILITY, PCI_STATUS_CAPABILITY);
}

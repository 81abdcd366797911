// SPDX-License-Identifier: MIT
/*
 * The dump reader. One pass over the lines; the bytes and the text of the function at hand are
 * collected and become a function of the image when the next one starts.
 */
#include <errno.h>
#include <kernel/kmem.h>
#include <pci/regs.h>
#include <string.h>
#include <tools/pci/dump.h>
#include <tools/pci/lspci_text.h>
#include <tools/pci/names.h>

#define LINE_BYTES 16
#define HEADER_MIN 64

struct reader {
	struct pci_image *image;
	struct pci_dump_report *report;
	unsigned line; /* number, from 1 */
	bool open;     /* a function is being collected */
	struct pci_address address;
	unsigned first_line;
	unsigned size; /* bytes from 0 without a gap */
	uint8_t bytes[PCI_SPACE_EXPRESS];
	struct lspci_text text;
};

const char *pci_dump_complaint_text(enum pci_dump_complaint complaint)
{
	static const char *const texts[PCI_DUMP_COMPLAINTS] = {
		[PCI_DUMP_OFFSET] = "the offset is none of configuration space; line left out",
		[PCI_DUMP_NO_FUNCTION] = "bytes before the first function; line left out",
		[PCI_DUMP_SHORT_LINE] = "fewer than 16 bytes; line left out",
		[PCI_DUMP_GAP] = "the offset does not follow the line before; line left out",
		[PCI_DUMP_REPEATED] = "this function was there already; the first one counts",
		[PCI_DUMP_TOO_MANY] = "more functions than a machine has; the rest is left out",
		[PCI_DUMP_WITHOUT] =
			"listed without registers; run lspci -xxxx or -vvv as root",
		[PCI_DUMP_DENIED] = "access denied: run lspci as root",
		[PCI_DUMP_HEADER_ONLY] =
			"bytes end before the capabilities; run lspci -xxxx as root",
		[PCI_DUMP_NO_ATOMIC_LINES] =
			"Device Capabilities 2 without AtomicOps: lspci is older "
			"than 3.6; run lspci -xxxx, or a newer one",
		[PCI_DUMP_CONTRADICTION] =
			"the text and the bytes of this function differ: they are "
			"not of the same moment or machine; nothing of it is used",
	};

	return texts[complaint];
}

static void note(struct reader *r, enum pci_dump_complaint complaint, unsigned line)
{
	struct pci_dump_report *report = r->report;

	report->counts[complaint]++;
	if (report->note_count < PCI_DUMP_NOTES_MAX)
		report->notes[report->note_count++] =
			(struct pci_dump_note){complaint, line, r->address};
}

/* Do the bits that the text states stand in the bytes? Status may have moved in between. */
static bool text_agrees(const struct reader *r)
{
	for (unsigned i = 0; i < r->size; i++) {
		if ((r->bytes[i] ^ r->text.value[i]) & r->text.stated[i])
			return false;
	}
	return true;
}

/* Whatever is left unknown afterwards stays hidden in the image. */
static void fill(struct reader *r, struct pci_image_function *function)
{
	for (unsigned i = 0; i < function->size; i++) {
		if (i < r->size)
			function->value[i] = r->bytes[i];
		else if (r->text.shown[i])
			function->value[i] = r->text.value[i];
		else
			function->hidden[i] = 1;
	}
}

static void note_what_is_missing(struct reader *r)
{
	bool capabilities = r->size > HEADER_MIN || r->text.capability != 0;

	if (r->size == 0 && !r->text.detailed)
		note(r, PCI_DUMP_WITHOUT, r->first_line);
	else if (r->text.denied && !capabilities)
		note(r, PCI_DUMP_DENIED, r->first_line);
	else if (r->size == HEADER_MIN && !capabilities &&
		 (r->bytes[PCI_REG_STATUS] & PCI_STATUS_CAPABILITY))
		note(r, PCI_DUMP_HEADER_ONLY, r->first_line);
	if (r->text.atomic_line_missing && r->size <= HEADER_MIN)
		note(r, PCI_DUMP_NO_ATOMIC_LINES, r->first_line);
}

/* As much as either source reaches into, in the sizes that configuration spaces have. */
static unsigned space_of(const struct reader *r)
{
	if (r->size > PCI_SPACE_CONVENTIONAL || r->text.last_extended != 0)
		return PCI_SPACE_EXPRESS;
	return r->size > HEADER_MIN || r->text.capability != 0 ? PCI_SPACE_CONVENTIONAL
							       : HEADER_MIN;
}

/* The function at hand is complete. Without bytes and details it is one that cannot be read. */
static int finish_function(struct reader *r)
{
	struct pci_image_function *function;

	if (!r->open)
		return 0;
	r->open = false;
	if (pci_image_find(r->image, r->address)) {
		note(r, PCI_DUMP_REPEATED, r->first_line);
		return 0;
	}
	function = pci_image_add(r->image, r->address, space_of(r));
	if (!function)
		return -ENOMEM;
	r->report->functions++;
	lspci_text_finish(&r->text);
	if (r->size < HEADER_MIN)
		r->size = 0;
	note_what_is_missing(r);
	if (text_agrees(r)) {
		fill(r, function);
		r->report->from_text += r->text.capability >= r->size;
		return 0;
	}
	note(r, PCI_DUMP_CONTRADICTION, r->first_line);
	memset(function->hidden, 1, function->size);
	return 0;
}

static int start_function(struct reader *r, struct pci_address address, const char *rest)
{
	int error = finish_function(r);

	r->open = true;
	r->address = address;
	r->first_line = r->line;
	r->size = 0;
	lspci_text_start(&r->text, rest);
	return error;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "3f0: 00 11 .. ": true when the line is hexadecimal, whatever is wrong with it otherwise. */
static bool read_hex_line(struct reader *r, const char *line)
{
	unsigned offset = 0, count = 0, digits = 0;

	for (; digits < 4 && hex_value(line[digits]) >= 0; digits++)
		offset = offset << 4 | (unsigned)hex_value(line[digits]);
	if (digits < 2 || line[digits] != ':' || !is_blank(line[digits + 1]))
		return false;
	line += digits + 1;
	if (offset % LINE_BYTES != 0 || offset >= PCI_SPACE_EXPRESS) {
		note(r, PCI_DUMP_OFFSET, r->line);
		return true;
	}
	for (; is_blank(*line) && count < LINE_BYTES; line += 2) {
		line += strspn(line, " \t");
		if (hex_value(line[0]) < 0 || hex_value(line[1]) < 0)
			break;
		r->bytes[offset + count++] =
			(uint8_t)(hex_value(line[0]) << 4 | hex_value(line[1]));
	}
	if (!r->open)
		note(r, PCI_DUMP_NO_FUNCTION, r->line);
	else if (count < LINE_BYTES)
		note(r, PCI_DUMP_SHORT_LINE, r->line);
	else if (offset == r->size)
		r->size += LINE_BYTES;
	else
		note(r, PCI_DUMP_GAP, r->line);
	return true;
}

/* One line without its end, terminated. Mail quoting and blanks in front do not count. */
static int read_line(struct reader *r, const char *line)
{
	struct pci_address address;
	bool indented = false;
	int length;

	while (*line == '>' || *line == '|' || is_blank(*line)) {
		indented = *line != '>' && *line != '|' && (indented || *line == '\t');
		line++;
	}
	length = pci_address_parse(line, &address);
	if (length > 0 && !indented && (is_blank(line[length]) || line[length] == '\0')) {
		if (r->report->functions < PCI_DUMP_FUNCTIONS_MAX)
			return start_function(r, address, line + length);
		note(r, PCI_DUMP_TOO_MANY, r->line);
		return 0;
	}
	if (!read_hex_line(r, line) && r->open)
		lspci_text_line(&r->text, line);
	return 0;
}

static int read_lines(struct reader *r, const char *text, size_t length)
{
	char line[512];
	size_t used = 0;
	int error = 0;

	/* What is longer than the buffer is text for people: its tail is dropped. */
	for (size_t i = 0; i < length && error == 0; i++) {
		if (text[i] != '\n') {
			if (used < sizeof(line) - 1 && text[i] != '\r')
				line[used++] = text[i] ? text[i] : '?';
			continue;
		}
		line[used] = '\0';
		used = 0;
		r->line++;
		error = read_line(r, line);
	}
	line[used] = '\0';
	r->line++;
	return error != 0 ? error : read_line(r, line);
}

int pci_dump_parse(const char *text, size_t length, struct pci_image *image,
		   struct pci_dump_report *report)
{
	struct reader *r = kmem_alloc(sizeof(*r));
	int error, last;

	*report = (struct pci_dump_report){0};
	if (!r)
		return -ENOMEM;
	r->image = image;
	r->report = report;
	error = read_lines(r, text, length);
	last = finish_function(r);
	kmem_free(r);
	if (error != 0 || last != 0)
		return -ENOMEM;
	return report->functions > 0 ? 0 : -EINVAL;
}

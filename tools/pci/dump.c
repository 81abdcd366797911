// SPDX-License-Identifier: MIT
/*
 * The dump reader. One pass over the lines; the bytes of the function at hand are collected and
 * become a function of the image when the next one starts.
 */
#include <tools/pci/dump.h>
#include <errno.h>
#include <kernel/kmem.h>
#include <string.h>
#include <tools/pci/names.h>

#define LINE_BYTES 16
#define HEADER_MIN 64

struct reader {
	struct pci_image *image;
	struct pci_dump_report *report;
	unsigned line; /* number, from 1 */
	bool open;     /* a function is being collected */
	struct pci_address address;
	unsigned size; /* bytes from 0 without a gap */
	uint8_t bytes[PCI_SPACE_EXPRESS];
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void complain(struct reader *r, const char *what)
{
	if (r->report->bad_line != 0)
		return;
	r->report->bad_line = r->line;
	r->report->bad_what = what;
}

/* The function at hand is complete. A header without bytes stands for one that cannot be read.
 */
static int finish_function(struct reader *r)
{
	struct pci_image_function *function;
	unsigned size = r->size >= PCI_SPACE_EXPRESS        ? PCI_SPACE_EXPRESS
			: r->size >= PCI_SPACE_CONVENTIONAL ? PCI_SPACE_CONVENTIONAL
							    : HEADER_MIN;

	if (!r->open)
		return 0;
	r->open = false;
	if (pci_image_find(r->image, r->address)) {
		r->report->repeated++;
		return 0;
	}
	function = pci_image_add(r->image, r->address, size);
	if (!function)
		return -ENOMEM;
	r->report->functions++;
	if (r->size < HEADER_MIN) {
		r->report->without += r->size == 0;
		memset(r->bytes + r->size, 0xff, HEADER_MIN - r->size);
	}
	memcpy(function->value, r->bytes, size);
	return 0;
}

static int start_function(struct reader *r, struct pci_address address)
{
	int error = finish_function(r);

	r->open = true;
	r->address = address;
	r->size = 0;
	return error;
}

/* "3f0: 00 11 .. ": true when the line is hexadecimal, whatever is wrong with it otherwise. */
static bool read_hex_line(struct reader *r, const char *line)
{
	unsigned offset = 0, count = 0, digits = 0;

	for (; digits < 4 && hex_value(line[digits]) >= 0; digits++)
		offset = offset << 4 | (unsigned)hex_value(line[digits]);
	if (digits < 2 || line[digits] != ':' || line[digits + 1] != ' ')
		return false;
	line += digits + 1;
	if (offset % LINE_BYTES != 0 || offset >= PCI_SPACE_EXPRESS) {
		complain(r, "offset is no line of configuration space");
		return true;
	}
	while (line[0] == ' ' && hex_value(line[1]) >= 0 && hex_value(line[2]) >= 0 &&
	       count < LINE_BYTES) {
		r->bytes[offset + count++] =
			(uint8_t)(hex_value(line[1]) << 4 | hex_value(line[2]));
		line += 3;
	}
	if (!r->open)
		complain(r, "bytes before the first function");
	else if (count < LINE_BYTES)
		complain(r, "fewer than 16 bytes");
	else if (offset == r->size)
		r->size += LINE_BYTES;
	else
		complain(r, "offset does not follow the line before");
	return true;
}

/* One line without its end, terminated. Mail quoting and blanks in front do not count. */
static int read_line(struct reader *r, const char *line)
{
	struct pci_address address;
	bool indented = false;
	int length;

	while (*line == '>' || *line == ' ' || *line == '\t') {
		indented = *line != '>' && (indented || *line == '\t');
		line++;
	}
	length = pci_address_parse(line, &address);
	if (length > 0 && !indented && (line[length] == ' ' || line[length] == '\0')) {
		if (r->report->functions < PCI_DUMP_FUNCTIONS_MAX)
			return start_function(r, address);
		complain(r, "more functions than one segment has");
		return 0;
	}
	(void)read_hex_line(r, line);
	return 0;
}

static int read_lines(struct reader *r, const char *text, size_t length)
{
	char line[128];
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

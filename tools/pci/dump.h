// SPDX-License-Identifier: MIT
/*
 * Reads what people paste into an image: the bytes of `lspci -x`, `-xxx` or `-xxxx`, the text
 * of
 * `-v` to `-vvv`, or both, with carriage returns, tabs, mail quoting and anything else in
 * between. Each source fills what the other does not show; where they contradict each other the
 * function is reported and cannot be read (spec-pci-atomicops 8.8). Compiled for every port, as
 * tests read dumps everywhere.
 */
#ifndef TOOLS_PCI_DUMP_H
#define TOOLS_PCI_DUMP_H

#include <stddef.h>
#include <tools/pci/image.h>

#define PCI_DUMP_FUNCTIONS_MAX 65536u
#define PCI_DUMP_NOTES_MAX     64u

enum pci_dump_complaint {
	PCI_DUMP_OFFSET,          /* a line of bytes at an offset that no line has */
	PCI_DUMP_NO_FUNCTION,     /* bytes before the first function */
	PCI_DUMP_SHORT_LINE,      /* fewer than 16 bytes */
	PCI_DUMP_GAP,             /* the offset does not follow the line before */
	PCI_DUMP_REPEATED,        /* the function is there already; the first counts */
	PCI_DUMP_TOO_MANY,        /* more functions than one segment has */
	PCI_DUMP_WITHOUT,         /* listed without a byte or a detail */
	PCI_DUMP_DENIED,          /* "<access denied>": lspci ran without privilege */
	PCI_DUMP_HEADER_ONLY,     /* bytes stop before the capabilities */
	PCI_DUMP_NO_ATOMIC_LINES, /* an lspci that does not know AtomicOps */
	PCI_DUMP_CONTRADICTION,   /* text and bytes differ */
	PCI_DUMP_COMPLAINTS,
};

struct pci_dump_note {
	enum pci_dump_complaint complaint;
	unsigned line;              /* where the function begins, or the line itself */
	struct pci_address address; /* of the function; of the last one for a line */
};

struct pci_dump_report {
	unsigned functions; /* added to the image */
	unsigned from_text; /* of these, with registers of which the text states some bits only
			     */
	unsigned counts[PCI_DUMP_COMPLAINTS];
	unsigned note_count; /* kept; the counts know all */
	struct pci_dump_note notes[PCI_DUMP_NOTES_MAX];
};

/*
 * Fill a listed image. 0 with at least one function; -EINVAL when there is no line that begins
 * with an address; -ENOMEM, with what was read until then kept. A line that makes no sense is
 * left out and noted.
 */
int pci_dump_parse(const char *text, size_t length, struct pci_image *image,
		   struct pci_dump_report *report) MUST_CHECK;

/* What a note means and what can be done, one sentence. */
const char *pci_dump_complaint_text(enum pci_dump_complaint complaint);

#endif

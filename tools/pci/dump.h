// SPDX-License-Identifier: MIT
/*
 * Reads what people paste: the hexadecimal dump of `lspci -x`, `-xxx` or `-xxxx`, with carriage
 * returns, tabs, mail quoting and text in between, into an image. Compiled for every port, as
 * tests read dumps everywhere.
 */
#ifndef TOOLS_PCI_DUMP_H
#define TOOLS_PCI_DUMP_H

#include <tools/pci/image.h>
#include <stddef.h>

#define PCI_DUMP_FUNCTIONS_MAX 65536u

struct pci_dump_report {
	unsigned functions; /* added to the image */
	unsigned without;   /* of these, listed without a single byte: they read all ones */
	unsigned repeated;  /* addresses met again; the first counts */
	unsigned bad_line;  /* number of the first hexadecimal line that makes no sense, 0: none
			     */
	const char *bad_what; /* and what is wrong with it */
};

/*
 * Fill a listed image. 0 with at least one function; -EINVAL when there is no line that begins
 * with an address; -ENOMEM, with what was read until then kept. A line that makes no sense is
 * left out and reported.
 */
int pci_dump_parse(const char *text, size_t length, struct pci_image *image,
		   struct pci_dump_report *report) MUST_CHECK;

#endif

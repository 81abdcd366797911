// SPDX-License-Identifier: MIT
/*
 * What the text of one function in `lspci -v` to `-vvv` states about its registers. People
 * paste this text into issues, not hexadecimal: quoted, wrapped, without privilege, from old
 * versions. It is read word by word, so that a line broken by a mailer reads the same. Only
 * what the AtomicOps report asks for is taken; what the text does not state stays unstated.
 */
#ifndef TOOLS_PCI_LSPCI_TEXT_H
#define TOOLS_PCI_LSPCI_TEXT_H

#include <pci/address.h>
#include <stdbool.h>
#include <stdint.h>
#include <tools/pci/image.h>

#define LSPCI_WORD_MAX 32

struct lspci_text {
	uint8_t value[PCI_SPACE_EXPRESS];
	uint8_t stated[PCI_SPACE_EXPRESS]; /* bits of value that the text states */
	uint8_t shown[PCI_SPACE_EXPRESS];  /* 1: the byte may be read; unstated bits are 0 */
	bool detailed;                     /* more than the one line of plain `lspci` */
	bool denied;                       /* "<access denied>" */
	bool bridge;                       /* has a line of bus numbers */
	bool atomic_line_missing;          /* Device Capabilities 2 without AtomicOpsCap */
	/* Where the reader is. */
	unsigned section;       /* what the words to come belong to */
	unsigned capability;    /* offset of the capability they describe, 0: the header */
	unsigned last_standard; /* offset of the last link of each list, 0: none yet */
	unsigned last_extended;
	char before[LSPCI_WORD_MAX]; /* the word before */
};

/* Begin with the rest of the first line, after the address. */
void lspci_text_start(struct lspci_text *text, const char *line);
/* One more line, without its end and without quoting. */
void lspci_text_line(struct lspci_text *text, const char *line);
/* The function is complete: what follows from what was not there. */
void lspci_text_finish(struct lspci_text *text);

#endif

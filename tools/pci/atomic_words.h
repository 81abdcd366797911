// SPDX-License-Identifier: MIT
/*
 * The reasons of pci/atomic_ops.h for people: the name that reports and their readers use
 * ("HOP_NO_ROUTE"), and a sentence that says what it means and whether it can be changed.
 */
#ifndef TOOLS_PCI_ATOMIC_WORDS_H
#define TOOLS_PCI_ATOMIC_WORDS_H

#include <pci/atomic_ops.h>

struct atomic_words {
	const char *name;
	const char *text;
};

/* By reason. */
extern const struct atomic_words atomic_words[];

#endif

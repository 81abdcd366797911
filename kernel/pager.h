// SPDX-License-Identifier: MIT
/*
 * Counts the lines of a report and asks for a pause when a page is full. For machines where
 * nobody can scroll back or type: the pause is then a time.
 */
#ifndef KERNEL_PAGER_H
#define KERNEL_PAGER_H

#include <stddef.h>

struct pager {
	unsigned columns;
	unsigned rows;
	unsigned column; /* of the next character */
	unsigned row;    /* lines shown since the last pause */
	void (*pause)(void);
};

/* A screen of columns x rows; the last row is left for what comes after. */
void pager_start(struct pager *pager, unsigned columns, unsigned rows, void (*pause)(void));

/* Text that is about to be shown; pauses before the line that would push the first one out. */
void pager_show(struct pager *pager, const char *text, size_t length);

#endif

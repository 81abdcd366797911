// SPDX-License-Identifier: MIT
/*
 * Pages of a report.
 */
#include <kernel/pager.h>

#include <kernel/bits.h>

void pager_start(struct pager *pager, unsigned columns, unsigned rows, void (*pause)(void))
{
	*pager = (struct pager){
		.columns = MAX(columns, 1u), .rows = MAX(rows, 2u) - 1, .pause = pause};
}

/* Called when a character needs a place and the page has none left. */
static void pager_turn(struct pager *pager)
{
	if (pager->row < pager->rows)
		return;
	pager->pause();
	pager->row = 0;
}

void pager_show(struct pager *pager, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			pager_turn(pager);
			pager->column = 0;
			pager->row++;
			continue;
		}
		if (pager->column == pager->columns) {
			pager->column = 0;
			pager->row++;
		}
		pager_turn(pager);
		pager->column++;
	}
}

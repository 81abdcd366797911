// SPDX-License-Identifier: MIT
/*
 * Counting bad-page reports in a test, with the text of the last few out of the way.
 */
#ifndef TESTS_MM_BAD_PAGE_FIXTURE_H
#define TESTS_MM_BAD_PAGE_FIXTURE_H

#include <kernel/log.h>
#include <mm/bad_page.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <tests/test.h>
#include <string.h>

/* From here on logged text is kept and reports are not held back. */
void reports_expect(void);
/* Reports since then; the console is back. */
uint64_t reports_end(void);
/* What was logged, valid until the next reports_expect(). */
const char *reports_text(void);
/* How often the text occurs in it. */
unsigned reports_count(const char *text);

uint64_t pages_free(void);
uint64_t pages_bad(void);

#endif

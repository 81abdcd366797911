// SPDX-License-Identifier: MIT
/*
 * Blocks: frames together with their page records, between the zones and the folio interface.
 * Here the checks of spec-folio section 5 run, on the first record always, on the others when
 * the mark of B-0 says that one was written on its own (in test builds always).
 */
#ifndef MM_BLOCK_H
#define MM_BLOCK_H

#include <mm/page.h>

/* A checked block with all-zero records; the caller gives it a shape. FOLIO_* flags. */
struct page *block_alloc(int node, unsigned order, unsigned flags) MUST_CHECK;

/* A block whose first page has no reference left, with its old shape; a bad one is reported
 * and withheld. */
void block_free(struct page *page, unsigned order);

/* Give a block its shape and one reference, in the order that page_try_get() relies on. */
void block_publish(struct page *page, enum page_kind kind, unsigned order);

#endif

// SPDX-License-Identifier: MIT
/*
 * Words for what a page record holds: bad-page reports and the commands print the same ones. A
 * record may be corrupted, so any value has a word.
 */
#ifndef MM_PAGE_DESCRIBE_H
#define MM_PAGE_DESCRIBE_H

#include <mm/page.h>

const char *page_kind_name(unsigned kind);
const char *page_type_name(unsigned type);

/* "0x90 uptodate !lru": the names of all flags, those in `marked` with a mark. Returns text. */
#define PAGE_FLAGS_TEXT_MAX 240
const char *page_flags_text(uint32_t flags, uint32_t marked, char *text, size_t size);

#endif

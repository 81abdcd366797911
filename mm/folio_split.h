// SPDX-License-Identifier: MIT
/*
 * Splitting a folio that nobody maps and that is on no list (spec-folio 7.2, steps 5, 8 and 9):
 * frozen, cut, and let go again so that a reader who tries to get a page meanwhile either fails
 * or holds the piece that contains it. Mapped and listed folios are prepared by whoever mapped
 * and listed them.
 */
#ifndef MM_FOLIO_SPLIT_H
#define MM_FOLIO_SPLIT_H

#include <mm/folio.h>

enum folio_split_mode {
	FOLIO_SPLIT_UNIFORM, /* all pieces of the new order */
	FOLIO_SPLIT_HALVES   /* halve, and go on with the half that holds the page */
};

/*
 * Into pieces of `order`, or with FOLIO_SPLIT_HALVES of `order` around `at` and larger ones
 * further away. The caller holds the only reference; afterwards he holds one on every piece:
 * folio_split_next() walks them, from the folio on. Flags, mapping, index and group go along,
 * the charge stays what it was. Any context.
 *
 * 0; -EINVAL: `at` is not inside, or order is not below the folio's; -EBUSY: mapped, listed,
 * under writeback, typed, with metadata of its owner, or a page of it has a state of its own;
 * -EAGAIN: somebody else holds a reference. On an error nothing has changed.
 */
int folio_split(struct folio *folio, unsigned order, const struct page *at,
		enum folio_split_mode mode) MUST_CHECK;

/* The piece behind this one, up to the end of a folio that was of old_order at `first`. */
struct folio *folio_split_next(const struct folio *first, unsigned old_order,
			       struct folio *piece);

/* Order of the piece at page number `offset` when the page number `at` stays in the smallest
 * one. Pure. */
unsigned folio_split_order(uint64_t offset, uint64_t at, unsigned order,
			   enum folio_split_mode mode);

/* Splits since boot, by the order that was split. */
struct folio_split_counts {
	_Atomic uint64_t done[FOLIO_ORDER_MAX + 1];
	_Atomic uint64_t failed[FOLIO_ORDER_MAX + 1];
};
extern struct folio_split_counts folio_split_counts;

#endif

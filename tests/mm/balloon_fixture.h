// SPDX-License-Identifier: MIT
/*
 * For tests of ballooned pages that move: a device whose client answers what the test wants,
 * and the books that a migration may change.
 */
#ifndef TESTS_MM_BALLOON_FIXTURE_H
#define TESTS_MM_BALLOON_FIXTURE_H

#include <mm/balloon.h>
#include <mm/folio.h>

#define ANSWERS_MAX 8

/* What the client answers, in this order; then 0. */
extern int mover_answers[ANSWERS_MAX];
extern _Atomic unsigned mover_asked;
extern struct balloon_device mover, mover_other;

/* The client of both; mover_create() makes the first. */
balloon_migrate_fn mover_answer;
void mover_create(bool adjust);
/* Everything back to the allocator; nothing may be isolated. */
void mover_destroy(struct balloon_device *which);

/* Allocated by the test; the second one is in the balloon. Not in helper threads. */
struct page *mover_page(unsigned flags);
struct page *mover_inflated(struct balloon_device *into);

struct mover_books {
	struct balloon_events events;
	int64_t source_managed;
	int64_t destination_managed;
	uint64_t source_node;
	uint64_t destination_node;
};

struct mover_books mover_books(const struct page *source, const struct page *destination);
void mover_books_equal(const struct mover_books *before, const struct mover_books *after);

bool mover_page_is_free(const struct page *page);

#endif

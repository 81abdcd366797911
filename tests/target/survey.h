// SPDX-License-Identifier: MIT
/*
 * A walk of live translation tables, entry by entry, for every port that uses platform/paging.
 */
#ifndef TESTS_TARGET_SURVEY_H
#define TESTS_TARGET_SURVEY_H

#include <platform/paging/page_table.h>

struct survey {
	uint64_t leaves;
	uint64_t writable_executable;
	uint64_t executable_outside_text;
	uint64_t fixed_writable; /* text or constants, through any address */
	uint64_t private_frames; /* in everybody's reach */
	uint64_t bits;           /* of all leaves */
};

/* Add up a table that holds entries of `level`, and all below it. */
void survey_table(struct survey *survey, unsigned level, const struct pte *table);

/* CHECKs what must be 0, and that anything was found. */
void survey_check(const struct survey *survey);

#endif

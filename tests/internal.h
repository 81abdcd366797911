// SPDX-License-Identifier: MIT
/*
 * What the runner shares with its own tests: the outcome of one test, run without output.
 */
#ifndef TESTS_INTERNAL_H
#define TESTS_INTERNAL_H

#include <tests/test.h>

enum test_outcome { TEST_OK, TEST_FAILED, TEST_SKIPPED, TEST_ERROR };

struct test_result {
	enum test_outcome outcome;
	unsigned checks;
	char reason[160]; /* first failure, skip or error text */
};

/* Run one record under the rules of the runner, invariants included. Nests once: the runner's
 * own tests run canaries inside a test. */
void test_run_one(const struct test *test, uint64_t seed, struct test_result *result);

/* Does "suite.name" match the comma-separated filter of suites and full names? NULL: yes. */
bool test_filter_matches(const char *filter, const struct test *test);

#endif

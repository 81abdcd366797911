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

/* What an injected failure did to a test; it is judged by the invariants alone. */
struct test_faults {
	uint64_t seen;     /* allocations that asked, all threads */
	bool fired;        /* the one that was to fail came */
	bool cut_short;    /* the test gave up */
	char problem[160]; /* from an invariant; empty: all is well */
};

/* Run the record and fail its nth allocation (0: none). Needs the hooks of a debug build. */
void test_run_with_fault(const struct test *test, uint64_t seed, uint64_t nth,
			 struct test_faults *faults);

/* Around the body of a test, in debug builds: its nth allocation fails; how many there were. */
void faults_begin(uint64_t nth);
uint64_t faults_end(bool *fired);

/* The runner's loop for `faults=` (tests/faults.c): "each", or the number of one allocation. */
void faults_run(const struct test *test, uint64_t seed, const char *which,
		struct test_result *result);

/* Checks and needs that were met so far in the running test. */
unsigned test_steps(void);

/* Run one record under the rules of the runner, invariants included. Nests once: the runner's
 * own tests run canaries inside a test. */
void test_run_one(const struct test *test, uint64_t seed, struct test_result *result);

/* Does "suite.name" match the comma-separated filter of suites and full names? NULL: yes. */
bool test_filter_matches(const char *filter, const struct test *test);

#endif

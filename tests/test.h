// SPDX-License-Identifier: MIT
/*
 * The test convention: TEST(suite, fact) { ... CHECK(x); } puts one pointer into a linker
 * table. The same file runs hosted under sanitizers and on every target. A test with no check
 * fails. CHECK counts and goes on, REQUIRE ends the test, SKIP says why, ERROR says that the
 * test itself could not test. After each test the runner looks for leaks and runs
 * mm_check_all().
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <kernel/attributes.h>
#include <kernel/table.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *suite;
	const char *name;
	void (*run)(void);
	const char *panic_text; /* not NULL: passes only on a panic whose text contains this */
	const char *file;
	int line;
};

TABLE_DECLARE(quire_tests, struct test);

#define TEST_RECORD(suite_name, fact, panic)                                         \
	static void suite_name##_##fact(void);                                       \
	static const struct test test_##suite_name##_##fact = {                      \
		#suite_name, #fact, suite_name##_##fact, panic, __FILE__, __LINE__}; \
	TABLE_ENTRY(quire_tests, struct test, test_##suite_name##_##fact);           \
	static void suite_name##_##fact(void)

#define TEST(suite, fact)                    TEST_RECORD(suite, fact, NULL)
#define TEST_PANICS(suite, fact, panic_text) TEST_RECORD(suite, fact, panic_text)

/* Records the outcome; prints file, line and text when false. Any thread of the test. */
bool test_check(bool ok, const char *file, int line, const char *text);
bool test_check_equal(uint64_t left, uint64_t right, const char *file, int line,
		      const char *text);
bool test_check_string(const char *left, const char *right, const char *file, int line,
		       const char *text);
/* End the running test; only from the thread the runner called. */
void test_abort(void) NORETURN;
void test_skip(const char *reason) NORETURN;
void test_error(const char *reason) NORETURN;
/* Set-up that did not work ends the test with ERROR. Under fault injection this is also where
 * what was set up becomes the test's: see tests/faults.c. */
void test_need(bool ok, const char *reason);

#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(left, right)                                                     \
	test_check_equal((uint64_t)(left), (uint64_t)(right), __FILE__, __LINE__, \
			 #left " == " #right)
#define CHECK_STR(left, right) \
	test_check_string((left), (right), __FILE__, __LINE__, #left " is " #right)
#define REQUIRE(condition)             \
	do {                           \
		if (!CHECK(condition)) \
			test_abort();  \
	} while (0)
#define SKIP(reason)            test_skip(reason)
#define ERROR(reason)           test_error(reason)
#define NEED(condition, reason) test_need((condition), reason)

/* Deterministic numbers for a test: derived from the printed seed and the test's name. */
uint64_t test_random(void);
uint64_t test_random_below(uint64_t limit);

/* Run every selected test; filter is `tests=` ("a,b.c", NULL all), seed 0 keeps sorted order.
 * Returns the number of tests that did not pass. */
unsigned tests_run(const char *filter, uint64_t seed);

/*
 * Hooks that the runner calls around each test: `after` gives a message of what is wrong, or
 * NULL. Under fault injection a test that gives up keeps what it has: then `after_cut` is asked
 * instead, which compares with the last `mark`, made when the failing call began. What the test
 * went on to get is its own: `ended` is told of the first request after that call.
 */
struct test_invariant {
	const char *name;
	void (*before)(void);
	const char *(*after)(void);
	void (*mark)(void);
	void (*ended)(void);
	const char *(*after_cut)(void);
};

TABLE_DECLARE(quire_invariants, struct test_invariant);

#define TEST_INVARIANT(id, before_function, after_function, mark_function, ended_function, \
		       after_cut_function)                                                 \
	static const struct test_invariant test_invariant_##id = {                         \
		#id,           before_function, after_function,                            \
		mark_function, ended_function,  after_cut_function};                       \
	TABLE_ENTRY(quire_invariants, struct test_invariant, test_invariant_##id)

#endif

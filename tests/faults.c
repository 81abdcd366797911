// SPDX-License-Identifier: MIT
/*
 * Fault injection over whole tests (`faults=` on the command line): an allocation of the test,
 * in whatever thread, fails once, and the test must neither crash nor leak nor leave anything
 * that an invariant finds; what its own checks say does not count. `each` takes every
 * allocation in turn, or for long tests FAULTS_CHOSEN of them, chosen by the seed. On the
 * developer's machine tools/faults.py calls this, and goes on in a fresh process when a test
 * gave up.
 *
 * A test that gives up (REQUIRE) keeps what it had until then. Only the call that failed must
 * have undone its part, so the invariants note their state at the start of each call: when the
 * place in the tests' code, or the number of checks, is another than at the allocation before.
 * That costs more than the allocation: far from the one that fails, which is farther than twice
 * the longest call of the run that counted, nobody looks.
 */
#include <tests/internal.h>
#include <kernel/bits.h>
#include <kernel/fault.h>
#include <kernel/format.h>
#include <kernel/log.h>
#include <kernel/command_line.h>
#include <stdatomic.h>
#include <string.h>

COMMAND_LINE_KEY(
	faults, "faults",
	"each: every allocation of each test fails once; N: the Nth; N-M: points N to M; "
	"list: none, the tests are only named");
COMMAND_LINE_KEY(faults_most, "faults-most", "that many points per test at most");
COMMAND_LINE_KEY(faults_count, "faults-count",
		 "allocations of the test, known from a run before: it is not counted again");
COMMAND_LINE_KEY(faults_window, "faults-window",
		 "so many allocations before the one that fails the calls are told apart");

#ifdef QUIRE_TEST_HOOKS
#include <kernel/thread.h>
#include <platform/context.h>

#define FAULTS_EACH_MAX 2000
#define FAULTS_CHOSEN   500
#define DEPTH_MAX       32
#define LAST_TEST_SIZE  KIB(64) /* at most, with its helpers */

/* One run; the plan is asked by any thread, the rest belongs to the runner's. */
static struct {
	_Atomic uint64_t seen;
	uint64_t nth;
	uint64_t window; /* told apart are the calls so many allocations before it; 0: all */
	_Atomic bool fired;
	struct thread *runner;
	uintptr_t tests_start;
	uintptr_t tests_end;
	uintptr_t place; /* of the call in progress, in the tests' code */
	unsigned steps;
	uint64_t began;   /* the call in progress: allocations before it */
	uint64_t longest; /* call, in allocations */
	bool ended;       /* the call that failed */
	_Atomic bool marking;
} run;

/* The tests are linked behind everything else but a host's libraries. */
static void find_tests(void)
{
	run.tests_start = UINTPTR_MAX;
	run.tests_end = 0;
	table_for_each (quire_tests, test) {
		run.tests_start = MIN(run.tests_start, (uintptr_t)(*test)->run);
		run.tests_end = MAX(run.tests_end, (uintptr_t)(*test)->run + LAST_TEST_SIZE);
	}
}

/* The innermost return address in a test or a helper of one; 0 when the stack does not tell. */
static uintptr_t place_in_tests(void)
{
	uintptr_t trace[DEPTH_MAX];
	size_t depth = context_backtrace(trace, DEPTH_MAX);

	for (size_t i = 0; i < depth; i++)
		if (trace[i] >= run.tests_start && trace[i] < run.tests_end)
			return trace[i];
	return 0;
}

/* At each allocation: is it another call's than the one before? */
static void mark_call(void)
{
	uint64_t seen = atomic_load(&run.seen);
	bool fired = atomic_load(&run.fired);
	uintptr_t place;

	if (run.ended || (run.window != 0 && seen + run.window < run.nth))
		return;
	place = place_in_tests();
	if (place == run.place && test_steps() == run.steps)
		return;
	run.place = place;
	run.steps = test_steps();
	run.longest = MAX(run.longest, seen - run.began);
	run.began = seen;
	run.ended = fired;
	if (run.nth == 0)
		return;
	table_for_each (quire_invariants, invariant) {
		void (*note)(void) = fired ? (*invariant)->ended : (*invariant)->mark;

		if (note)
			note();
	}
}

static bool decide(void)
{
	if (thread_current() == run.runner && !atomic_exchange(&run.marking, true)) {
		mark_call();
		atomic_store(&run.marking, false);
	}
	if (atomic_fetch_add(&run.seen, 1) + 1 != run.nth)
		return false;
	atomic_store(&run.fired, true);
	return true;
}

void faults_begin(uint64_t nth)
{
	atomic_store(&run.seen, 0);
	atomic_store(&run.fired, false);
	run.nth = nth;
	run.runner = thread_current();
	find_tests();
	run.place = UINTPTR_MAX;
	run.began = 0;
	run.longest = 0;
	run.ended = false;
	fault_set_plan(decide);
}

uint64_t faults_end(bool *fired)
{
	fault_set_plan(NULL);
	run.longest = MAX(run.longest, atomic_load(&run.seen) - run.began);
	*fired = atomic_load(&run.fired);
	return atomic_load(&run.seen);
}

/* False: this point is wrong, and the reason says so. */
static bool try_point(const struct test *test, uint64_t seed, uint64_t nth,
		      struct test_faults *faults, struct test_result *result)
{
	test_run_with_fault(test, seed, nth, faults);
	result->checks++;
	if (!faults->problem[0])
		return true;
	result->outcome = TEST_FAILED;
	format(result->reason, sizeof(result->reason), "faults=%llu: %s",
	       (unsigned long long)nth, faults->problem);
	return false;
}

/* Points of a test with so many allocations. */
static uint64_t points_of(uint64_t count)
{
	uint64_t most = command_line_number("faults-most", 0);

	if (most == 0)
		most = count <= FAULTS_EACH_MAX ? FAULTS_EACH_MAX : FAULTS_CHOSEN;
	return MIN(count, most);
}

#define POINTS_ALL UINT64_MAX

/* The points first to last; until the test gives up, unless all are wanted. */
static void points_run(const struct test *test, uint64_t seed, uint64_t first, uint64_t last,
		       struct test_result *result)
{
	bool all = last == POINTS_ALL;
	struct test_faults faults;
	uint64_t state = seed;
	uint64_t count = command_line_number("faults-count", 0);
	uint64_t points;

	run.window = command_line_number("faults-window", 0);
	if (count == 0) {
		if (!try_point(test, seed, 0, &faults, result))
			return;
		count = faults.seen;
		run.window = 2 * run.longest;
	}
	points = points_of(count);
	print("# faults %s.%s: %llu allocations, %llu points, seed %llu, window %llu\n",
	      test->suite, test->name, (unsigned long long)count, (unsigned long long)points,
	      (unsigned long long)seed, (unsigned long long)run.window);
	for (uint64_t i = 1; i <= MIN(points, last); i++) {
		uint64_t nth = i;

		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (points != count)
			nth = 1 + (state >> 16) % count;
		if (i < first)
			continue;
		if (!all)
			print("# faults point %llu\n", (unsigned long long)i);
		if (!try_point(test, seed, nth, &faults, result) || (faults.cut_short && !all))
			return;
	}
}

static void one_run(const struct test *test, uint64_t seed, uint64_t nth,
		    struct test_result *result)
{
	struct test_faults faults;

	(void)try_point(test, seed, nth, &faults, result);
	print("# faults %s.%s: %llu allocations, %s%s\n", test->suite, test->name,
	      (unsigned long long)faults.seen, faults.fired ? "one failed" : "none failed",
	      faults.cut_short ? ", the test gave up" : "");
}

void faults_run(const struct test *test, uint64_t seed, const char *which,
		struct test_result *result)
{
	size_t digits = strcspn(which, "-");
	uint64_t first, last;
	char number[16];

	*result = (struct test_result){.outcome = TEST_OK};
	format(number, sizeof(number), "%.*s", (int)digits, which);
	if (strcmp(which, "list") == 0) {
		return;
	} else if (strcmp(which, "each") == 0) {
		points_run(test, seed, 1, POINTS_ALL, result);
	} else if (command_line_parse_number(number, &first) && !which[digits]) {
		one_run(test, seed, first, result);
	} else if (command_line_parse_number(number, &first) &&
		   command_line_parse_number(which + digits + 1, &last)) {
		points_run(test, seed, first, last, result);
	} else {
		result->outcome = TEST_ERROR;
		format(result->reason, sizeof(result->reason),
		       "faults=%s: each, list, N or N-M is wanted", which);
	}
}
#else
void faults_begin(uint64_t nth)
{
	(void)nth;
}

uint64_t faults_end(bool *fired)
{
	*fired = false;
	return 0;
}

void faults_run(const struct test *test, uint64_t seed, const char *which,
		struct test_result *result)
{
	(void)test, (void)seed, (void)which;
	*result = (struct test_result){.outcome = TEST_ERROR};
	format(result->reason, sizeof(result->reason), "faults= needs a debug build");
}
#endif

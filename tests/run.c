// SPDX-License-Identifier: MIT
/*
 * The runner: collects the table, sorts by name (link order is not file order), filters,
 * shuffles by seed, prints a test's name before it runs, and speaks KTAP. After each test every
 * registered invariant (leaks, mm_check_all) is asked.
 */
#include <tests/internal.h>
#include <kernel/assert.h>
#include <kernel/banner.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/format.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/scheduler.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <string.h>

#define TESTS_MAX 4096

/* State of the test that runs; check functions may be called from any of its threads. */
struct run_state {
	struct test_result *result;
	const struct test *test;
	atomic_uint checks;
	atomic_uint needs;
	atomic_uint failures;
	jmp_buf end;
	uint64_t random;
	const char *panic_seen;
	struct test_faults *faults; /* NULL: a run without fault injection */
};

static struct run_state *current;

static void note_failure(const char *text)
{
	if (atomic_fetch_add(&current->failures, 1) == 0)
		format(current->result->reason, sizeof(current->result->reason), "%s", text);
}

bool test_check(bool ok, const char *file, int line, const char *text)
{
	char message[160];

	atomic_fetch_add(&current->checks, 1);
	if (ok)
		return true;
	format(message, sizeof(message), "%s:%d: %s", file, line, text);
	if (!current->faults)
		print("# failed %s\n", message);
	note_failure(message);
	return false;
}

unsigned test_steps(void)
{
	return atomic_load(&current->checks) + atomic_load(&current->needs);
}

bool test_check_equal(uint64_t left, uint64_t right, const char *file, int line,
		      const char *text)
{
	char message[160];

	if (left == right)
		return test_check(true, file, line, text);
	format(message, sizeof(message), "%s (%#llx, not %#llx)", text,
	       (unsigned long long)left, (unsigned long long)right);
	return test_check(false, file, line, message);
}

bool test_check_string(const char *left, const char *right, const char *file, int line,
		       const char *text)
{
	char message[160];

	if (left && right && strcmp(left, right) == 0)
		return test_check(true, file, line, text);
	format(message, sizeof(message), "%s (\"%s\", not \"%s\")", text,
	       left ? left : "(null)", right ? right : "(null)");
	return test_check(false, file, line, message);
}

void test_abort(void)
{
	if (current->faults)
		current->faults->cut_short = true;
	longjmp(current->end, 1);
}

static NORETURN void end_with(enum test_outcome outcome, const char *reason)
{
	current->result->outcome = outcome;
	format(current->result->reason, sizeof(current->result->reason), "%s", reason);
	test_abort();
}

void test_skip(const char *reason)
{
	end_with(TEST_SKIPPED, reason);
}

void test_error(const char *reason)
{
	end_with(TEST_ERROR, reason);
}

void test_need(bool ok, const char *reason)
{
	if (!ok)
		test_error(reason);
	atomic_fetch_add(&current->needs, 1);
}

/* splitmix64: full period, any seed is good. */
uint64_t test_random(void)
{
	uint64_t z = current->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t test_random_below(uint64_t limit)
{
	return test_random() % limit;
}

static uint64_t name_hash(const struct test *test)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *c = test->suite; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	for (const char *c = test->name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return hash;
}

/* Called in place of the end of the world when a test expects a panic. */
static void expected_panic(const char *text)
{
	current->panic_seen = strstr(text, current->test->panic_text) ? "" : "another panic";
	if (current->faults && current->panic_seen[0])
		current->faults->cut_short = true;
	longjmp(current->end, 1);
}

static void judge_panic(void)
{
	atomic_fetch_add(&current->checks, 1);
	if (!current->panic_seen)
		note_failure("expected a panic, none came");
	else if (current->panic_seen[0])
		note_failure("expected another panic text");
}

/* After a panic or an end in the middle of anything: what it held and what it had switched off.
 * In one piece: who is preempted while a lock is held still goes on on another CPU, and there
 * the lock is a stranger's. */
static void recover(unsigned preempt_count)
{
	struct irq_state irq = irq_save();

	locks_release_all();
	thread_current()->preempt_count = preempt_count;
	irq_restore(irq);
}

static void run_body(uint64_t nth)
{
	struct irq_state irq = irq_save();
	unsigned preempt_count = thread_current()->preempt_count;

	irq_restore(irq);
	if (current->faults)
		faults_begin(nth);
	if (current->test->panic_text)
		panic_set_hook(expected_panic);
	/* A test that was cut short may have left preemption and interrupts off. */
	if (setjmp(current->end) == 0)
		current->test->run();
	else
		recover(preempt_count);
	irq_restore(irq);
	if (current->faults)
		current->faults->seen = faults_end(&current->faults->fired);
	if (current->test->panic_text) {
		panic_set_hook(NULL);
		judge_panic();
	}
}

static void note_problem(const char *name, const char *problem)
{
	char message[160];

	format(message, sizeof(message), "%s: %s", name, problem);
	if (current->faults)
		format(current->faults->problem, sizeof(current->faults->problem), "%s",
		       message);
	print("# failed %s\n", message);
	note_failure(message);
}

static void run_invariants(bool before)
{
	bool cut = current->faults && current->faults->fired && current->faults->cut_short;

	table_for_each (quire_invariants, invariant) {
		const char *problem = NULL;

		if (before && (*invariant)->before)
			(*invariant)->before();
		else if (!before && cut && (*invariant)->after_cut)
			problem = (*invariant)->after_cut();
		else if (!before)
			problem = (*invariant)->after();
		if (problem)
			note_problem((*invariant)->name, problem);
	}
}

static void run_in(struct run_state *state, uint64_t seed, uint64_t nth)
{
	struct run_state *outer = current;

	*state->result = (struct test_result){.outcome = TEST_OK};
	state->random = seed ^ name_hash(state->test);
	current = state;
	run_invariants(true);
	run_body(nth);
	run_invariants(false);
	current = outer;
}

void test_run_one(const struct test *test, uint64_t seed, struct test_result *result)
{
	struct run_state state = {.result = result, .test = test};

	run_in(&state, seed, 0);
	result->checks = atomic_load(&state.checks);
	if (atomic_load(&state.failures) != 0)
		result->outcome = TEST_FAILED;
	if (result->outcome == TEST_OK && result->checks == 0) {
		result->outcome = TEST_FAILED;
		format(result->reason, sizeof(result->reason), "no CHECK ran");
	}
}

void test_run_with_fault(const struct test *test, uint64_t seed, uint64_t nth,
			 struct test_faults *faults)
{
	struct test_result result;
	struct run_state state = {.result = &result, .test = test, .faults = faults};

	*faults = (struct test_faults){0};
	run_in(&state, seed, nth);
}

bool test_filter_matches(const char *filter, const struct test *test)
{
	size_t suite = strlen(test->suite);

	if (!filter || !*filter)
		return true;
	for (const char *word = filter; *word;) {
		size_t length = strcspn(word, ",");

		if (length == suite && memcmp(word, test->suite, suite) == 0)
			return true;
		if (length > suite && memcmp(word, test->suite, suite) == 0 &&
		    word[suite] == '.' && strlen(test->name) == length - suite - 1 &&
		    memcmp(word + suite + 1, test->name, length - suite - 1) == 0)
			return true;
		word += length;
		if (*word == ',')
			word++;
	}
	return false;
}

static int compare(const struct test *a, const struct test *b)
{
	int order = strcmp(a->suite, b->suite);

	return order ? order : strcmp(a->name, b->name);
}

/* Tests that fail on purpose run only when one is named. */
static bool is_unwanted_canary(const struct test *test, const char *filter)
{
	return strcmp(test->suite, "canary") == 0 &&
	       (!filter || strncmp(filter, "canary.", strlen("canary.")) != 0);
}

static size_t collect(const char *filter, const struct test **list)
{
	size_t count = 0;

	table_for_each (quire_tests, test) {
		size_t at = count;

		if (!test_filter_matches(filter, *test) || is_unwanted_canary(*test, filter))
			continue;
		if (count == TESTS_MAX)
			panic("more than %d tests: raise TESTS_MAX in tests/run.c", TESTS_MAX);
		for (; at > 0 && compare(*test, list[at - 1]) < 0; at--)
			list[at] = list[at - 1];
		list[at] = *test;
		count++;
	}
	return count;
}

static void shuffle(const struct test **list, size_t count, uint64_t seed)
{
	struct run_state state = {.random = seed};

	current = &state;
	for (size_t i = count; i > 1; i--) {
		size_t j = test_random_below(i);
		const struct test *swap = list[i - 1];

		list[i - 1] = list[j];
		list[j] = swap;
	}
	current = NULL;
}

static void report(size_t number, const struct test *test, const struct test_result *result)
{
	const char *ok =
		result->outcome == TEST_OK || result->outcome == TEST_SKIPPED ? "ok" : "not ok";

	switch (result->outcome) {
	case TEST_OK:
		print("%s %zu %s.%s # %u checks\n", ok, number, test->suite, test->name,
		      result->checks);
		break;
	case TEST_FAILED:
		print("%s %zu %s.%s # %s\n", ok, number, test->suite, test->name,
		      result->reason);
		break;
	case TEST_SKIPPED:
		print("%s %zu %s.%s # SKIP %s\n", ok, number, test->suite, test->name,
		      result->reason);
		break;
	case TEST_ERROR:
		print("%s %zu %s.%s # ERROR %s\n", ok, number, test->suite, test->name,
		      result->reason);
		break;
	}
}

unsigned tests_run(const char *filter, uint64_t seed)
{
	static const struct test *list[TESTS_MAX];
	size_t count = collect(filter, list);
	const char *key = command_line_get("faults");
	char faults[16];
	unsigned failed = 0;

	format(faults, sizeof(faults), "%s", key ? key : "");
	if (seed)
		shuffle(list, count, seed);
	print("KTAP version 1\n# quire %s cpus=%u seed=%llu\n1..%zu\n", quire_version,
	      cpu_count(), (unsigned long long)seed, count);
	for (size_t i = 0; i < count; i++) {
		struct test_result result;

		print("# running %s.%s\n", list[i]->suite, list[i]->name);
		if (key)
			faults_run(list[i], seed, faults, &result);
		else
			test_run_one(list[i], seed, &result);
		report(i + 1, list[i], &result);
		failed += result.outcome == TEST_FAILED || result.outcome == TEST_ERROR;
	}
	if (count == 0) {
		print("# no test matches tests=%s\n", filter ? filter : "");
		failed = 1;
	}
	print("# quire: %s, %u of %zu failed\n", failed ? "FAIL" : "PASS", failed, count);
	return failed;
}

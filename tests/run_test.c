// SPDX-License-Identifier: MIT
/*
 * Tests of the runner: a failing, an empty, a skipped, a broken and a leaking test are reported
 * as such. They are called from here; those of canary_test.c end up at the judge.
 */
#include <tests/internal.h>
#include <kernel/assert.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/table.h>
#include <kernel/timer.h>
#include <platform/clock.h>
#include <string.h>
#include <tests/wait.h>

static bool leak;

static void canary_failing(void)
{
	test_check(false, "canary", 1, "false");
}

static void canary_empty(void)
{
}

static void canary_aborting(void)
{
	REQUIRE(1 == 2);
	leak = true; /* not reached */
}

static void canary_skipping(void)
{
	SKIP("no hardware");
}

static void canary_broken(void)
{
	ERROR("set-up failed");
}

static void canary_leaking(void)
{
	leak = true;
	CHECK(true);
}

static void canary_panicking(void)
{
	panic("the %s text", "expected");
}

static const char *canary_leak_check(void)
{
	bool was = leak;

	leak = false;
	return was ? "lost 1 canary" : NULL;
}

TEST_INVARIANT(canary, NULL, canary_leak_check, NULL, NULL, NULL);

static struct test_result run(void (*body)(void), const char *panic_text)
{
	const struct test test = {"canary", "one", body, panic_text, __FILE__, __LINE__};
	struct test_result result;

	test_run_one(&test, 1, &result);
	return result;
}

TEST(run, failing_test_is_failed)
{
	struct test_result result = run(canary_failing, NULL);

	CHECK_EQ(result.outcome, TEST_FAILED);
	CHECK_STR(result.reason, "canary:1: false");
}

TEST(run, empty_test_is_failed)
{
	struct test_result result = run(canary_empty, NULL);

	CHECK_EQ(result.outcome, TEST_FAILED);
	CHECK_STR(result.reason, "no CHECK ran");
}

TEST(run, require_ends_the_test)
{
	struct test_result result = run(canary_aborting, NULL);

	CHECK_EQ(result.outcome, TEST_FAILED);
	CHECK(!leak);
}

TEST(run, skip_and_error_keep_their_reason)
{
	struct test_result result = run(canary_skipping, NULL);

	CHECK_EQ(result.outcome, TEST_SKIPPED);
	CHECK_STR(result.reason, "no hardware");
	result = run(canary_broken, NULL);
	CHECK_EQ(result.outcome, TEST_ERROR);
	CHECK_STR(result.reason, "set-up failed");
}

TEST(run, leaking_test_is_failed)
{
	struct test_result result = run(canary_leaking, NULL);

	CHECK_EQ(result.outcome, TEST_FAILED);
	CHECK_STR(result.reason, "canary: lost 1 canary");
}

static void canary_leaking_and_skipping(void)
{
	leak = true;
	SKIP("no hardware");
}

/* Where no call failed, what a test that gave up has kept is no failed call's. */
TEST(run, test_that_gives_up_without_a_fault_is_asked_like_any_other)
{
	const struct test skipping = {"canary", "one",    canary_skipping,
				      NULL,     __FILE__, __LINE__};
	const struct test leaking = {"canary", "two",    canary_leaking_and_skipping,
				     NULL,     __FILE__, __LINE__};
	struct test_faults faults;

	test_run_with_fault(&skipping, 1, 0, &faults);
	CHECK(faults.cut_short);
	CHECK_STR(faults.problem, "");
	test_run_with_fault(&leaking, 1, 0, &faults);
	CHECK_STR(faults.problem, "canary: lost 1 canary");
}

TEST(run, panic_passes_only_where_it_is_expected)
{
	CHECK_EQ(run(canary_panicking, "the expected text").outcome, TEST_OK);
	CHECK_EQ(run(canary_panicking, "some other text").outcome, TEST_FAILED);
	CHECK_EQ(run(canary_empty, "the expected text").outcome, TEST_FAILED);
}

#ifdef QUIRE_TEST_HOOKS
static struct lock_class panicking_class = {.name = "test held in a panic"};

static struct {
	struct spin_lock lock;
	struct timer timer;
	_Atomic bool fired, was_held;
} panicking = {.lock = SPIN_LOCK_INIT(&panicking_class)};

static void look_at_lock(struct timer *timer)
{
	(void)timer;
	atomic_store(&panicking.was_held, spin_is_held(&panicking.lock));
	atomic_store(&panicking.fired, true);
}

/* An interrupt comes meanwhile, and waits for the mask to open. */
NO_LOCK_ANALYSIS static void canary_panicking_under_a_lock(void)
{
	struct irq_state irq = spin_lock_irqsave(&panicking.lock);

	(void)irq;
	timer_start(&panicking.timer, clock_ns());
	clock_delay_ns(NSEC_PER_MSEC);
	panic("the expected text");
}

/* Else whoever comes in between runs on a CPU that holds a lock, or the test goes on elsewhere.
 */
TEST(run, locks_of_a_panic_are_free_before_interrupts_come)
{
	timer_init(&panicking.timer, look_at_lock);
	atomic_store(&panicking.fired, false);
	CHECK_EQ(run(canary_panicking_under_a_lock, "the expected text").outcome, TEST_OK);
	WAIT_FOR(atomic_load(&panicking.fired));
	CHECK(!atomic_load(&panicking.was_held));
	timer_cancel_sync(&panicking.timer);
}
#endif

TEST(run, filter_takes_suites_and_full_names)
{
	const struct test test = {"buddy", "merge", canary_empty, NULL, "", 0};

	CHECK(test_filter_matches(NULL, &test));
	CHECK(test_filter_matches("buddy", &test));
	CHECK(test_filter_matches("x,buddy.merge", &test));
	CHECK(!test_filter_matches("budd", &test));
	CHECK(!test_filter_matches("buddy.mer", &test));
	CHECK(!test_filter_matches("buddy.merge2", &test));
}

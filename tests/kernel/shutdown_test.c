// SPDX-License-Identifier: MIT
/*
 * Hooks of the machine's end, on a list of the test's own: the real one would end the devices.
 */
#include <kernel/shutdown.h>
#include <kernel/hook.h>
#include <errno.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>

#define PATIENCE_NS (20 * NSEC_PER_SEC)
/* The good ones have it, too, on a machine that is busy with others. */
#define SHORT_NS    (5 * NSEC_PER_SEC)

static struct shutdown_list list;
static char ran[16];
static struct completion gate;

static int note(struct shutdown_hook *hook)
{
	strcat(ran, hook->name);
	return 0;
}

static int fail(struct shutdown_hook *hook)
{
	(void)note(hook);
	return -EIO;
}

static int stay(struct shutdown_hook *hook)
{
	(void)note(hook);
	(void)!completion_wait_timeout(&gate, PATIENCE_NS);
	return 0;
}

static void start(struct shutdown_hook *hooks, size_t count)
{
	shutdown_list_init(&list);
	ran[0] = '\0';
	for (size_t i = 0; i < count; i++)
		shutdown_hook_register(&list, &hooks[i]);
}

TEST(shutdown, stages_run_in_order_and_the_last_registered_first)
{
	struct shutdown_hook hooks[] = {
		{.name = "r", .stage = SHUTDOWN_REPORTS, .run = note},
		{.name = "d", .stage = SHUTDOWN_DEVICES, .run = note},
		{.name = "c", .stage = SHUTDOWN_CLIENTS, .run = note},
		{.name = "D", .stage = SHUTDOWN_DEVICES, .run = note},
		{.name = "C", .stage = SHUTDOWN_CLIENTS, .run = note},
	};

	start(hooks, ARRAY_SIZE(hooks));
	CHECK_EQ(shutdown_list_run(&list, PATIENCE_NS), 0);
	CHECK(strcmp(ran, "CcDdr") == 0);
	/* Once each, whoever comes next. */
	CHECK_EQ(shutdown_list_run(&list, PATIENCE_NS), 0);
	CHECK(strcmp(ran, "CcDdr") == 0);
}

TEST(shutdown, unregistered_hook_does_not_run)
{
	struct shutdown_hook hooks[] = {
		{.name = "a", .stage = SHUTDOWN_CLIENTS, .run = note},
		{.name = "b", .stage = SHUTDOWN_CLIENTS, .run = note},
	};

	start(hooks, ARRAY_SIZE(hooks));
	shutdown_hook_unregister(&list, &hooks[1]);
	CHECK_EQ(shutdown_list_run(&list, PATIENCE_NS), 0);
	CHECK(strcmp(ran, "a") == 0);
}

TEST(shutdown, hook_that_fails_is_named_and_the_next_one_runs)
{
	struct shutdown_hook hooks[] = {
		{.name = "bad", .stage = SHUTDOWN_CLIENTS, .run = fail},
		{.name = "good", .stage = SHUTDOWN_DEVICES, .run = note},
	};

	start(hooks, ARRAY_SIZE(hooks));
	text_sink_open();
	CHECK_EQ(shutdown_list_run(&list, PATIENCE_NS), 1);
	CHECK(strstr(text_sink_close(), "shutdown: bad failed (error -5)") != NULL);
	CHECK(strcmp(ran, "badgood") == 0);
}

TEST(shutdown, hook_that_never_returns_is_named_and_left_behind)
{
	struct shutdown_hook hooks[] = {
		{.name = "late", .stage = SHUTDOWN_CLIENTS, .run = stay},
		{.name = "good", .stage = SHUTDOWN_DEVICES, .run = note},
	};

	completion_init(&gate);
	start(hooks, ARRAY_SIZE(hooks));
	text_sink_open();
	CHECK_EQ(shutdown_list_run(&list, SHORT_NS), 1);
	CHECK(strstr(text_sink_close(), "shutdown: late has not ended after 5000 ms") != NULL);
	CHECK(strcmp(ran, "lategood") == 0);
	/* Who takes it away waits until its thread has left it. */
	completion_signal(&gate);
	shutdown_hook_unregister(&list, &hooks[0]);
}

static _Atomic unsigned ends;

static int end_machine(void *arg)
{
	unsigned failed = shutdown_list_run(arg, PATIENCE_NS);

	atomic_fetch_add(&ends, 1);
	return (int)failed;
}

/* Else the second one switches off while a balloon still gives its pages back. */
TEST(shutdown, who_comes_second_waits_for_the_hook_that_runs)
{
	struct shutdown_hook hooks[] = {
		{.name = "slow", .stage = SHUTDOWN_CLIENTS, .run = stay},
	};
	struct thread *threads[2];
	unsigned started = 0, ended;

	completion_init(&gate);
	atomic_store(&ends, 0);
	start(hooks, ARRAY_SIZE(hooks));
	while (started < 2 &&
	       (threads[started] = test_thread_try(end_machine, &list, THREAD_ANY_CPU)))
		started++;
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	ended = atomic_load(&ends);
	completion_signal_all(&gate);
	for (unsigned i = 0; i < started; i++)
		CHECK_EQ(thread_join(threads[i]), 0);
	NEED(started == 2, "no memory for a thread");
	CHECK_EQ(ended, 0);
}

#ifdef QUIRE_TEST_HOOKS
static _Atomic bool watched;

static int end_machine_watched(void *arg)
{
	while (!atomic_load(&watched))
		thread_yield();
	return end_machine(arg);
}

/* What a driver does that goes away: afterwards the memory is somebody else's. */
static int go_away(void *arg)
{
	struct shutdown_hook *hook = arg;

	shutdown_hook_unregister(&list, hook);
	completion_init(&hook->ended);
	return 0;
}

TEST(shutdown, hook_is_its_owners_only_when_the_list_has_let_go)
{
	static struct shutdown_hook hooks[1];
	struct thread *runner, *owner;
	struct hook_gate asleep;

	hooks[0] =
		(struct shutdown_hook){.name = "gone", .stage = SHUTDOWN_CLIENTS, .run = stay};
	completion_init(&gate);
	atomic_store(&watched, false);
	start(hooks, 1);
	runner = test_thread(end_machine_watched, &list, THREAD_ANY_CPU);
	/* The list's runner waits for the hook, and gets on late. */
	hook_gate_attach(&asleep, "wait_queue_sleep", runner);
	atomic_store(&watched, true);
	hook_gate_wait(&asleep);
	owner = test_thread_try(go_away, &hooks[0], THREAD_ANY_CPU);
	completion_signal_all(&gate);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	hook_gate_detach(&asleep);
	CHECK_EQ(thread_join(runner), 0);
	if (owner)
		thread_join(owner);
	NEED(owner, "no memory for a thread");
}
#endif

// SPDX-License-Identifier: MIT
/*
 * Hooks of the machine's end, on a list of the test's own: the real one would end the devices.
 */
#include <kernel/shutdown.h>
#include <errno.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#define PATIENCE_NS (10 * NSEC_PER_SEC)
/* The good ones have it, too, on a machine that is busy with others. */
#define SHORT_NS    (NSEC_PER_SEC)

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
	CHECK(strstr(text_sink_close(), "shutdown: late has not ended after 1000 ms") != NULL);
	CHECK(strcmp(ran, "lategood") == 0);
	/* Who takes it away waits until its thread has left it. */
	completion_signal(&gate);
	shutdown_hook_unregister(&list, &hooks[0]);
}

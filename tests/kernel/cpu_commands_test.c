// SPDX-License-Identifier: MIT
/*
 * The commands cpus and threads.
 */
#include <kernel/shell.h>
#include <platform/cpu.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>

static unsigned occurrences(const char *text, const char *of)
{
	unsigned count = 0;

	for (; (text = strstr(text, of)) != NULL; text++)
		count++;
	return count;
}

TEST(cpu_commands, cpus_names_each_cpu)
{
	const char *text;
	int error;

	text_sink_open();
	error = shell_run_line("cpus");
	text = text_sink_close();
	CHECK_EQ(error, 0);
	CHECK_EQ(occurrences(text, "\ncpu "), cpu_count());
}

TEST(cpu_commands, cpus_as_json_is_one_line_with_the_cost_of_the_boot)
{
	const char *text;

	text_sink_open();
	CHECK_EQ(shell_run_line("cpus -j"), 0);
	text = text_sink_close();
	CHECK(text[0] == '{');
	CHECK(strstr(text, "\"boot_instructions\":") != NULL);
	CHECK_EQ(occurrences(text, "\"steals\":"), cpu_count());
	CHECK_EQ(occurrences(text, "\n"), 1);
}

TEST(cpu_commands, threads_shows_every_worker)
{
	const char *text;

	text_sink_open();
	CHECK_EQ(shell_run_line("threads"), 0);
	text = text_sink_close();
	CHECK(strstr(text, "NAME") == text);
	CHECK_EQ(occurrences(text, "\nidle/"), cpu_count());
	CHECK_EQ(occurrences(text, "\nrcu "), 1);
	text_sink_open();
	CHECK_EQ(shell_run_line("threads -j"), 0);
	text = text_sink_close();
	CHECK(text[0] == '[');
	CHECK(strstr(text, "\"name\":\"main\"") != NULL);
	CHECK_EQ(occurrences(text, "\n"), 1);
}

static _Atomic bool listed;

static int switch_often(void *arg)
{
	(void)arg;
	while (!atomic_load(&listed))
		thread_yield();
	return 0;
}

/* For thread sanitizer: their state changes under the eyes of the reader. */
TEST(cpu_commands, threads_may_switch_while_they_are_listed)
{
	struct thread *threads[2];
	unsigned started = 0;
	const char *text;

	atomic_store(&listed, false);
	while (started < 2 &&
	       (threads[started] = test_thread_try(switch_often, NULL, cpu_count() - 1)))
		started++;
	text_sink_open();
	for (unsigned i = 0; i < 10; i++)
		(void)shell_run_line("threads");
	text = text_sink_close();
	atomic_store(&listed, true);
	for (unsigned i = 0; i < started; i++)
		thread_join(threads[i]);
	NEED(started == 2, "no memory for a thread");
	CHECK(occurrences(text, "\ntest ") >= 2);
}

// SPDX-License-Identifier: MIT
/*
 * Real panics, in a child process whose console is a pipe.
 */
#include <kernel/panic.h>
#include <kernel/assert.h>
#include <kernel/banner.h>
#include <kernel/log.h>
#include <tests/test.h>

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SURVIVED 77

static char text[16384];

/* Run body() in a child; what it wrote is in text. True if it ended by itself with a failure;
 * the number is not looked at, because the leak checker puts its own in place of ours. */
static bool dies(void (*body)(void))
{
	int pipes[2];
	size_t used = 0;
	ssize_t got;
	int status;

	if (pipe(pipes) != 0)
		ERROR("no pipe");
	pid_t child = fork();
	if (child < 0)
		ERROR("no child process");
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		close(pipes[0]);
		panic_set_hook(NULL);
		alarm(20);
		body();
		_exit(SURVIVED);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	close(pipes[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != SURVIVED;
}

static void fail_assertion(void)
{
	ASSERT(text[0] == 'x' && "reason");
}

TEST(panic, says_what_where_and_who)
{
	text[0] = 'y';
	CHECK(dies(fail_assertion));
	CHECK(strstr(text, "tests/kernel/panic_test.c:") != NULL);
	CHECK(strstr(text, "assertion failed: text[0] == 'x' && \"reason\"") != NULL);
	CHECK(strstr(text, "panic: cpu ") != NULL);
	CHECK(strstr(text, quire_version) != NULL);
	CHECK(strstr(text, ", build ") != NULL);
	CHECK(strstr(text, "#0 0x") != NULL);
	CHECK(strstr(text, "panic: memory check: ") != NULL);
}

static void panic_in_unfinished_line(void)
{
	print("half a report");
	panic("number %d", 5);
}

TEST(panic, is_shown_although_a_report_is_unfinished)
{
	CHECK(dies(panic_in_unfinished_line));
	CHECK(strncmp(text, "half a report\n", 14) == 0);
	CHECK(strstr(text, "number 5") != NULL);
}

static void panicking_sink(const char *line, size_t length)
{
	(void)!write(STDOUT_FILENO, line, length);
	panic("the console panics");
}

static void panic_in_console(void)
{
	log_set_sink(panicking_sink);
	panic("first");
}

TEST(panic, in_a_panic_ends_at_once)
{
	CHECK(dies(panic_in_console));
	CHECK(strstr(text, "first") != NULL);
	CHECK(strstr(text, "again, while panicking: the console panics") != NULL);
}

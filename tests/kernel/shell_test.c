// SPDX-License-Identifier: MIT
/*
 * The shell: words, quotes, errors, help.
 */
#include <kernel/shell.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#include <errno.h>
#include <kernel/log.h>
#include <string.h>

static int words_run(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		print("<%s>", argv[i]);
	CHECK(argv[argc] == NULL);
	return 0;
}

SHELL_COMMAND(zwords, "WORD...", "test: show its words\nOn one line.", words_run);

static int fail_run(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? -EIO : shell_usage("zfail");
}

SHELL_COMMAND(zfail, "", "test: fail", fail_run);

static int run(const char *line, const char *expected)
{
	text_sink_open();
	int status = shell_run_line(line);
	CHECK_STR(text_sink_close(), expected);
	return status;
}

TEST(shell, cuts_words_and_quotes)
{
	CHECK_EQ(run("zwords a  b\t-j ", "<a><b><-j>\n"), 0);
	CHECK_EQ(run("zwords \"a b\" c\"d;e\"f \"\"", "<a b><cd;ef><>\n"), 0);
	CHECK_EQ(run("", ""), 0);
	CHECK_EQ(run(" ; ;", ""), 0);
}

TEST(shell, runs_all_and_returns_the_first_error)
{
	CHECK_EQ(run("zwords 1;zwords 2 ;  zwords \"3\";", "<1>\n<2>\n<3>\n"), 0);
	CHECK_EQ(run("zfail; zwords 1; zfail x", "<1>\nusage: zfail \n"), -EIO);
	CHECK_EQ(run("zwords 1; zfail x", "<1>\nusage: zfail \n"), -EINVAL);
}

TEST(shell, names_what_it_does_not_know)
{
	CHECK_EQ(run("zwrods", "zwrods: no such command: did you mean \"zwords\"?\n"), -ENOENT);
	CHECK_EQ(run("hlep", "hlep: no such command: did you mean \"help\"?\n"), -ENOENT);
	CHECK_EQ(run("xyzzyplugh",
		     "xyzzyplugh: no such command: \"help\" lists what there is\n"),
		 -ENOENT);
	CHECK_EQ(run("averyveryverylongnameindeed",
		     "averyveryverylongnameindeed: no such command: \"help\" lists what there "
		     "is\n"),
		 -ENOENT);
}

TEST(shell, refuses_open_quotes_and_floods)
{
	char line[2000];

	CHECK_EQ(run("zwords \"a", "shell: a quote stays open: add a \" at its end\n"),
		 -EINVAL);
	strcpy(line, "zwords");
	for (unsigned i = 0; i < 40; i++)
		strcat(line, " x");
	CHECK_EQ(run(line, "shell: a command has at most 24 words\n"), -E2BIG);
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	CHECK_EQ(run(line, "shell: a line has at most 1023 characters, not 1999\n"), -E2BIG);
}

TEST(shell, help_shows_commands_sorted_and_keys)
{
	text_sink_open();
	CHECK_EQ(shell_run_line("help"), 0);
	const char *text = text_sink_close();
	const char *help = strstr(text, "help ");
	const char *log = strstr(text, "\nlog ");
	const char *words = strstr(text, "\nzwords     test: show its words\n");
	CHECK(help && log && words && help < log && log < words);
	CHECK_EQ(run("help zwords",
		     "usage: zwords WORD...\ntest: show its words\nOn one line.\n"),
		 0);
	CHECK_EQ(run("help zword",
		     "help: no command \"zword\": \"help\" alone lists what there is\n"),
		 -ENOENT);
	text_sink_open();
	CHECK_EQ(shell_run_line("help keys"), 0);
	CHECK(strstr(text_sink_close(), "loglevel   error, warn") != NULL);
}

TEST(shell, report_commands_print_one_line_of_json)
{
	text_sink_open();
	CHECK_EQ(shell_run_line("help -j"), 0);
	const char *text = text_sink_close();
	CHECK(strstr(text, "{\"name\":\"log\",\"usage\":\"[-j] [error") != NULL);
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	log_info("shelltest: \"quoted\"");
	text_sink_open();
	CHECK_EQ(shell_run_line("log -j"), 0);
	text = text_sink_close();
	CHECK(strstr(text, "shelltest: \\\"quoted\\\"\"") != NULL);
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

TEST(shell, log_command_chooses_the_level)
{
	enum log_level before = log_level();

	CHECK_EQ(run("log error", ""), 0);
	CHECK_EQ(log_level(), LOG_ERROR);
	CHECK_EQ(run("log 3", ""), 0);
	CHECK_EQ(log_level(), LOG_DEBUG);
	CHECK_EQ(run("log loud", "usage: log [-j] [error|warn|info|debug]\n"), -EINVAL);
	log_set_level(before);
}

TEST(shell, matches_commands_by_prefix)
{
	CHECK_STR(shell_command_match("zw", 2, 0)->name, "zwords");
	CHECK(shell_command_match("zw", 2, 1) == NULL);
	CHECK_STR(shell_command_match("z", 1, 0)->name, "zfail");
	CHECK_STR(shell_command_match("z", 1, 1)->name, "zwords");
}

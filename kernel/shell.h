// SPDX-License-Identifier: MIT
/*
 * The shell: commands register from the folder they belong to.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include <kernel/table.h>

/*
 * Runs in a thread. argv[0] is the command. Prints with print(). Returns 0 when it did what was
 * asked, else a negative errno, after a message that says what, where and what to do. Report
 * commands take -j and then print exactly one line of JSON (kernel/json.h).
 */
struct shell_command {
	const char *name;
	const char *usage; /* arguments, "" when none: "[-j] [BDF]" */
	const char *help;  /* one line; more lines are shown by `help NAME` */
	int (*run)(int argc, char **argv);
};

TABLE_DECLARE(quire_commands, struct shell_command);

#define SHELL_COMMAND(id, usage_text, help_text, function)                                  \
	static const struct shell_command shell_command_##id = {#id, usage_text, help_text, \
								function};                  \
	TABLE_ENTRY(quire_commands, struct shell_command, shell_command_##id)

/* Run one line "cmd args; cmd args"; the first failing command's error, after running all. */
int shell_run_line(const char *line);

/* Read lines from the console for ever. Thread context. */
void shell_interactive(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * The shell: commands register from the folder they belong to.
 */
#ifndef KERNEL_SHELL_H
#define KERNEL_SHELL_H

#include <kernel/attributes.h>
#include <kernel/table.h>
#include <stddef.h>

/*
 * Runs in a thread. argv[0] is the command, argv[argc] is NULL. Prints with print(). Returns 0
 * when it did what was asked, else a negative errno, after a message that says what, where and
 * what to do. Report commands take -j and then print exactly one line of JSON (kernel/json.h).
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

/* Words of one command. */
#define SHELL_ARGUMENTS_MAX 24
/* Bytes of one line, terminator included. */
#define SHELL_LINE_MAX      1024

/*
 * Run one line "cmd args; cmd args"; the first failing command's error, after running all.
 * Blanks part words; "double quotes" keep blanks and semicolons in one. -ENOENT for a command
 * that does not exist, -E2BIG for a line or command that is too long, -EINVAL for an open
 * quote.
 */
int shell_run_line(const char *line);

/* The same; where no device could ever give input, what it prints stops after each page. */
int shell_run_paged(const char *line);

/* The usage line of a command, and -EINVAL: what a command returns when its arguments make no
 * sense. */
int shell_usage(const char *name);

/* Read lines from the console for ever. Thread context. */
NORETURN void shell_interactive(void);

/* The index-th command, sorted by name, that begins with prefix[length]; NULL: no more. */
const struct shell_command *shell_command_match(const char *prefix, size_t length,
						unsigned index);

#endif

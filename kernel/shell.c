// SPDX-License-Identifier: MIT
/*
 * Lines to commands. No input here: kernel/shell_console.c reads lines.
 */
#include <kernel/shell.h>

#include <errno.h>
#include <kernel/bits.h>
#include <kernel/log.h>

static bool has_prefix(const char *name, const char *prefix, size_t length)
{
	return strncmp(name, prefix, length) == 0;
}

/* The table's order is the linker's: count how many are smaller. Few commands, rarely asked. */
const struct shell_command *shell_command_match(const char *prefix, size_t length,
						unsigned index)
{
	table_for_each (quire_commands, entry) {
		unsigned smaller = 0;

		if (!has_prefix((*entry)->name, prefix, length))
			continue;
		table_for_each (quire_commands, other)
			smaller += has_prefix((*other)->name, prefix, length) &&
				   strcmp((*other)->name, (*entry)->name) < 0;
		if (smaller == index)
			return *entry;
	}
	return NULL;
}

static const struct shell_command *command_find(const char *name)
{
	table_for_each (quire_commands, entry)
		if (strcmp((*entry)->name, name) == 0)
			return *entry;
	return NULL;
}

/* Edits (insert, delete, replace) between two words, at most `NAME_MAX_LENGTH` long each. */
#define NAME_MAX_LENGTH 23u

static unsigned edit_distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LENGTH + 1];
	size_t width = strlen(b);

	if (strlen(a) > NAME_MAX_LENGTH || width > NAME_MAX_LENGTH)
		return NAME_MAX_LENGTH;
	for (unsigned j = 0; j <= width; j++)
		row[j] = j;
	for (unsigned i = 0; a[i] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < width; j++) {
			unsigned replace = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = MIN(MIN(row[j], diagonal) + 1, replace);
		}
	}
	return row[width];
}

static int command_unknown(const char *name)
{
	const char *nearest = NULL;
	unsigned best = 3; /* more edits than two is another word */

	table_for_each (quire_commands, entry) {
		unsigned distance = edit_distance(name, (*entry)->name);

		if (distance < best) {
			best = distance;
			nearest = (*entry)->name;
		}
	}
	if (nearest)
		print("%s: no such command: did you mean \"%s\"?\n", name, nearest);
	else
		print("%s: no such command: \"help\" lists what there is\n", name);
	return -ENOENT;
}

int shell_usage(const char *name)
{
	const struct shell_command *command = command_find(name);

	print("usage: %s %s\n", name, command ? command->usage : "");
	return -EINVAL;
}

static bool ends_word(char c)
{
	return c == ' ' || c == '\t' || c == ';' || c == '\0';
}

/* Take one word from *at, removing its quotes in place. False: a quote stays open. */
static bool word_take(char **at, char **word)
{
	char *out = *at;
	char *in = *at;
	bool quoted = false;

	*word = out;
	for (; quoted ? *in != '\0' : !ends_word(*in); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	/* What ends the word may be overwritten by its terminator: the caller has looked. */
	*at = in;
	if (out < in)
		*out = '\0';
	return !quoted;
}

/*
 * Cut one command off *at, which then stands behind its semicolon or on the end. Number of
 * words, or a negative error.
 */
static int command_cut(char **at, char **argv)
{
	int argc = 0;

	for (;;) {
		while (**at == ' ' || **at == '\t')
			(*at)++;
		if (**at == '\0' || **at == ';')
			break;
		if (argc == SHELL_ARGUMENTS_MAX)
			return -E2BIG;
		if (!word_take(at, &argv[argc++]))
			return -EINVAL;
		if (**at == ' ' || **at == '\t')
			*(*at)++ = '\0';
		else
			break;
	}
	if (**at == ';')
		*(*at)++ = '\0';
	argv[argc] = NULL;
	return argc;
}

static int command_run(int argc, char **argv)
{
	const struct shell_command *command = command_find(argv[0]);
	int status = command ? command->run(argc, argv) : command_unknown(argv[0]);

	print_finish_line();
	return status;
}

int shell_run_line(const char *line)
{
	char text[SHELL_LINE_MAX];
	char *argv[SHELL_ARGUMENTS_MAX + 1];
	size_t length = strlen(line);
	int first_error = 0;

	if (length >= sizeof(text)) {
		print("shell: a line has at most %u characters, not %zu\n", SHELL_LINE_MAX - 1,
		      length);
		return -E2BIG;
	}
	memcpy(text, line, length + 1);
	for (char *at = text; *at != '\0';) {
		int argc = command_cut(&at, argv);

		if (argc == -EINVAL)
			print("shell: a quote stays open: add a \" at its end\n");
		if (argc == -E2BIG)
			print("shell: a command has at most %d words\n", SHELL_ARGUMENTS_MAX);
		int status = argc > 0 ? command_run(argc, argv) : argc;
		first_error = first_error ? first_error : status;
		if (argc < 0)
			break;
	}
	return first_error;
}

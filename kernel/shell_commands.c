// SPDX-License-Identifier: MIT
/*
 * Commands of the ground floor: help and log.
 */
#include <kernel/shell.h>

#include <errno.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/json.h>
#include <kernel/log.h>

static const struct shell_command *command_at(unsigned index)
{
	return shell_command_match("", 0, index);
}

static void help_json(void)
{
	const struct shell_command *command;
	struct json json;

	json_start(&json);
	json_array(&json, NULL);
	for (unsigned i = 0; (command = command_at(i)) != NULL; i++) {
		json_object(&json, NULL);
		json_string(&json, "name", command->name);
		json_string(&json, "usage", command->usage);
		json_string(&json, "help", command->help);
		json_end(&json);
	}
	json_finish(&json);
}

static void help_all(void)
{
	const struct shell_command *command;

	for (unsigned i = 0; (command = command_at(i)) != NULL; i++)
		print("%-10s %.*s\n", command->name, (int)strcspn(command->help, "\n"),
		      command->help);
	print("\n\"help NAME\" tells more, \"help keys\" shows the keys of the command line; "
	      "\";\" parts commands\n");
}

static void help_keys(void)
{
	for (const struct command_line_key *key = command_line_core_keys; key->name; key++)
		print("%-10s %s\n", key->name, key->help);
	table_for_each (quire_keys, entry)
		print("%-10s %s\n", (*entry)->name, (*entry)->help);
}

static int help_run(int argc, char **argv)
{
	if (json_wanted(argc, argv)) {
		help_json();
		return 0;
	}
	if (argc == 1) {
		help_all();
		return 0;
	}
	if (strcmp(argv[1], "keys") == 0) {
		help_keys();
		return 0;
	}
	const struct shell_command *command = shell_command_match(argv[1], strlen(argv[1]), 0);
	if (!command || strcmp(command->name, argv[1]) != 0) {
		print("help: no command \"%s\": \"help\" alone lists what there is\n", argv[1]);
		return -ENOENT;
	}
	print("usage: %s %s\n%s\n", command->name, command->usage, command->help);
	return 0;
}

SHELL_COMMAND(help, "[-j] [NAME | keys]", "what commands there are, or more about one",
	      help_run);

static void log_json(void)
{
	char line[LOG_LINE_MAX + 64];
	uint64_t position = 0;
	struct json json;

	json_start(&json);
	json_array(&json, NULL);
	for (uint64_t end = log_ring_end(); position < end;) {
		if (!log_ring_next(&position, line, sizeof(line)))
			break;
		json_string(&json, NULL, line);
	}
	json_finish(&json);
}

static int log_run(int argc, char **argv)
{
	enum log_level level;

	if (json_wanted(argc, argv)) {
		log_json();
		return 0;
	}
	if (argc == 1) {
		log_print_ring();
		return 0;
	}
	if (!log_level_parse(argv[1], &level))
		return shell_usage("log");
	log_set_level(level);
	return 0;
}

SHELL_COMMAND(log, "[-j] [error|warn|info|debug]",
	      "show the kernel's messages, or choose which ones the console gets\n"
	      "Messages above the chosen level are still kept and shown by \"log\".",
	      log_run);

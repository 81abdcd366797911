// SPDX-License-Identifier: MIT
/*
 * The shell at the console: waits for input, feeds the line editor, runs what was typed. Where
 * no device could ever give input, reports page themselves by time.
 */
#include <kernel/shell.h>

#include <kernel/line_editor.h>
#include <kernel/log.h>
#include <kernel/pager.h>
#include <kernel/semaphore.h>
#include <kernel/shutdown.h>
#include <kernel/thread.h>
#include <platform/clock.h>
#include <platform/console.h>

/* An interrupt wakes the shell; where a line has none, this is how often it looks. */
#define INPUT_POLL_NS (50 * NSEC_PER_MSEC)
#define PAGE_PAUSE_NS (5 * NSEC_PER_SEC)

static struct semaphore input = SEMAPHORE_INIT(input, 0);
static struct line_editor editor;
static struct pager pager;

static void input_arrived(void)
{
	semaphore_up(&input);
}

static const char *complete(const char *prefix, size_t length, unsigned index)
{
	const struct shell_command *command = shell_command_match(prefix, length, index);

	return command ? command->name : NULL;
}

static const struct line_editor_operations editor_operations = {
	.output = log_write_interactive,
	.complete = complete,
};

static int key_wait(void)
{
	unsigned seen = log_interruptions();
	int key;

	while ((key = console_read()) < 0) {
		/* The time-out is no error: it is the poll. */
		if (semaphore_down_timeout(&input, INPUT_POLL_NS) != 0 &&
		    log_interruptions() != seen) {
			seen = log_interruptions();
			line_editor_redraw(&editor);
		}
	}
	return key;
}

static enum line_event line_read(void)
{
	enum line_event event = LINE_EDITING;

	line_editor_start(&editor);
	while (event == LINE_EDITING)
		event = line_editor_key(&editor, (char)key_wait());
	return event;
}

static void page_pause(void)
{
	thread_sleep_ns(PAGE_PAUSE_NS);
}

static void page_show(const char *text, size_t length)
{
	pager_show(&pager, text, length);
}

int shell_run_paged(const char *line)
{
	unsigned columns, rows;

	if (console_has_input())
		return shell_run_line(line);
	console_size(&columns, &rows);
	pager_start(&pager, columns, rows, page_pause);
	print_set_pager(page_show);
	int status = shell_run_line(line);
	print_set_pager(NULL);
	/* What follows may switch the machine off: the last page wants to be read too. */
	if (pager.row > 0)
		page_pause();
	return status;
}

void shell_interactive(void)
{
	unsigned columns, rows;

	console_set_input_notifier(input_arrived);
	console_size(&columns, &rows);
	line_editor_init(&editor, &editor_operations, "quire> ", columns);
	print("\"help\" lists the commands\n");
	for (;;)
		if (line_read() == LINE_DONE)
			(void)shell_run_line(editor.text);
}

static int shell_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shell_interactive();
}

SHELL_COMMAND(shell, "", "go on interactively: as the last command of run=", shell_run);

static int reboot_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shutdown_reboot();
}

SHELL_COMMAND(reboot, "", "start the machine again", reboot_run);

static int poweroff_run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	shutdown_power_off();
}

SHELL_COMMAND(poweroff, "", "switch the machine off", poweroff_run);

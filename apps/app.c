// SPDX-License-Identifier: MIT
/*
 * Runs the program that was built into the kernel (make APP=name) as the shell command `app`.
 */
#include <apps/app.h>
#include <kernel/attributes.h>
#include <kernel/completion.h>
#include <kernel/library.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

int main(int argc, char **argv);

struct invocation {
	int argc;
	char **argv;
};

static struct completion ended = COMPLETION_INIT(ended);
static _Atomic int exit_status;

struct thread *app_thread_start(int (*function)(void *), void *arg)
{
	const struct thread_attributes attributes = {.name = "app",
						     .cpu = THREAD_ANY_CPU,
						     .priority = THREAD_NORMAL,
						     .flags = THREAD_USES_FPU};

	return thread_create(&attributes, function, arg);
}

int app_thread_join(struct thread *thread)
{
	return thread_join(thread);
}

static void note_exit(int status)
{
	atomic_store(&exit_status, status);
	completion_signal(&ended);
}

static int run_main(void *arg)
{
	const struct invocation *invocation = arg;

	exit(main(invocation->argc, invocation->argv));
}

static int app_run(int argc, char **argv)
{
	struct invocation invocation = {argc, argv};
	struct thread *thread;

	library_set_exit(note_exit);
	thread = app_thread_start(run_main, &invocation);
	if (!thread) {
		print("app: no memory for its first thread: give the machine more\n");
		return -ENOMEM;
	}
	completion_wait(&ended);
	thread_detach(thread);
	if (atomic_load(&exit_status) != 0) {
		print("app: ended with status %d\n", atomic_load(&exit_status));
		return -ECANCELED;
	}
	return 0;
}

SHELL_COMMAND(app, "[ARGUMENTS]", "run the program that was built into this kernel", app_run);

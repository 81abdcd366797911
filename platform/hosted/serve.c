// SPDX-License-Identifier: MIT
/*
 * `quire-tests serve`: each line of standard input is the command line of a machine of its own,
 * a copy of this process made before it has anything. To start a program with sanitizers costs
 * more than most tests; fault injection starts ten thousands (tools/faults.py). The machine
 * writes to the same standard output, and when it has ended a line `# served STATUS` follows:
 * its exit status, or 128 and the signal that killed it. One that does not end within
 * SERVE_SECONDS is killed by SIGALRM.
 */
#define _GNU_SOURCE
#include <platform/hosted/hosted.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVE_SECONDS 120

/* Before what the sanitizers would do for each global at the end of a process. */
static void leave_at_once(int status, void *nothing)
{
	(void)nothing;
	fflush(NULL);
	_exit(status);
}

static void become_machine(void)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		perror("hosted: serve: cannot read /dev/null");
	close(null);
	if (on_exit(leave_at_once, NULL) != 0)
		perror("hosted: serve: cannot leave at once");
	alarm(SERVE_SECONDS);
}

static void wait_for(pid_t machine)
{
	int status;

	if (waitpid(machine, &status, 0) < 0) {
		perror("hosted: serve: cannot wait for a machine");
		exit(1);
	}
	printf("\n# served %d\n",
	       WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
}

void hosted_serve(char *line, size_t size)
{
	while (fgets(line, (int)size, stdin)) {
		pid_t machine = fork();

		line[strcspn(line, "\n")] = 0;
		if (machine == 0) {
			become_machine();
			return;
		}
		if (machine < 0) {
			perror("hosted: serve: cannot start a machine");
			exit(1);
		}
		wait_for(machine);
	}
	exit(0);
}

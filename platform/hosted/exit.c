// SPDX-License-Identifier: MIT
/*
 * Ways to leave the hosted machine. Apart from main.c, which the fuzzers replace.
 */
#include <platform/exit.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void platform_exit(bool success)
{
	exit(success ? 0 : 1);
}

void platform_power_off(void)
{
	exit(0);
}

/* There is no machine to reset: start the program again, with the arguments it was given. */
void platform_reboot(void)
{
	static char line[4096];
	char *arguments[64] = {NULL};
	FILE *file = fopen("/proc/self/cmdline", "r");
	size_t length = file ? fread(line, 1, sizeof(line) - 1, file) : 0;
	size_t count = 0;

	for (size_t at = 0; at < length && count < 63; count++) {
		arguments[count] = line + at;
		while (line[at++])
			;
	}
	execv("/proc/self/exe", arguments);
	perror("hosted: cannot start again");
	exit(1);
}

// SPDX-License-Identifier: MIT
/*
 * The hosted machine: arguments are the command line, then the same runner as on a target.
 */
#include <platform/hosted/hosted.h>
#include <platform/cpu.h>
#include <platform/exit.h>
#include <platform/irq.h>
#include <tests/test.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE GIB(64)

_Thread_local uint64_t hosted_irq_open = 1;

unsigned cpu_count(void)
{
	return 1;
}

void platform_exit(bool success)
{
	exit(success ? 0 : 1);
}

static const char *argument(int argc, char **argv, const char *key)
{
	size_t length = strlen(key);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], key, length) == 0)
			return argv[i] + length;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *seed = argument(argc, argv, "seed=");

	hosted_memory_init(ARENA_SIZE);
	return tests_run(argument(argc, argv, "tests="), seed ? strtoull(seed, NULL, 0) : 0) !=
	       0;
}

// SPDX-License-Identifier: MIT
/*
 * The hosted machine: arguments are the command line, then the same order of initialisation and
 * the same runner as on a target.
 */
#include <platform/hosted/hosted.h>
#include <kernel/command_line.h>
#include <kernel/kmem.h>
#include <kernel/thread.h>
#include <platform/exit.h>
#include <tests/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARENA_SIZE   GIB(64)
#define CPUS_DEFAULT 4

void platform_exit(bool success)
{
	exit(success ? 0 : 1);
}

void platform_power_off(void)
{
	exit(0);
}

static char **arguments;

/* There is no machine to reset: start the program again. */
void platform_reboot(void)
{
	execv("/proc/self/exe", arguments);
	perror("hosted: cannot start again");
	exit(1);
}

static void join_arguments(int argc, char **argv, char *line, size_t size)
{
	size_t used = 0;

	line[0] = 0;
	for (int i = 1; i < argc && used < size; i++)
		used += (size_t)snprintf(line + used, size - used, "%s ", argv[i]);
}

static void *host_alloc(size_t size)
{
	return calloc(1, size);
}

static void host_stack_free(void *stack, size_t size)
{
	(void)size;
	free(stack);
}

static const struct kmem_operations host_memory = {
	.alloc = host_alloc,
	.free = free,
	.stack_alloc = host_alloc,
	.stack_free = host_stack_free,
};

int main(int argc, char **argv)
{
	static char line[2048];

	arguments = argv;
	join_arguments(argc, argv, line, sizeof(line));
	hosted_cpu_init(1);
	command_line_init(line);
	hosted_cpu_init((unsigned)command_line_number("cpus", CPUS_DEFAULT));
	hosted_memory_init(ARENA_SIZE);
	hosted_mmu_init();
	kmem_register(&host_memory);
	threads_init();
	threads_start_cpus();
	platform_exit(tests_run(command_line_get("tests"), command_line_number("seed", 0)) ==
		      0);
}

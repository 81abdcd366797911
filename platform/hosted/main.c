// SPDX-License-Identifier: MIT
/*
 * The hosted machine: arguments are the command line, then the same order of initialisation and
 * the same runner as on a target.
 */
#include <platform/hosted/hosted.h>
#include <kernel/boot_info.h>
#include <kernel/boot_memory.h>
#include <kernel/command_line.h>
#include <kernel/thread.h>
#include <mm/mm.h>
#include <mm/reclaim.h>
#include <platform/exit.h>
#include <tests/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE   GIB(64)
#define CPUS_DEFAULT 4

static void join_arguments(int argc, char **argv, char *line, size_t size)
{
	size_t used = 0;

	line[0] = 0;
	for (int i = 1; i < argc && used < size; i++)
		used += (size_t)snprintf(line + used, size - used, "%s ", argv[i]);
}

/* RAM as on a PC: a hole below 1 MiB, one below 4 GiB, and the port's tables at the end. */
static struct boot_info *machine(void)
{
	static struct boot_range ranges[] = {
		{{0}, KIB(640), BOOT_RANGE_RAM, 0},
		{{KIB(640)}, KIB(384), BOOT_RANGE_RESERVED, 0},
		{{MIB(1)}, GIB(3) - MIB(1), BOOT_RANGE_RAM, 0},
		{{GIB(4)}, ARENA_SIZE - GIB(4) - HOSTED_TABLES_SIZE, BOOT_RANGE_RAM, 0},
		{{ARENA_SIZE - HOSTED_TABLES_SIZE}, HOSTED_TABLES_SIZE, BOOT_RANGE_RESERVED, 0},
	};
	static struct boot_info info = {
		.method = BOOT_HOSTED,
		.range_count = sizeof(ranges) / sizeof(ranges[0]),
		.ranges = ranges,
	};

	return &info;
}

int main(int argc, char **argv)
{
	static char line[2048];

	join_arguments(argc, argv, line, sizeof(line));
	if (strcmp(line, "serve ") == 0)
		hosted_serve(line, sizeof(line));
	hosted_cpu_init(1);
	command_line_init(line);
	hosted_cpu_init((unsigned)command_line_number("cpus", CPUS_DEFAULT));
	hosted_memory_init(ARENA_SIZE);
	hosted_mmu_init();
	boot_info = machine();
	boot_memory_init(boot_info);
	mm_init(boot_info);
	threads_init();
	threads_start_cpus();
	reclaim_start();
	hosted_clock_hurry(command_line_get("faults") != NULL);
	platform_exit(tests_run(command_line_get("tests"), command_line_number("seed", 0)) ==
		      0);
}

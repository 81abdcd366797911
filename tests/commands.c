// SPDX-License-Identifier: MIT
/*
 * The shell's `test` and `bench`.
 */
#include <kernel/command_line.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <platform/clock.h>
#include <tests/bench.h>
#include <tests/test.h>
#include <errno.h>
#include <string.h>

static int test_command(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : NULL;

	return tests_run(filter, command_line_number("seed", 0)) == 0 ? 0 : -EIO;
}

SHELL_COMMAND(test, "[SUITE[.TEST],...]", "run the tests of this image, KTAP on the console",
	      test_command);

/* One line of JSON: the figure, in time-stamp ticks for one iteration. */
static void bench_run(const struct bench *bench)
{
	bench->run(1); /* first touch is not what is measured */
	uint64_t start = clock_cycles();
	bench->run(bench->iterations);
	uint64_t ticks = clock_cycles() - start;

	print("{\"name\":\"%s\",\"unit\":\"ticks\",\"value\":%llu.%02llu,\"iterations\":%llu}"
	      "\n",
	      bench->name, (unsigned long long)(ticks / bench->iterations),
	      (unsigned long long)(ticks * 100 / bench->iterations % 100),
	      (unsigned long long)bench->iterations);
}

static int bench_command(int argc, char **argv)
{
	bool found = false;

	table_for_each (quire_benches, bench) {
		if (argc > 1 && strcmp((*bench)->name, argv[1]) != 0)
			continue;
		found = true;
		bench_run(*bench);
	}
	if (!found) {
		print("bench: no bench is named %s; `bench` alone runs all\n",
		      argc > 1 ? argv[1] : "(none in this image)");
		return -ENOENT;
	}
	return 0;
}

SHELL_COMMAND(bench, "[NAME]", "time each bench, a line of JSON per figure", bench_command);

// SPDX-License-Identifier: MIT
/*
 * `load`: random load on this machine's memory, for tests from outside (tools/load_test.py).
 */
#include <tests/load/load.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/bad_page.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <string.h>

#define MORE_THREADS_THAN_CPUS 2u
#define PATIENCE_MS            5000u

static struct load *load; /* the shell's thread alone */

/*
 * The walk over everything. Page reporting and a balloon that is short of memory take blocks
 * and give them back of their own accord: what is wrong stays wrong.
 */
static const char *check_at_rest(void)
{
	const char *problem = mm_check_all();

	bad_page_flush();
	for (unsigned ms = 0; problem && ms < PATIENCE_MS; ms += 50) {
		thread_sleep_ns(50 * NSEC_PER_MSEC);
		problem = mm_check_all();
	}
	return problem;
}

static void orders_json(struct json *json, const char *key, const uint64_t *counts)
{
	json_array(json, key);
	for (unsigned i = 0; i < LOAD_ORDERS; i++)
		json_number(json, NULL, counts[i]);
	json_end(json);
}

static void operations_json(struct json *json, const char *key, const uint64_t *counts)
{
	json_object(json, key);
	for (unsigned i = 0; i < LOAD_OPERATIONS; i++)
		json_number(json, load_operation_name(i), counts[i]);
	json_end(json);
}

static void say_json(const struct load_report *report, uint64_t seed, const char *problem)
{
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "seed", seed);
	json_number(&json, "workers", load ? load->nr_workers : 0);
	json_number(&json, "operations", report->operations);
	operations_json(&json, "done", report->counts.done);
	operations_json(&json, "refused", report->counts.refused);
	orders_json(&json, "got", report->counts.ledger.got);
	orders_json(&json, "made", report->counts.ledger.made);
	orders_json(&json, "cut", report->counts.ledger.cut);
	orders_json(&json, "put", report->counts.ledger.put);
	orders_json(&json, "held", report->held);
	json_number(&json, "held_pages", report->held_pages);
	json_number(&json, "held_objects", report->held_objects);
	json_number(&json, "own_pages", report->own_pages);
	json_number(&json, "wrong", report->counts.wrong);
	json_signed(&json, "uneven_order", load_ledger_check(report));
	json_string(&json, "problem", problem);
	json_finish(&json);
}

static void say_text(const struct load_report *report, uint64_t seed, const char *problem)
{
	print("load: seed %llu, %llu operations:", (unsigned long long)seed,
	      (unsigned long long)report->operations);
	for (unsigned i = 0; i < LOAD_OPERATIONS; i++)
		print(" %s %llu", load_operation_name(i),
		      (unsigned long long)report->counts.done[i]);
	print("\nload: %llu pages and %llu objects held, %llu found wrong; ledger %s; %s\n",
	      (unsigned long long)report->held_pages, (unsigned long long)report->held_objects,
	      (unsigned long long)report->counts.wrong,
	      load_ledger_check(report) < 0 ? "even" : "uneven",
	      problem ? problem : "nothing wrong with memory");
}

struct request {
	bool as_json;
	bool end;
	uint64_t seed;
	uint64_t seconds;
};

static bool parse(int argc, char **argv, struct request *request)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-j") == 0)
			request->as_json = true;
		else if (strcmp(argv[i], "end") == 0)
			request->end = true;
		else if (strncmp(argv[i], "seed=", 5) == 0 &&
			 command_line_parse_number(argv[i] + 5, &request->seed))
			continue;
		else if (strncmp(argv[i], "seconds=", 8) != 0 ||
			 !command_line_parse_number(argv[i] + 8, &request->seconds))
			return false;
	return true;
}

static int work(const struct request *request)
{
	if (!load)
		load = load_create(MIN(cpu_count() + MORE_THREADS_THAN_CPUS, LOAD_WORKERS_MAX));
	if (!load || load_run(load, request->seed, clock_ns() + request->seconds * NSEC_PER_SEC,
			      UINT64_MAX)) {
		print("load: no memory for its threads\n");
		return -ENOMEM;
	}
	return 0;
}

static int load_command(int argc, char **argv)
{
	struct request request = {.seed = 1};
	struct load_report report = {0};
	const char *problem;
	int error = 0;

	if (!parse(argc, argv, &request))
		return shell_usage("load");
	if (request.seconds)
		error = work(&request);
	if (load && request.end)
		load_empty(load);
	if (request.end)
		slab_drain();
	if (load) {
		load_check(load);
		load_report(load, &report);
	}
	problem = check_at_rest();
	if (request.as_json)
		say_json(&report, request.seed, problem);
	else
		say_text(&report, request.seed, problem);
	if (load && request.end) {
		load_destroy(load);
		load = NULL;
	}
	if (error || (!report.counts.wrong && load_ledger_check(&report) < 0 && !problem))
		return error;
	return -EIO;
}

SHELL_COMMAND(
	load, "[-j] [seed=S] [seconds=N] [end]",
	"random load on memory, every page stamped and checked\n"
	"Works N seconds and keeps what it holds; `end` gives it back. Always looks at all\n"
	"that is held and at all of memory.",
	load_command);

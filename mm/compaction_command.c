// SPDX-License-Identifier: MIT
/*
 * The shell's `compact`: asks for folios as somebody who may sleep does, and says what it took.
 */
#include <kernel/command_line.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <mm/compaction.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/reclaim.h>

/* All at once, then all back; how many there were. */
static uint64_t take_folios(unsigned order, uint64_t count)
{
	struct list_head folios = LIST_INIT(folios);
	struct folio *folio, *next;
	uint64_t taken = 0;

	while (taken < count) {
		folio = folio_alloc(NODE_ANY, order, FOLIO_MAY_SLEEP | FOLIO_NOWARN, NULL);
		if (!folio)
			break;
		list_add_tail(&folios, &folio->page.list);
		taken++;
	}
	list_for_each_entry_safe (folio, next, &folios, page.list) {
		list_del(&folio->page.list);
		folio_put(folio);
	}
	return taken;
}

struct report {
	uint64_t taken;
	struct compaction_statistics compaction;
	struct reclaim_statistics reclaim;
	struct migrate_statistics migrate;
};

static void print_report_json(const struct report *report)
{
	struct json json;

	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "taken", report->taken);
	json_number(&json, "requests", report->reclaim.requests);
	json_number(&json, "by_shrinkers", report->reclaim.by_shrinkers);
	json_number(&json, "by_compaction", report->reclaim.by_compaction);
	json_number(&json, "by_hooks", report->reclaim.by_hooks);
	json_number(&json, "failed", report->reclaim.failed);
	json_number(&json, "blocks_made", report->compaction.blocks);
	json_number(&json, "given_up", report->compaction.busy);
	json_number(&json, "isolated", report->migrate.isolated);
	json_number(&json, "moved", report->migrate.moved);
	json_number(&json, "put_back", report->migrate.put_back);
	json_finish(&json);
}

static void print_report(const struct report *report, uint64_t count)
{
	if (count)
		print("%llu of %llu folios taken and given back\n",
		      (unsigned long long)report->taken, (unsigned long long)count);
	print("requests that found no memory at first: %llu; helped by shrinkers %llu, by "
	      "compaction %llu, by out-of-memory hooks %llu; failed %llu\n",
	      (unsigned long long)report->reclaim.requests,
	      (unsigned long long)report->reclaim.by_shrinkers,
	      (unsigned long long)report->reclaim.by_compaction,
	      (unsigned long long)report->reclaim.by_hooks,
	      (unsigned long long)report->reclaim.failed);
	print("blocks made %llu, given up %llu; pages moved %llu, put back %llu\n",
	      (unsigned long long)report->compaction.blocks,
	      (unsigned long long)report->compaction.busy,
	      (unsigned long long)report->migrate.moved,
	      (unsigned long long)report->migrate.put_back);
}

static int compact_command(int argc, char **argv)
{
	uint64_t number[2] = {0, 0};
	bool as_json = false;
	struct report report;
	unsigned numbers = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "-j") == 0)
			as_json = true;
		else if (numbers == 2 ||
			 !command_line_parse_number(argv[i], &number[numbers++]))
			return shell_usage("compact");
	if (number[0] > FOLIO_ORDER_MAX)
		return shell_usage("compact");
	if (numbers == 1)
		number[1] = 1;
	report.taken = take_folios((unsigned)number[0], number[1]);
	compaction_statistics(&report.compaction);
	reclaim_statistics(&report.reclaim);
	migrate_statistics(&report.migrate);
	if (as_json)
		print_report_json(&report);
	else
		print_report(&report, number[1]);
	return 0;
}

SHELL_COMMAND(compact, "[-j] [ORDER [COUNT]]",
	      "take folios, moving pages where none is free, and give them back; counters",
	      compact_command);

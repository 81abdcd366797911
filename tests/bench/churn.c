// SPDX-License-Identifier: MIT
/*
 * A workload for measuring what page reporting costs those who use and free the same memory all
 * the time: tests/bench/reporting.py runs it with reporting on and off.
 */
#include <errno.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <platform/clock.h>
#include <stdlib.h>

struct churn {
	unsigned order;
	uint64_t folios;
	uint64_t short_of; /* folios that were not to be had */
	uint64_t wrong;    /* pages that did not keep what was written */
};

static void fill(struct churn *churn, struct list_head *all, uint64_t round)
{
	for (uint64_t i = 0; i < churn->folios; i++) {
		struct folio *folio = folio_alloc(NODE_ANY, churn->order, FOLIO_NOWARN, NULL);
		char *base;

		if (!folio) {
			churn->short_of += churn->folios - i;
			break;
		}
		base = folio_address(folio);
		for (uint64_t at = 0; at < folio_size(folio); at += PAGE_SIZE)
			*(uint64_t *)(void *)(base + at) = folio_phys(folio).addr + at + round;
		list_add_tail(all, &folio->page.list);
	}
}

static void empty(struct churn *churn, struct list_head *all, uint64_t round)
{
	while (!list_is_empty(all)) {
		struct folio *folio = (struct folio *)list_first(all, struct page, list);
		const char *base = folio_address(folio);

		for (uint64_t at = 0; at < folio_size(folio); at += PAGE_SIZE)
			churn->wrong += *(const uint64_t *)(const void *)(base + at) !=
					folio_phys(folio).addr + at + round;
		list_del(&folio->page.list);
		folio_put(folio);
	}
}

/* MIB, ROUNDS, ORDER, and for how many ms the memory stays free between rounds. */
static int churn_command(int argc, char **argv)
{
	uint64_t number[4];
	struct list_head all = LIST_INIT(all);
	struct churn churn = {0};
	struct json json;
	uint64_t start;

	if (argc != 6 || !json_wanted(2, argv))
		return shell_usage("churn");
	for (unsigned i = 0; i < 4; i++)
		number[i] = strtoull(argv[i + 2], NULL, 0);
	churn.order = (unsigned)MIN(number[2], 9);
	churn.folios = number[0] << (20 - PAGE_SHIFT) >> churn.order;
	start = clock_cycles();
	for (uint64_t round = 0; round < number[1]; round++) {
		fill(&churn, &all, round);
		empty(&churn, &all, round);
		if (number[3])
			thread_sleep_ns(number[3] * NSEC_PER_MSEC);
	}
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "cycles", clock_cycles() - start);
	json_number(&json, "short", churn.short_of);
	json_number(&json, "wrong_pages", churn.wrong);
	json_finish(&json);
	return churn.wrong ? -EIO : 0;
}

SHELL_COMMAND(churn, "-j MIB ROUNDS ORDER MS",
	      "use, check and free the same memory again and again (a bench)", churn_command);

// SPDX-License-Identifier: MIT
/*
 * The load itself: a short one on this machine, and that it notices what it is there to notice.
 */
#include <tests/load/load.h>
#include <kernel/bits.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>
#include <string.h>

#define STEPS 5000u

TEST(load, ledger_is_even_and_stamps_hold)
{
	struct load *load = load_create(4);
	struct load_report report;

	NEED(load, "no memory");
	if (load_run(load, 1 + test_random_below(1000), CLOCK_NEVER, STEPS) != 0) {
		load_empty(load); /* those that were started have had their part */
		load_destroy(load);
		ERROR("no memory for a thread");
	}
	CHECK_EQ(load_check(load), 0);
	load_report(load, &report);
	CHECK_EQ(report.counts.wrong, 0);
	CHECK_EQ(load_ledger_check(&report), -1);
	for (unsigned i = 0; i < LOAD_OPERATIONS; i++)
		CHECK(report.counts.done[i] + report.counts.refused[i] > 0);
	CHECK(report.operations > STEPS);
	load_empty(load);
	load_report(load, &report);
	CHECK_EQ(report.held_pages, 0);
	CHECK_EQ(report.held_objects, 0);
	CHECK_EQ(report.counts.wrong, 0);
	CHECK_EQ(load_ledger_check(&report), -1);
	load_destroy(load);
}

static struct load_worker *worker_with_a_folio(unsigned order)
{
	struct load *load = load_create(1);
	struct folio *folio = folio_alloc(NODE_ANY, order, FOLIO_NOWARN, NULL);
	struct load_item item = {.kind = LOAD_FOLIO, .order = order};

	NEED(load && folio, "no memory");
	item.memory = folio_address(folio);
	item.size = folio_size(folio);
	load_item_stamp(&load->workers[0], &item);
	load_item_add(&load->workers[0], &item);
	load_ledger_got(&load->workers[0], order, 1);
	return &load->workers[0];
}

TEST(load, changed_page_is_noticed_and_named)
{
	struct load_worker *worker = worker_with_a_folio(3);
	struct load *load = worker->load;
	char *last = worker->items[0].memory + worker->items[0].size - 1;

	CHECK_EQ(load_check(load), 0);
	*last ^= 1;
	text_sink_open();
	CHECK_EQ(load_check(load), 1);
	CHECK(strstr(text_sink_close(), "load: 0x") != NULL);
	*last ^= 1;
	CHECK_EQ(load_check(load), 0);
	load_empty(load);
	load_destroy(load);
}

TEST(load, reference_too_many_and_uneven_ledger_are_noticed)
{
	struct load_worker *worker = worker_with_a_folio(2);
	struct load *load = worker->load;
	struct page *page = virt_to_page(worker->items[0].memory);
	struct load_report report;

	page_get(page);
	text_sink_open();
	CHECK_EQ(load_check(load), 1);
	CHECK(strstr(text_sink_close(), "2 references") != NULL);
	page_put(page);
	load_report(load, &report);
	CHECK_EQ(load_ledger_check(&report), -1);
	report.counts.ledger.put[2]++;
	CHECK_EQ(load_ledger_check(&report), 2);
	load_empty(load);
	load_destroy(load);
}

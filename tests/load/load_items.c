// SPDX-License-Identifier: MIT
/*
 * What a worker holds: stamped when it comes, checked when it goes, counted by order.
 */
#include <tests/load/load.h>
#include <kernel/bits.h>
#include <kernel/log.h>
#include <mm/slab.h>
#include <tests/mm/page_stamp.h>

/* Never 0, and far from the neighbour's. */
void load_seed(struct load_worker *worker, uint64_t seed)
{
	worker->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* Marsaglia's xorshift; the state is never 0. */
uint64_t load_random(struct load_worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

uint64_t load_random_below(struct load_worker *worker, uint64_t limit)
{
	return load_random(worker) % limit;
}

static struct folio *item_folio(const struct load_item *item)
{
	return page_folio(virt_to_page(item->memory));
}

uint64_t load_item_pages(const struct load_item *item)
{
	if (item->kind != LOAD_OBJECT)
		return item->size >> PAGE_SHIFT;
	return item->size > SLAB_OBJECT_MAX ? folio_pages(item_folio(item)) : 0;
}

static uint64_t piece_size(const struct load_item *item, uint64_t at)
{
	return MIN(item->size - at, PAGE_SIZE);
}

static bool is_stamped(const struct load_item *item, uint64_t at)
{
	return piece_size(item, at) >= PAGE_STAMP_MIN;
}

void load_item_stamp(struct load_worker *worker, struct load_item *item)
{
	uint64_t address = virt_to_phys(item->memory).addr;

	item->generation = ++worker->generation;
	for (uint64_t at = 0; at < item->size; at += PAGE_SIZE)
		if (is_stamped(item, at))
			page_stamp_write(item->memory + at, piece_size(item, at), address + at,
					 item->generation);
}

static bool stamps_hold(const struct load_item *item)
{
	uint64_t address = virt_to_phys(item->memory).addr;

	for (uint64_t at = 0; at < item->size; at += PAGE_SIZE) {
		const char *piece = item->memory + at;
		const struct page_stamp *found = (const void *)piece;

		if (!is_stamped(item, at) ||
		    page_stamp_is(piece, piece_size(item, at), address + at, item->generation))
			continue;
		log_error("load: %#llx, generation %llu, reads %#llx, generation %llu",
			  (unsigned long long)(address + at),
			  (unsigned long long)item->generation,
			  (unsigned long long)found->address,
			  (unsigned long long)found->generation);
		return false;
	}
	return true;
}

static bool record_holds(const struct load_item *item)
{
	const struct folio *folio;

	if (item->kind == LOAD_OBJECT)
		return true;
	folio = item_folio(item);
	if (folio_address(folio) == item->memory && folio_references(folio) == 1 &&
	    (item->kind == LOAD_SINGLES || folio_order(folio) == item->order))
		return true;
	log_error("load: block at %#llx of order %u: record says order %u, %d references",
		  (unsigned long long)virt_to_phys(item->memory).addr, item->order,
		  folio_order(folio), folio_references(folio));
	return false;
}

bool load_item_check(struct load_worker *worker, const struct load_item *item)
{
	bool good = stamps_hold(item) && record_holds(item);

	worker->counts.wrong += !good;
	return good;
}

/* How an item stands in the ledger: so many blocks of an order. */
static uint64_t item_blocks(const struct load_item *item, unsigned *order)
{
	*order = item->kind == LOAD_SINGLES ? 0 : item->order;
	if (item->kind == LOAD_OBJECT)
		return 0;
	return item->size >> PAGE_SHIFT >> *order;
}

void load_ledger_got(struct load_worker *worker, unsigned order, uint64_t count)
{
	worker->counts.ledger.got[order] += count;
}

void load_item_add(struct load_worker *worker, const struct load_item *item)
{
	worker->items[worker->nr_items++] = *item;
	worker->held_pages += load_item_pages(item);
}

struct load_item load_item_remove(struct load_worker *worker, unsigned nr)
{
	struct load_item item = worker->items[nr];

	worker->items[nr] = worker->items[--worker->nr_items];
	worker->held_pages -= load_item_pages(&item);
	return item;
}

void load_item_put(struct load_worker *worker, const struct load_item *item)
{
	struct page *page = virt_to_page(item->memory);
	unsigned order;
	uint64_t blocks = item_blocks(item, &order);

	load_item_check(worker, item);
	worker->counts.ledger.put[order] += blocks;
	switch (item->kind) {
	case LOAD_FOLIO: /* through any of its pages */
		page_put(page + load_random_below(worker, item->size >> PAGE_SHIFT));
		break;
	case LOAD_RAW:
		page_free(page, item->order);
		break;
	case LOAD_SINGLES:
		page_free_exact(page, (unsigned)(item->size >> PAGE_SHIFT));
		break;
	case LOAD_OBJECT:
		kfree(item->memory);
		break;
	case LOAD_NOTHING:
		break;
	}
}

static void count_held(const struct load_item *item, struct load_report *report)
{
	unsigned order;
	uint64_t blocks;

	if (item->kind == LOAD_NOTHING)
		return;
	blocks = item_blocks(item, &order);
	report->held[order] += blocks;
	report->held_pages += load_item_pages(item);
	report->held_objects += item->kind == LOAD_OBJECT;
}

static void add_counts(struct load_counts *to, const struct load_counts *from)
{
	for (unsigned i = 0; i < LOAD_OPERATIONS; i++) {
		to->done[i] += from->done[i];
		to->refused[i] += from->refused[i];
	}
	for (unsigned i = 0; i < LOAD_ORDERS; i++) {
		to->ledger.got[i] += from->ledger.got[i];
		to->ledger.put[i] += from->ledger.put[i];
		to->ledger.cut[i] += from->ledger.cut[i];
		to->ledger.made[i] += from->ledger.made[i];
	}
	to->wrong += from->wrong;
}

void load_report(const struct load *load, struct load_report *report)
{
	*report = (struct load_report){0};
	for (unsigned i = 0; i < load->nr_workers; i++) {
		const struct load_worker *worker = &load->workers[i];

		add_counts(&report->counts, &worker->counts);
		for (unsigned nr = 0; nr < worker->nr_items; nr++)
			count_held(&worker->items[nr], report);
	}
	for (unsigned i = 0; i < LOAD_EXCHANGE; i++)
		count_held(&load->exchange[i], report);
	for (unsigned i = 0; i < LOAD_OPERATIONS; i++)
		report->operations += report->counts.done[i];
	report->own_pages = folio_pages(page_folio(virt_to_page(load)));
}

int load_ledger_check(const struct load_report *report)
{
	const struct load_ledger *ledger = &report->counts.ledger;

	for (unsigned i = 0; i < LOAD_ORDERS; i++)
		if (ledger->got[i] + ledger->made[i] - ledger->cut[i] - ledger->put[i] !=
		    report->held[i])
			return (int)i;
	return -1;
}

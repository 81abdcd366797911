// SPDX-License-Identifier: MIT
/*
 * Random load on all of mm/: workers that take memory in every form, cut it, pass it on, move
 * others out of the way and give it back, with a stamp in each page they hold (page_stamp.h).
 * Whatever else happens meanwhile (a balloon, page reporting) must not change a stamp, and the
 * ledger of blocks by order comes out even.
 *
 * What is held stays held between two runs, so that counters can be compared at rest.
 */
#ifndef TESTS_LOAD_LOAD_H
#define TESTS_LOAD_LOAD_H

#include <kernel/attributes.h>
#include <kernel/lock.h>
#include <mm/folio.h>
#include <stdbool.h>

#define LOAD_WORKERS_MAX 16u
#define LOAD_ITEMS       2048u /* that one worker holds at most */
#define LOAD_EXCHANGE    64u   /* places where workers leave items for each other */
#define LOAD_ORDERS      (FOLIO_ORDER_MAX + 1)

enum load_kind {
	LOAD_NOTHING,
	LOAD_FOLIO,
	LOAD_RAW,
	LOAD_SINGLES, /* independent pages in a row */
	LOAD_OBJECT
};

struct load_item {
	enum load_kind kind;
	unsigned order; /* folio, raw block */
	char *memory;
	uint64_t size; /* bytes that are stamped */
	uint64_t generation;
};

enum load_operation {
	LOAD_GET_FOLIO,
	LOAD_GET_RAW,
	LOAD_GET_EXACT,
	LOAD_GET_BULK,
	LOAD_GET_OBJECT,
	LOAD_PUT,
	LOAD_CHECK,
	LOAD_SPLIT,
	LOAD_EXPLODE,
	LOAD_REFERENCE,
	LOAD_PASS_ON,
	LOAD_EVACUATE,
	LOAD_COMPACT,
	LOAD_OPERATIONS
};

/* Blocks by order. cut and made: by splitting one into others. At any time, of each order:
 * got + made - cut - put = held. */
struct load_ledger {
	uint64_t got[LOAD_ORDERS];
	uint64_t put[LOAD_ORDERS];
	uint64_t cut[LOAD_ORDERS];
	uint64_t made[LOAD_ORDERS];
};

struct load_counts {
	uint64_t done[LOAD_OPERATIONS];
	uint64_t refused[LOAD_OPERATIONS]; /* no memory, or in the way */
	uint64_t wrong;                    /* stamps, orders, references */
	struct load_ledger ledger;
};

struct load;

/* One thread's. */
struct load_worker {
	struct load *load;
	uint64_t random;
	uint64_t generation;
	uint64_t wish;       /* pages it wants to hold */
	uint64_t held_pages; /* objects that share pages apart */
	unsigned nr_items;
	struct load_counts counts;
	struct load_item items[LOAD_ITEMS];
};

struct load {
	unsigned nr_workers;
	uint64_t until_ns;   /* of the run */
	uint64_t operations; /* of each worker in the run, if not until then */
	uint64_t pages_max;  /* that a worker wishes for, and the largest order; as created: all
			      */
	unsigned order_max;
	struct spin_lock lock;
	struct load_item exchange[LOAD_EXCHANGE]; /* lock */
	struct load_worker workers[];
};

/* What all workers counted and hold. */
struct load_report {
	struct load_counts counts;
	uint64_t operations;        /* done, all kinds */
	uint64_t held_pages;        /* of items */
	uint64_t held[LOAD_ORDERS]; /* blocks of items */
	uint64_t held_objects;
	uint64_t own_pages; /* of the records */
};

/* NULL when memory is short. */
struct load *load_create(unsigned nr_workers) MUST_CHECK;
/* Give everything back that is held; the counts stay. */
void load_empty(struct load *load);
/* Holds nothing any more. */
void load_destroy(struct load *load);

/* Threads on all CPUs until until_ns, or for so many operations of each. 0, or -ENOMEM. */
int load_run(struct load *load, uint64_t seed, uint64_t until_ns,
	     uint64_t operations) MUST_CHECK;
/* Look at everything that is held; pages wrong, which are counted too. At rest. */
uint64_t load_check(struct load *load);
void load_report(const struct load *load, struct load_report *report);
/* The first order whose ledger does not fit what is held, or -1. At rest. */
int load_ledger_check(const struct load_report *report);

const char *load_operation_name(enum load_operation operation);

/* ---- between the files ---- */

uint64_t load_random(struct load_worker *worker);
uint64_t load_random_below(struct load_worker *worker, uint64_t limit);

/* Pages of an item that are nobody else's: 0 for small objects. */
uint64_t load_item_pages(const struct load_item *item);
void load_item_stamp(struct load_worker *worker, struct load_item *item);
/* Stamps and records as they were written; else says so, and counts. */
bool load_item_check(struct load_worker *worker, const struct load_item *item);
/* Take an item over, and out again. */
void load_item_add(struct load_worker *worker, const struct load_item *item);
struct load_item load_item_remove(struct load_worker *worker, unsigned nr);
/* Check it, and back to the allocator. */
void load_item_put(struct load_worker *worker, const struct load_item *item);
void load_ledger_got(struct load_worker *worker, unsigned order, uint64_t count);

void load_seed(struct load_worker *worker, uint64_t seed);
/* So many independent pages, one reference each, are the worker's now. */
void load_take_singles(struct load_worker *worker, struct page *page, uint64_t count);
/* One operation at random. */
void load_step(struct load_worker *worker);

#endif

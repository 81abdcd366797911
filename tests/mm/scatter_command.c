// SPDX-License-Identifier: MIT
/*
 * `scatter`: memory held in single pages whose places chance and the allocator chose, and
 * folios of 2 MiB in use, for tests/bench/large_folios.py. What is looked at: how much of the
 * free memory is free in whole 2 MiB blocks, and whether the folios are as they were.
 */
#include <errno.h>
#include <kernel/command_line.h>
#include <kernel/json.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/zone.h>
#include <string.h>

#define TAKEN_PERCENT 90 /* of memory, in single pages, before most are given back */
#define ROUNDS        100
#define PARTS         10 /* of what is held, one is exchanged in a round */
#define CHUNKS        32
#define CHUNK_ENTRIES (((uint64_t)PAGE_SIZE << FOLIO_ORDER_MAX) / sizeof(uint32_t))
#define FOLIOS_MAX    1024

/* The shell's thread alone. */
static struct folio *chunks[CHUNKS]; /* of frame numbers */
static uint64_t held;
static struct folio *folios[FOLIOS_MAX];
static struct phys folio_places[FOLIOS_MAX];
static uint64_t nr_folios;
static uint64_t state;

/* wyrand, as in tests/bench/frames_workloads.c. */
static uint64_t random_below(uint64_t limit)
{
	__uint128_t product;

	state += 0xa0761d6478bd642f;
	product = (__uint128_t)state * (state ^ 0xe7037ed1a0b428db);
	return ((uint64_t)(product >> 64) ^ (uint64_t)product) % limit;
}

static uint32_t *entry(uint64_t nr)
{
	uint32_t *chunk = folio_address(chunks[nr / CHUNK_ENTRIES]);

	return chunk + nr % CHUNK_ENTRIES;
}

static void swap(uint64_t a, uint64_t b)
{
	uint32_t frame = *entry(a);

	*entry(a) = *entry(b);
	*entry(b) = frame;
}

/* ---- single pages ---- */

static bool take_until(uint64_t count)
{
	while (held < count) {
		struct page *page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN);

		if (!page)
			return false;
		*entry(held++) = (uint32_t)page_to_pfn(page).nr;
	}
	return true;
}

/* Any of them. */
static void give_until(uint64_t count)
{
	while (held > count) {
		swap(random_below(held), held - 1);
		page_put(pfn_to_page(pfn(*entry(--held))));
	}
}

static bool chunks_take(uint64_t count)
{
	uint64_t needed = (count + CHUNK_ENTRIES - 1) / CHUNK_ENTRIES;

	if (needed > CHUNKS)
		return false;
	for (uint64_t i = 0; i < needed; i++) {
		chunks[i] = folio_alloc(NODE_ANY, FOLIO_ORDER_MAX, FOLIO_NOWARN, NULL);
		if (!chunks[i])
			return false;
	}
	return true;
}

static int scatter(uint64_t percent, unsigned rounds)
{
	struct mm_statistics now;
	uint64_t kept;

	mm_statistics(&now);
	kept = now.managed * percent / 100;
	state = 42;
	if (!chunks_take(now.managed) || !take_until(now.managed * TAKEN_PERCENT / 100))
		return -ENOMEM;
	give_until(kept);
	for (unsigned round = 0; round < rounds; round++) {
		give_until(kept - kept / PARTS);
		if (!take_until(kept))
			return -ENOMEM;
	}
	return 0;
}

/* ---- folios in use ---- */

static uint64_t *folio_word(struct folio *folio, uint64_t page)
{
	return page_to_virt(folio_page(folio, page));
}

static int folios_take(uint64_t count)
{
	while (nr_folios < MIN(count, FOLIOS_MAX)) {
		struct folio *folio = folio_alloc(NODE_ANY, BLOCK_ORDER, FOLIO_NOWARN, NULL);

		if (!folio)
			return -ENOMEM;
		for (uint64_t page = 0; page < BLOCK_FRAMES; page++)
			*folio_word(folio, page) = folio_phys(folio).addr + page;
		folio_places[nr_folios] = folio_phys(folio);
		folios[nr_folios++] = folio;
	}
	return 0;
}

/* Other frame, order or contents. */
static uint64_t folios_wrong(void)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < nr_folios; i++) {
		struct folio *folio = folios[i];
		bool good = folio_phys(folio).addr == folio_places[i].addr &&
			    folio_order(folio) == BLOCK_ORDER && folio_references(folio) == 1;

		for (uint64_t page = 0; page < BLOCK_FRAMES && good; page++)
			good = *folio_word(folio, page) == folio_places[i].addr + page;
		wrong += !good;
	}
	return wrong;
}

static void give_all_back(void)
{
	give_until(0);
	for (unsigned i = 0; i < CHUNKS && chunks[i]; i++) {
		folio_put(chunks[i]);
		chunks[i] = NULL;
	}
	while (nr_folios > 0)
		folio_put(folios[--nr_folios]);
}

/* ---- what can be seen ---- */

static void look(void)
{
	struct mm_statistics now;
	uint64_t whole = 0;
	struct json json;

	mm_drain();
	mm_statistics(&now);
	for (unsigned i = 0; i < zone_count; i++)
		whole += zone_available(zones[i], BLOCK_ORDER);
	json_start(&json);
	json_object(&json, NULL);
	json_number(&json, "managed_pages", now.managed);
	json_number(&json, "held_pages", held);
	json_number(&json, "free_pages", now.free);
	json_number(&json, "whole_blocks", whole);
	json_number(&json, "folios", nr_folios);
	json_number(&json, "wrong_folios", folios_wrong());
	json_finish(&json);
}

static int scatter_command(int argc, char **argv)
{
	uint64_t number = 0;
	int error = 0;

	if (argc > 1 && strcmp(argv[argc - 1], "-j") == 0)
		argc--;
	if (argc == 2 && strcmp(argv[1], "end") == 0)
		give_all_back();
	else if (argc == 3 && command_line_parse_number(argv[2], &number) &&
		 strcmp(argv[1], "folios") == 0)
		error = folios_take(number);
	else if (argc == 3 && number > 0 && number < TAKEN_PERCENT && held == 0 &&
		 (strcmp(argv[1], "churn") == 0 || strcmp(argv[1], "random") == 0))
		error = scatter(number, strcmp(argv[1], "churn") == 0 ? ROUNDS : 0);
	else if (argc != 1)
		return shell_usage("scatter");
	look();
	return error;
}

SHELL_COMMAND(scatter, "[churn PERCENT | random PERCENT | folios COUNT | end] -j",
	      "hold memory in scattered single pages, and folios of 2 MiB (a bench)",
	      scatter_command);

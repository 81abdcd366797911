// SPDX-License-Identifier: MIT
/*
 * `fragment SHARE`: hold that many percent of memory in single pages at random places, for
 * tests from outside; `fragment 0` gives them back. Holding more first gives back what was
 * held.
 */
#include <errno.h>
#include <kernel/command_line.h>
#include <kernel/log.h>
#include <kernel/shell.h>
#include <mm/folio.h>
#include <tests/test.h>

static struct list_head held = LIST_INIT(held);
static uint64_t held_count;
static uint64_t state = 1;

/* Numbers as good as this needs (Marsaglia's xorshift). */
static uint64_t random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static void give_back(void)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, &held, list) {
		list_del(&page->list);
		page_put(page);
	}
	held_count = 0;
}

/* All there is, then each page back with the odds asked for. */
static void hold(uint64_t share)
{
	struct list_head all = LIST_INIT(all);
	struct page *page, *next;

	while ((page = page_alloc(NODE_ANY, 0, FOLIO_NOWARN | FOLIO_NORETRY)) != NULL)
		list_add_tail(&all, &page->list);
	list_for_each_entry_safe (page, next, &all, list) {
		list_del(&page->list);
		if (random_below(100) < share) {
			list_add_tail(&held, &page->list);
			held_count++;
		} else {
			page_put(page);
		}
	}
}

static int fragment_command(int argc, char **argv)
{
	uint64_t share;

	if (argc != 2 || !command_line_parse_number(argv[1], &share) || share > 100)
		return shell_usage("fragment");
	give_back();
	if (share > 0)
		hold(share);
	print("fragment: %llu pages held\n", (unsigned long long)held_count);
	return 0;
}

SHELL_COMMAND(fragment, "PERCENT",
	      "hold memory in single pages at random places (0: give back)", fragment_command);

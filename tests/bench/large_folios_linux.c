// SPDX-License-Identifier: MIT
/*
 * What tests/bench/large_folios_linux.py runs in a Linux guest:
 *
 *	large_folios SHARE ROUNDS
 *
 * Takes 90 % of memory in single pages, gives random ones back until SHARE percent is held,
 *then ROUNDS times a random tenth of those, and takes as many again: the churn of
 *frames_workloads.c. Then, for every line of input, prints what is free, and how much of it in
 *whole 2 MiB blocks. Every page holds its own number and is checked each time.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE       4096u
#define KIB_PAGE   4u
#define TAKEN      90u /* percent */
#define PART       10u /* a tenth */
#define ORDERS     11u
#define ORDER_2MIB 9u

static char *memory;
static uint64_t *held; /* page numbers in `memory`, the held ones first */
static uint64_t state = 42;

static void give_up(const char *what)
{
	printf("large_folios: %s\n", what);
	exit(1);
}

/* wyrand, as in frames_workloads.c. */
static uint64_t next_random(void)
{
	__uint128_t product;

	state += 0xa0761d6478bd642f;
	product = (__uint128_t)state * (state ^ 0xe7037ed1a0b428db);
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static void take(uint64_t from, uint64_t end)
{
	for (uint64_t i = from; i < end; i++)
		memcpy(memory + held[i] * PAGE, &held[i], sizeof(held[i]));
}

static void give_back(uint64_t from, uint64_t end)
{
	for (uint64_t i = from; i < end; i++)
		if (madvise(memory + held[i] * PAGE, PAGE, MADV_DONTNEED) != 0)
			give_up("madvise failed");
}

/* Move `count` random ones of the first `total` to the end of those. */
static void choose(uint64_t count, uint64_t total)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t place = next_random() % (total - i), page = held[place];

		held[place] = held[total - 1 - i];
		held[total - 1 - i] = page;
	}
}

static uint64_t wrong_pages(uint64_t count)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < count; i++)
		wrong += memcmp(memory + held[i] * PAGE, &held[i], sizeof(held[i])) != 0;
	return wrong;
}

/* A figure of /proc/meminfo in pages. */
static uint64_t memory_figure(const char *name)
{
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");
	uint64_t pages = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0)
			pages = strtoull(line + strlen(name), NULL, 10) / KIB_PAGE;
	if (!file || !pages)
		give_up("/proc/meminfo is not as expected");
	fclose(file);
	return pages;
}

/* Free blocks of 2 MiB in all zones. */
static uint64_t whole_blocks(void)
{
	char line[256], *at;
	FILE *file = fopen("/proc/buddyinfo", "r");
	uint64_t blocks = 0;

	if (!file)
		give_up("no /proc/buddyinfo");
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, "zone");
		strtok(at ? at : line, " "); /* "zone", then its name */
		strtok(NULL, " ");
		for (unsigned order = 0; order < ORDERS; order++) {
			const char *number = strtok(NULL, " ");

			if (number && order >= ORDER_2MIB)
				blocks += strtoull(number, NULL, 10) << (order - ORDER_2MIB);
		}
	}
	fclose(file);
	return blocks;
}

int main(int argc, char **argv)
{
	uint64_t managed = memory_figure("MemTotal:"), kept, part;
	uint64_t count = managed * TAKEN / 100;
	char line[16];

	if (argc != 3)
		give_up("SHARE ROUNDS");
	kept = managed * strtoul(argv[1], NULL, 10) / 100;
	part = kept / PART;
	memory = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	held = calloc(count, sizeof(*held));
	if (memory == MAP_FAILED || !held ||
	    madvise(memory, count * PAGE, MADV_NOHUGEPAGE) != 0)
		give_up("no memory");
	for (uint64_t i = 0; i < count; i++)
		held[i] = i;
	take(0, count);
	choose(count - kept, count);
	give_back(kept, count);
	for (unsigned long round = strtoul(argv[2], NULL, 10); round > 0; round--) {
		choose(part, kept);
		give_back(kept - part, kept);
		take(kept - part, kept);
	}
	printf("holding %llu\n", (unsigned long long)kept);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		printf("figures %llu %llu %llu\n",
		       (unsigned long long)memory_figure("MemFree:"),
		       (unsigned long long)whole_blocks(),
		       (unsigned long long)wrong_pages(kept));
		fflush(stdout);
	}
	return 0;
}

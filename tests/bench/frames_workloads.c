// SPDX-License-Identifier: MIT
/*
 * What the frame allocator is measured by, for callgrind (tools/bench_frames.py): a program of
 * libquire_mm.a whose functions measured_*() hold nothing but the operations.
 *
 *	frames_workloads WORKLOAD ORDER [GIB]
 *
 * One thread as CPU 0 of 8 unless the workload says otherwise. Prints how many operations (a
 * pair counts as one) or, for churn, the share of the free memory that is free in whole 2 MiB.
 */
#include "quire_mm.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CPUS        8
#define OPERATIONS  262144
#define BLOCK_ORDER 9

static uint64_t frames; /* of the memory */
static uint64_t *held;  /* what measured_take() got */
static uint64_t state = 42;

/* wyrand, as in the driver behind the public figures, so that its orders are these. */
static uint64_t next_random(void)
{
	__uint128_t product;

	state += 0xa0761d6478bd642f;
	product = (__uint128_t)state * (state ^ 0xe7037ed1a0b428db);
	return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static void swap(uint64_t a, uint64_t b)
{
	uint64_t frame = held[a];

	held[a] = held[b];
	held[b] = frame;
}

/* Fisher and Yates. */
static void shuffle(uint64_t count)
{
	for (uint64_t i = count - 1; i > 0; i--)
		swap(i, next_random() % (i + 1));
}

static void reverse(uint64_t count)
{
	for (uint64_t i = 0; i < count / 2; i++)
		swap(i, count - 1 - i);
}

static void give_up(const char *what)
{
	fprintf(stderr, "frames_workloads: %s\n", what);
	exit(1);
}

/* ---- what is measured ---- */

static __attribute__((noinline)) void measured_pairs(unsigned cpu, unsigned order)
{
	for (unsigned i = 0; i < OPERATIONS; i++)
		if (!frames_put(cpu, (uint64_t)frames_get(cpu, order), order))
			give_up("a pair failed");
}

static __attribute__((noinline)) void measured_take(uint64_t count, unsigned order)
{
	for (uint64_t i = 0; i < count; i++)
		held[i] = (uint64_t)frames_get(0, order);
}

static __attribute__((noinline)) void measured_put(uint64_t count, unsigned order)
{
	for (uint64_t i = 0; i < count; i++)
		if (!frames_put(0, held[i], order))
			give_up("a frame was free already");
}

/* ---- the same, not measured ---- */

static void take(uint64_t count, unsigned order)
{
	for (uint64_t i = 0; i < count; i++)
		held[i] = (uint64_t)frames_get(0, order);
	if (count && held[count - 1] == UINT64_MAX)
		give_up("memory is short");
}

static void put(uint64_t count, unsigned order)
{
	for (uint64_t i = 0; i < count; i++)
		if (!frames_put(0, held[i], order))
			give_up("a frame was free already");
}

/* ---- workloads ---- */

static uint64_t repeat(unsigned order, uint64_t taken)
{
	take(taken, order);
	measured_pairs(0, order);
	return OPERATIONS;
}

/* Take everything, so often that 262144 operations come together; only that is measured. */
static uint64_t take_all(unsigned order)
{
	uint64_t count = frames >> order;
	uint64_t rounds = OPERATIONS / count ? OPERATIONS / count : 1;

	for (uint64_t round = 0; round < rounds; round++) {
		measured_take(count, order);
		put(count, order);
	}
	return rounds * count;
}

static uint64_t free_all(unsigned order, const char *in)
{
	uint64_t count = frames >> order;
	uint64_t rounds = OPERATIONS / count ? OPERATIONS / count : 1;

	for (uint64_t round = 0; round < rounds; round++) {
		take(count, order);
		if (strcmp(in, "reverse") == 0)
			reverse(count);
		state = 42 + round;
		if (strcmp(in, "random") == 0)
			shuffle(count);
		measured_put(count, order);
	}
	return rounds * count;
}

static uint64_t whole_blocks_free(uint64_t kept)
{
	uint64_t blocks = frames >> BLOCK_ORDER;
	uint8_t *busy = calloc(blocks, 1);
	uint64_t free_blocks = 0;

	if (!busy)
		give_up("no memory");
	for (uint64_t i = 0; i < kept; i++)
		busy[held[i] >> BLOCK_ORDER] = 1;
	for (uint64_t block = 0; block < blocks; block++)
		free_blocks += !busy[block];
	free(busy);
	return free_blocks;
}

/* Everything taken, a random half given back; then 100 times a tenth of what is held, at
 * random, given back and as much taken. */
static void churn(void)
{
	uint64_t kept = frames / 2;
	uint64_t part = kept / 10;

	take(frames, 0);
	shuffle(frames);
	for (uint64_t i = kept; i < frames; i++)
		if (!frames_put(0, held[i], 0))
			give_up("a frame was free already");
	for (unsigned round = 0; round < 100; round++) {
		for (uint64_t i = 0; i < part; i++)
			swap(next_random() % (kept - i), kept - 1 - i);
		for (uint64_t i = kept - part; i < kept; i++)
			if (!frames_put(0, held[i], 0))
				give_up("a frame was free already");
		for (uint64_t i = kept - part; i < kept; i++)
			held[i] = (uint64_t)frames_get(0, 0);
	}
	printf("percent %.2f\n", 100.0 * (double)whole_blocks_free(kept) /
					 (double)((frames - kept) >> BLOCK_ORDER));
}

static unsigned threads_order;

static void *one_thread(void *cpu)
{
	measured_pairs(*(unsigned *)cpu, threads_order);
	return NULL;
}

static uint64_t two_threads(unsigned order)
{
	unsigned cpus[2] = {0, 1};
	pthread_t threads[2];

	threads_order = order;
	for (unsigned i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, one_thread, &cpus[i]) != 0)
			give_up("no thread");
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 2 * OPERATIONS;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void run(const char *workload, unsigned order)
{
	uint64_t start = now();
	uint64_t operations = 0;

	if (strcmp(workload, "repeat-empty") == 0)
		operations = repeat(order, 0);
	else if (strcmp(workload, "repeat-half") == 0)
		operations = repeat(order, (frames >> order) / 2);
	else if (strcmp(workload, "repeat-threads") == 0)
		operations = two_threads(order);
	else if (strcmp(workload, "take") == 0)
		operations = take_all(order);
	else if (strncmp(workload, "free-", 5) == 0)
		operations = free_all(order, workload + 5);
	else if (strcmp(workload, "churn") == 0)
		churn();
	else
		give_up("no such workload");
	printf("operations %llu\nnanoseconds %llu\n", (unsigned long long)operations,
	       (unsigned long long)(now() - start));
}

int main(int argc, char **argv)
{
	if (argc < 3)
		give_up("usage: frames_workloads WORKLOAD ORDER [GIB]");
	frames = (argc > 3 ? strtoull(argv[3], NULL, 0) : 1) << 18;
	held = calloc(frames, sizeof(*held));
	if (!held || frames_init(NULL, frames, CPUS) != 0)
		give_up("no memory");
	printf("state_bytes %llu\n", (unsigned long long)frames_memory(frames));
	run(argv[1], (unsigned)strtoul(argv[2], NULL, 0));
	return 0;
}

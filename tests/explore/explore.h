// SPDX-License-Identifier: MIT
/*
 * The explorer: runs two or three actors, which call real functions, through every order of
 * their atomic accesses. A scenario names its memory; the explorer puts it back and replays, so
 * that a run may be given up anywhere. Two orders that lead to the same memory, and in which
 * each actor has read the same values, are one state and are continued once. A word that only
 * one actor touches, or that nobody changes, gives no choice: which words those are is found by
 * exploring, and exploring starts again when another one turns out to be shared.
 */
#ifndef TESTS_EXPLORE_EXPLORE_H
#define TESTS_EXPLORE_EXPLORE_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_ACTORS_MAX 3

struct explore_memory {
	void *start;
	size_t size;
};

struct explore_scenario {
	const char *name;
	void (*prepare)(void);                    /* alone */
	void (*actors[EXPLORE_ACTORS_MAX])(void); /* NULL: there are fewer */
	/* Alone, at the end of each order: what is wrong, or NULL. */
	const char *(*finish)(void);
	/* All that actors and finish() change. */
	const struct explore_memory *memory;
	unsigned memory_count;
};

struct explore_result {
	uint64_t states;
	uint64_t ends;        /* states in which all actors had finished */
	double interleavings; /* orders of steps, counted without running each */
	unsigned longest;     /* steps of the longest */
	unsigned words;       /* that are shared and written */
	const char *problem;  /* NULL: none; with it the order that leads there: */
	char order[4096];     /* the actors' numbers, by steps */
};

void explore(const struct explore_scenario *scenario, struct explore_result *result);

/* From an actor: something is wrong already. */
NORETURN void explore_fail(const char *problem);
/* From an actor that waits for others in a loop: goes on after somebody else's step. */
void explore_wait(void);
/* Accesses to these bytes are no steps (statistics that nothing depends on). NULL: none. */
extern bool (*explore_ignores)(const volatile void *address);
/* Told of each access that may write, by actors and alone. NULL: nobody. */
extern void (*explore_writes)(const volatile void *address);
/* Number of the actor that runs. */
unsigned explore_actor(void);

#endif

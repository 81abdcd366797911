// SPDX-License-Identifier: MIT
/*
 * See explore.h. Depth first: where more than one actor can go on, memory, stacks and registers
 * of all are kept, and put back for the next one's turn. A host program: it owns its C library.
 */
#include <tests/explore/explore.h>
#include <tests/explore/atomics.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define STACK_SIZE 65536
#define DEPTH_MAX  4000
#define STATES_LOG 22
#define STACK_USED 8192 /* an actor's, between two steps, at most */
#define WORDS_LOG  12

struct actor {
	jmp_buf at;
	size_t stack_used;
	bool writes;           /* its next access */
	unsigned since_wait;   /* steps */
	uint64_t wait_history; /* when it began to wait, */
	const void *wait_at;   /* in this frame */
	ucontext_t start;
	uint64_t history; /* of what it read */
	bool started;
	bool finished;
	bool waiting;
};

struct state {
	uint64_t hash; /* 0: no state */
	double interleavings;
};

/* Everything at a point of the path; memory and stacks follow in `data`. */
struct snapshot {
	struct actor actors[EXPLORE_ACTORS_MAX];
	unsigned char data[];
};

struct choice {
	uint8_t actor;
	uint8_t left; /* actors still to be tried here */
	uint64_t hash;
	double sum; /* of the interleavings from here */
};

/* Who touched a word of memory so far, as bits; writing what is there already is no change. */
struct word {
	uintptr_t address; /* 0: free */
	uint8_t users;
	bool changed;
	bool shared; /* accesses are steps */
};

bool (*explore_ignores)(const volatile void *address);
void (*explore_writes)(const volatile void *address);

static const struct explore_scenario *scenario;
static unsigned actor_count;
static struct explore_result *result;
static struct actor actors[EXPLORE_ACTORS_MAX];
static char stacks[EXPLORE_ACTORS_MAX][STACK_SIZE] ALIGNED(16);
static struct choice path[DEPTH_MAX];
static struct state *states; /* open addressing */
static char *snapshots;      /* one for each step of the path */
static size_t snapshot_size;
static jmp_buf scheduler;
static jmp_buf alone; /* around finish() */
static int running = -1;
static struct word words[1 << WORDS_LOG];
static bool again; /* a word turned out to be shared: what was explored is not complete */

unsigned explore_actor(void)
{
	return (unsigned)running;
}

/* splitmix64's mixing. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 31;
}

static void leave(void)
{
	actors[running].stack_used =
		(size_t)(stacks[running] + STACK_SIZE - (char *)__builtin_frame_address(0)) +
		512;
	if (_setjmp(actors[running].at) == 0)
		_longjmp(scheduler, 1);
}

static struct word *word_find(uintptr_t address)
{
	size_t at = mix(0, address) % (1 << WORDS_LOG);

	for (unsigned tries = 0; tries < 1 << WORDS_LOG; tries++) {
		if (words[at].address == address || words[at].address == 0)
			break;
		at = (at + 1) % (1 << WORDS_LOG);
	}
	words[at].address = address;
	return &words[at];
}

/* A word of several users that somebody changed gives a choice. */
static void word_judge(struct word *word)
{
	if (!word->shared && word->changed && (word->users & (word->users - 1))) {
		word->shared = true;
		again = true;
	}
}

void explore_changed(const volatile void *address)
{
	struct word *word;

	if (running < 0 || (explore_ignores && explore_ignores(address)))
		return;
	word = word_find((uintptr_t)address & ~(uintptr_t)7);
	word->changed = true;
	word_judge(word);
}

void explore_step(const volatile void *address, bool writes)
{
	struct word *word;
	uint8_t self = (uint8_t)(1u << (running & 7));

	if (writes && explore_writes)
		explore_writes(address);
	if (running < 0 || (explore_ignores && explore_ignores(address)))
		return;
	word = word_find((uintptr_t)address & ~(uintptr_t)7);
	word->users |= self;
	word_judge(word);
	if (!word->shared)
		return;
	actors[running].writes = writes;
	actors[running].since_wait++;
	actors[running].history = mix(actors[running].history, 1); /* stores count as well */
	leave();
}

void explore_saw(uint64_t value)
{
	if (running >= 0)
		actors[running].history = mix(actors[running].history, value);
}

/* Round a waiting loop that looked at one or two words nothing changes but time: the actor is
 * where it was. */
void explore_wait(void)
{
	struct actor *actor = &actors[running];

	if (running < 0)
		explore_fail("waits although it is alone");
	if (actor->wait_at == __builtin_frame_address(0) && actor->since_wait <= 2)
		actor->history = actor->wait_history;
	else
		actor->wait_history = actor->history;
	actor->wait_at = __builtin_frame_address(0);
	actor->since_wait = 0;
	actor->waiting = true;
	actor->writes = false;
	leave();
}

void explore_fail(const char *problem)
{
	result->problem = problem;
	if (running < 0)
		_longjmp(alone, 1);
	_longjmp(scheduler, 2);
}

static void actor_main(void)
{
	scenario->actors[running]();
	actors[running].finished = true;
	_longjmp(scheduler, 1);
}

static void copy(void *live, unsigned char **kept, size_t size, bool back)
{
	memcpy(back ? live : *kept, back ? *kept : live, size);
	*kept += size;
}

/* Keep everything as it is at this step of the path, or put it back. */
static void snapshot(unsigned depth, bool back)
{
	struct snapshot *kept = (void *)(snapshots + depth * snapshot_size);
	unsigned char *at = kept->data;

	memcpy(back ? actors : kept->actors, back ? kept->actors : actors, sizeof(actors));
	for (unsigned i = 0; i < scenario->memory_count; i++)
		copy(scenario->memory[i].start, &at, scenario->memory[i].size, back);
	for (unsigned i = 0; i < actor_count; i++)
		copy(stacks[i] + STACK_SIZE - actors[i].stack_used, &at, actors[i].stack_used,
		     back);
}

/* One step of an actor; false when a problem was found. */
static bool step(unsigned number)
{
	struct actor *actor = &actors[number];
	volatile bool writes = actor->writes || !actor->started;
	volatile int how = _setjmp(scheduler);

	if (how == 0) {
		running = (int)number;
		if (actor->started)
			_longjmp(actor->at, 1);
		actor->started = true;
		getcontext(&actor->start);
		actor->start.uc_stack.ss_sp = stacks[number];
		actor->start.uc_stack.ss_size = STACK_SIZE;
		actor->start.uc_link = NULL;
		makecontext(&actor->start, actor_main, 0);
		setcontext(&actor->start);
	}
	for (unsigned i = 0; i < actor_count; i++)
		if (i != (unsigned)running && writes)
			actors[i].waiting = false;
	running = -1;
	return how != 2;
}

/* Actors first run up to their first step, in which nobody else can take part. */
static bool start(void)
{
	memset(actors, 0, sizeof(actors));
	for (unsigned i = 0; i < actor_count; i++)
		if (!step(i))
			return false;
	return true;
}

static uint64_t state_hash(void)
{
	uint64_t hash = 1;

	for (unsigned i = 0; i < scenario->memory_count; i++) {
		const uint64_t *word = scenario->memory[i].start;

		for (size_t n = 0; n < scenario->memory[i].size / sizeof(*word); n++)
			hash = mix(hash, word[n]);
	}
	for (unsigned i = 0; i < actor_count; i++)
		hash = mix(hash,
			   actors[i].history + 2 * actors[i].finished + actors[i].waiting);
	return hash ? hash : 1;
}

/* The state's place: *fresh when it was not there. */
static struct state *state_find(uint64_t hash, bool *fresh)
{
	size_t mask = (UINT64_C(1) << STATES_LOG) - 1;
	size_t at = hash & mask;

	while (states[at].hash && states[at].hash != hash)
		at = (at + 1) & mask;
	*fresh = states[at].hash == 0;
	states[at].hash = hash;
	return &states[at];
}

static uint8_t enabled(void)
{
	uint8_t set = 0;

	for (unsigned i = 0; i < actor_count; i++)
		if (!actors[i].finished && !actors[i].waiting)
			set |= (uint8_t)(1u << i);
	return set;
}

static bool all_finished(void)
{
	for (unsigned i = 0; i < actor_count; i++)
		if (!actors[i].finished)
			return false;
	return true;
}

/* Nobody can take another step: what is wrong with that, or NULL. */
static const char *judge_end(void)
{
	if (!all_finished())
		return "all who have not finished wait for each other";
	result->ends++;
	if (_setjmp(alone) == 0)
		result->problem = scenario->finish();
	return result->problem;
}

/* Chooses the first who can go on and takes the step; false: a problem. */
static bool go_one(unsigned depth, uint64_t hash, uint8_t able)
{
	struct choice *choice = &path[depth];

	*choice = (struct choice){.actor = (uint8_t)__builtin_ctz(able), .hash = hash};
	choice->left = (uint8_t)(able & ~(1u << choice->actor));
	if (choice->left)
		snapshot(depth, false);
	if (!step(choice->actor))
		return false;
	if (depth + 2 >= DEPTH_MAX)
		result->problem = "an order without end";
	if (depth + 1 > result->longest)
		result->longest = depth + 1;
	return !result->problem;
}

/* From the state reached at `depth` on, until it is known or nobody can go on; the depth there.
 * The interleavings of the state where it ends are in *sum. */
static unsigned go_on(unsigned depth, double *sum)
{
	for (;; depth++) {
		bool fresh;
		uint64_t hash = state_hash();
		struct state *state = state_find(hash, &fresh);
		uint8_t able = enabled();

		if (fresh && ++result->states > (UINT64_C(1) << STATES_LOG) * 3 / 4)
			result->problem = "too many states: make the scenario smaller";
		if (fresh && !able) {
			state->interleavings = 1;
			result->problem = judge_end();
		}
		*sum = state->interleavings;
		if (result->problem || !fresh || !able)
			return depth;
		if (!go_one(depth, hash, able))
			return depth + 1;
	}
}

static void order_print(unsigned depth)
{
	size_t length = depth < sizeof(result->order) ? depth : sizeof(result->order) - 1;

	for (size_t i = 0; i < length; i++)
		result->order[i] = (char)('0' + path[i].actor);
	result->order[length] = 0;
}

/* Back to the last state in which another actor could go on, and its step is taken; false:
 * there is none, or a problem. */
static bool back(unsigned *depth, double sum)
{
	while (*depth > 0) {
		struct choice *last = &path[*depth - 1];
		bool fresh;

		last->sum += sum;
		if (last->left) {
			last->actor = (uint8_t)__builtin_ctz(last->left);
			last->left &= (uint8_t) ~(1u << last->actor);
			snapshot(*depth - 1, true);
			return step(last->actor);
		}
		sum = last->sum;
		state_find(last->hash, &fresh)->interleavings = sum;
		*depth -= 1;
	}
	result->interleavings = sum;
	return false;
}

static void allocate(void)
{
	snapshot_size = sizeof(struct snapshot) + EXPLORE_ACTORS_MAX * STACK_USED;
	for (unsigned i = 0; i < scenario->memory_count; i++)
		snapshot_size += scenario->memory[i].size;
	snapshot_size = (snapshot_size + 63) & ~(size_t)63;
	snapshots = malloc(DEPTH_MAX * snapshot_size);
	states = calloc(UINT64_C(1) << STATES_LOG, sizeof(*states));
	if (!snapshots || !states) {
		fprintf(stderr, "explore: out of memory\n");
		exit(2);
	}
}

static void explore_all(void)
{
	unsigned depth = 0;
	bool more = start();

	while (more && !again) {
		double sum = 0;

		depth = go_on(depth, &sum);
		more = !result->problem && back(&depth, sum);
	}
	if (result->problem)
		order_print(depth);
}

void explore(const struct explore_scenario *what, struct explore_result *found)
{
	scenario = what;
	result = found;
	actor_count = 0;
	while (actor_count < EXPLORE_ACTORS_MAX && scenario->actors[actor_count])
		actor_count++;
	memset(words, 0, sizeof(words));
	allocate();
	do {
		again = false;
		memset(result, 0, sizeof(*result));
		memset(states, 0, sizeof(*states) << STATES_LOG);
		if (_setjmp(alone) == 0)
			what->prepare();
		explore_all();
	} while (again && !result->problem);
	for (unsigned i = 0; i < 1 << WORDS_LOG; i++)
		result->words += words[i].shared;
	free(states);
	free(snapshots);
}

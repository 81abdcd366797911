// SPDX-License-Identifier: MIT
/*
 * Page frames of one stretch of memory: orders 0 to 10 over a bit field and a word per 2 MiB
 * block. Frames are numbers from 0; free memory is never touched, and neither is the
 * allocator's own state for blocks beyond the frontier, which moves up one block at a time when
 * nothing below it fits.
 *
 * Each CPU reserves one block: all free bits of it are moved into words of the CPU, which it
 * changes by plain loads and stores. What others give back to that block meets it in the shared
 * words. A CPU that finds nothing anywhere makes the others give up their reservations first.
 *
 * Who gets counts in the block, then takes the bits; who puts clears the bits, then counts. So
 * a block whose count is 0 and that nobody owns has no bit set and nobody on the way, and may
 * be taken whole by one exchange.
 */
#ifndef MM_FRAMES_H
#define MM_FRAMES_H

#include <mm/frames_word.h>
#include <kernel/attributes.h>
#include <kernel/lock.h>
#include <platform/cpu.h>

#define FRAMES_ORDER_MAX 10
#define FRAMES_ORDERS    (FRAMES_ORDER_MAX + 1)
#define FRAMES_NONE      UINT64_MAX

/*
 * One CPU's. c: written by the CPU by plain stores between busy = 1 and busy = 0, or by whoever
 * holds `locked` after the CPU was seen not to be busy; read by anybody.
 */
struct frames_cpu {
	_Atomic uint64_t first; /* c: first frame of the reserved block, + 1; 0: none */
	_Atomic uint32_t busy;  /* c: between reading `first` and having changed rows */
	_Atomic uint32_t row;   /* c: where the last frame was found */
	/* block freed whole last, + 1, perhaps taken since; 0: none, the next one is kept */
	_Atomic uint64_t kept;
	_Atomic uint64_t cursor;  /* c: index word of the last whole block, + 1; 0: none */
	_Atomic uint64_t balance; /* c: frames put less frames got, by orders above 0 */
	_Atomic uint32_t moves;   /* c: odd while it moves frames between shared words */
	_Atomic uint32_t changes; /* odd while whoever has `locked` changes the reservation */
	_Atomic uint32_t stale;   /* c: how often the block in `kept` was somebody else's */
	_Atomic bool locked;      /* for changing the reservation */
	_Atomic bool live;        /* c: the lines below this one are valid */
	_Atomic uint64_t rows[BLOCK_ROWS] ALIGNED(CACHE_LINE); /* c: 0: free, and the CPU's */
	_Atomic uint64_t got[FRAMES_ORDERS]; /* c: requests fulfilled, by order */
	_Atomic uint64_t put[FRAMES_ORDERS]; /* c: blocks given back */
} ALIGNED(CACHE_LINE);

/* One bit per block, and one bit per word that is not zero. */
struct frames_index {
	_Atomic uint64_t *words;
	_Atomic uint64_t *summary;
};

/*
 * How to wait for other CPUs of these frames. settle() returns true when everything that `cpu`
 * stored before it was called is visible and everything that the caller stored is seen by cpu
 * from now on; false after a bounded time. relax() is called in loops that wait, and makes
 * progress for those who wait for the caller.
 */
struct frames_waiting {
	bool (*settle)(unsigned cpu);
	void (*relax)(void);
};

struct frames;

/* Who tells the host. Both in any context, interrupts off; they take no frames. */
struct frames_watch {
	/* For the first time since frames_watch_arm() a block became free, or a CPU has frames
	 * to itself again, so that one may become free without a word. */
	void (*wake)(struct frames *frames);
	/* A reported block is used again. */
	void (*taken_back)(struct frames *frames, uint64_t block);
};

struct frames {
	_Atomic uint64_t *rows;   /* BLOCK_ROWS per block */
	_Atomic uint32_t *blocks; /* one per block */
	struct frames_index index[CLASS_NONE];
	/* A bit per block: free ever since page reporting looked at it; any use clears it. */
	_Atomic uint64_t *seen;
	uint64_t block_count;
	_Atomic uint64_t frontier; /* blocks below it are open; read acquire */
	/* Called under the lock before a block is opened; takes away what is no memory of ours
	 * with frames_exclude(). NULL: nothing. */
	void (*open_block)(struct frames *frames, uint64_t block);
	uint64_t usable; /* frames that are memory of ours */
	_Atomic uint64_t
		excluded;      /* frames of open blocks that are not; written under the lock */
	struct spin_lock lock; /* moving the frontier */
	const struct frames_watch *_Atomic watch; /* NULL: nobody */
	_Atomic bool watched;                     /* watch->wake() is wanted */
	const struct frames_waiting *waiting;     /* NULL: one thread uses all CPU numbers */
	_Atomic unsigned cpu_end; /* CPUs from here on never got or put a frame */
	struct frames_cpu cpus[CPUS_MAX];
};

/* Bytes of state for so many frames, struct frames apart. */
size_t frames_state_size(uint64_t frame_count);

/*
 * state: frames_state_size() bytes, 64-byte aligned, any contents, not touched here. All of
 * frame_count frames exist unless open_block excludes some; usable is what is left.
 */
void frames_init(struct frames *frames, void *state, uint64_t frame_count,
		 void (*open_block)(struct frames *frames, uint64_t block), uint64_t usable);

/* Inside open_block: these frames of the block are not ours. They count as taken for ever and
 * are no part of `usable`. */
void frames_exclude(struct frames *frames, uint64_t block, unsigned first, unsigned count);

/*
 * All functions with a `cpu`, which is below CPUS_MAX: interrupts are off, and nobody else uses
 * that number meanwhile.
 */

/*
 * First frame of a free block of 2^order, aligned to it, or FRAMES_NONE: a search came to every
 * such block and found none free, and it was not overtaken; or FRAMES_SEARCHES searches all
 * were. A search is overtaken when another CPU meanwhile moved free frames between the words
 * that it looks at: put some that it has not reserved, got some from what nobody has, took or
 * gave up a reservation. That may have hidden a free block. So a request for a block that is
 * free all the time fails only if it is overtaken FRAMES_SEARCHES times, and none goes on for
 * as long as others are busy.
 */
#define FRAMES_SEARCHES 8
uint64_t frames_get(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;

/* The two halves of frames_get(), for callers with a rule about taking a new block: from what
 * the CPU has, and from anywhere. */
uint64_t frames_get_owned(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;
uint64_t frames_get_new(struct frames *frames, unsigned cpu, unsigned order) MUST_CHECK;

/* False, and nothing changed, when the frames are not all taken in this form: a double free. */
bool frames_put(struct frames *frames, unsigned cpu, uint64_t frame, unsigned order) MUST_CHECK;

/* Up to `count` single frames into list[]; how many. Fewer: there are no more. */
unsigned frames_get_many(struct frames *frames, unsigned cpu, uint64_t *list,
			 unsigned count) MUST_CHECK;
/* The frames of list[], fastest when neighbours follow each other; how many, up to the first
 * one that is refused. */
unsigned frames_put_many(struct frames *frames, unsigned cpu, const uint64_t *list,
			 unsigned count) MUST_CHECK;

/* Exactly the frames [first, end), on the way to being taken. */
struct frames_range {
	uint64_t first;
	uint64_t end;
	uint64_t seen;  /* looked at up to here: none in use, as far as a look can tell */
	uint64_t taken; /* up to here they are taken */
	uint64_t busy;  /* one that is in use; FRAMES_NONE: none so far */
};

static inline struct frames_range frames_range_of(uint64_t first, uint64_t count)
{
	return (struct frames_range){first, first + count, first, first, FRAMES_NONE};
}

/*
 * Take them as single frames, a step a call: opens one block, or looks at, takes or gives back
 * what lies in one block. To be called again, on any CPU, as long as it returns -EAGAIN;
 * between two steps interrupts may be on. 0: all are taken. -EBUSY, and none is: range->busy is
 * the first one that is in use or no memory of ours. Those before it may have been taken for a
 * moment, and were missing to others, if a CPU has its block reserved or it was free when
 * looked at; or it was not, but others moved free frames of these each of the FRAMES_SEARCHES
 * times that it was tried. -EINVAL: not all are frames here.
 */
int frames_take_range(struct frames *frames, unsigned cpu,
		      struct frames_range *range) MUST_CHECK;

/*
 * For telling the host about free memory: blocks that became free since they were last
 * reported, 64 of them at a time: bit i of word w is block 64 * w + i. The cost does not depend
 * on how much is free or in use. What CPUs hold back is not seen: frames_idle_return(). Only
 * one thread calls these functions.
 */
/* The first word from `from` on that has any; FRAMES_NONE: none. */
uint64_t frames_report_next(const struct frames *frames, uint64_t from) MUST_CHECK;
/* Blocks of a word that nobody had since an earlier look; *fresh: those seen for the first
 * time. */
uint64_t frames_report_see(struct frames *frames, uint64_t word, uint64_t *fresh);
/* Take those blocks that nobody had since the look that found them fresh; which. */
uint64_t frames_report_take(struct frames *frames, unsigned cpu, uint64_t word,
			    uint64_t bits) MUST_CHECK;
/* Give all of them back, reported or as they were; reported blocks are handed out after all
 * others. */
void frames_report_give(struct frames *frames, unsigned cpu, uint64_t word, uint64_t bits,
			bool reported);
/* Forget what was seen: all blocks are fresh. */
void frames_report_forget(struct frames *frames);

/* How often a CPU used what it holds back: the block that it keeps, the one that it reserved.
 */
struct frames_activity {
	uint64_t kept;
	uint64_t reserved;
};

/* of[]: of all CPUs, CPUS_MAX. */
void frames_activity_note(const struct frames *frames, struct frames_activity *of);
/* CPUs that did not use it since of[] was noted give up what they hold back: wholly free
 * blocks, or, with `all`, everything. False: some CPU has something still. */
bool frames_idle_return(struct frames *frames, const struct frames_activity *of, bool all);

/* Ask for one call of watch->wake(). What is in the index already is the caller's to find after
 * it. False: some CPU holds something back, or got or put since of[] was noted; disarm.
 * Interrupts are off. */
bool frames_watch_arm(struct frames *frames, const struct frames_activity *of) MUST_CHECK;
void frames_watch_disarm(struct frames *frames);

/* What a 2 MiB block is. Free ones may be held back by a CPU. */
enum frames_state {
	FRAMES_PRISTINE, /* beyond the frontier: nothing of it was ever used */
	FRAMES_FREE,     /* wholly free, the host has not been told */
	FRAMES_REPORTED, /* wholly free, the host has been told */
	FRAMES_PARTIAL,
	FRAMES_TAKEN
};

enum frames_state frames_state_of(const struct frames *frames, uint64_t block);

/* All CPUs give up what they hold back: every free block is in the index. Any CPU; others may
 * reserve again at once. */
void frames_drain(struct frames *frames);
void frames_drain_cpu(struct frames *frames, unsigned cpu);

/* Make the whole blocks inside a frame of order 9 or 10 puttable in parts; nothing to do below.
 * By its owner only. */
void frames_split(struct frames *frames, uint64_t frame, unsigned order);

/* Free frames; exact while nobody allocates, else wrong by as much as others got and put while
 * it counts. */
uint64_t frames_free(const struct frames *frames);
/* The same at more cost, and never less than were free when half of it was counted. */
uint64_t frames_free_most(const struct frames *frames);

/* Frames got and put by requests on a CPU. */
uint64_t frames_cpu_got(const struct frames *frames, unsigned cpu);
uint64_t frames_cpu_put(const struct frames *frames, unsigned cpu);

/* Is this frame in an open block; is it taken (an open block's)? */
static inline bool frames_is_open(const struct frames *frames, uint64_t frame)
{
	return frame / BLOCK_FRAMES <
	       atomic_load_explicit(&frames->frontier, memory_order_acquire);
}

bool frames_is_taken(const struct frames *frames, uint64_t frame);
/* The taken ones of 64, a bit each. */
uint64_t frames_row_taken(const struct frames *frames, uint64_t row);
/* Frames of an open block that are in somebody's hands or no memory of ours. */
unsigned frames_taken_in(const struct frames *frames, uint64_t block);

/* The mark "a page record in this block was written on its own". */
void frames_mark_written(struct frames *frames, uint64_t frame);
void frames_clear_written(struct frames *frames, uint64_t frame);

static inline bool frames_is_written(const struct frames *frames, uint64_t frame)
{
	return atomic_load_explicit(&frames->blocks[frame / BLOCK_FRAMES],
				    memory_order_relaxed) &
	       BLOCK_WRITTEN;
}

/* Free aligned runs of 2^order in open blocks; walks. */
uint64_t frames_available(const struct frames *frames, unsigned order);

/* Walk all open blocks: counters against bits against index; what is wrong, or NULL. While
 * nobody allocates. */
const char *frames_check(const struct frames *frames);

#endif

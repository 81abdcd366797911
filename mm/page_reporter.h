// SPDX-License-Identifier: MIT
/*
 * The part of page reporting that decides, without a thread or a clock of its own, so that
 * tests play time. page_reporting.c runs it.
 */
#ifndef MM_PAGE_REPORTER_H
#define MM_PAGE_REPORTER_H

#include <mm/page_reporting.h>

/* Of 64 blocks. due: seen, and free for PAGE_REPORTING_AGE_NS when it was looked at last; bits
 * of blocks that were used since mean nothing. ripe_at: no other seen one is due before. */
struct page_reporter_word {
	uint64_t due;
	uint64_t ripe_at;
};

/* One thread calls all functions; C: changed by it, read by anybody; A: by any CPU. */
struct page_reporter {
	struct page_reporting_device *device;
	uint64_t (*clock)(void);
	/* A block became free while nothing was to be done, or may do so; any context. */
	void (*wake)(struct page_reporter *reporter);
	/* How many of a zone's blocks that are free, and were used before, are never told. */
	uint64_t (*keep)(uint64_t blocks);

	/* Per zone and block, in units of 2^REPORT_TIME_SHIFT ns: of a block that was seen,
	 * since when it is free at least; of a reported one, since when; else nothing. */
	_Atomic uint32_t *times[ZONES_MAX];
	struct page_reporter_word *words[ZONES_MAX]; /* 64 blocks each */
	_Atomic uint64_t woken_at;                   /* A: time of the call, 0: none since */
	uint64_t looked_at;
	uint64_t retry_at;
	uint64_t expected; /* free and seen after the last look */
	uint64_t due;      /* in this look; */
	uint64_t due_in[ZONES_MAX];
	uint64_t kept;   /* of them: stay, as the zones' reserve */
	uint64_t due_at; /* the first look at which more was due than is told now; 0: none */
	bool resting;
	struct frames_activity *activity[ZONES_MAX]; /* per zone and CPU, after the last look */
	bool short_of_memory;  /* blocks are left because too little would stay */
	uint64_t early_before; /* `early` and `taken_back` at the last look */
	uint64_t taken_before;

	uint32_t used_up[PAGE_REPORTING_HISTORY]; /* blocks, by tick */
	uint64_t tick;
	uint64_t used_tick; /* the last with a use */
	unsigned horizon;   /* ticks of it that count */

	/* What is out, and where it came from. */
	unsigned count;
	struct phys addresses[PAGE_REPORTING_BATCH];
	unsigned parts;
	struct {
		struct zone *zone;
		uint64_t word;
		uint64_t bits;
	} batch[PAGE_REPORTING_BATCH];

	_Atomic uint64_t reported, refused, lost, looks, batches; /* C */
	_Atomic uint64_t pending, held, waited_max_ns;            /* C */
	_Atomic uint64_t waited[PAGE_REPORTING_BUCKETS];          /* C */
	_Atomic uint64_t taken_back, early, taken_at;             /* A; taken_at: the last */
};

/* Zeroed by the caller, device, clock, wake and keep set. 0, -EBUSY, -ENOMEM. */
int page_reporter_start(struct page_reporter *reporter) MUST_CHECK;
/* Afterwards no CPU looks at it. */
void page_reporter_end(struct page_reporter *reporter);

/* Look, and report what is due; when to come again, CLOCK_NEVER: at wake(). */
uint64_t page_reporter_look(struct page_reporter *reporter);

#endif

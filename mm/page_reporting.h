// SPDX-License-Identifier: MIT
/*
 * Free page reporting: the host is told of 2 MiB blocks that became free and stay free, and may
 * take their memory; the next use of one brings it back. One device at a time does the telling.
 *
 * Blocks are looked at every tick while any is free and not reported, and never else: when
 * there is none, the allocator calls at the next one that becomes free. A block is due when
 * nobody used it for PAGE_REPORTING_AGE_NS. As many due blocks as were used up lately are held
 * back, because they will be used next; that memory grows as long as reported blocks are used
 * again within PAGE_REPORTING_EARLY_NS, and ends when nothing was used up for all of it. A few
 * are never told.
 */
#ifndef MM_PAGE_REPORTING_H
#define MM_PAGE_REPORTING_H

#include <mm/zone.h>

#define PAGE_REPORTING_BLOCK       (BLOCK_FRAMES * PAGE_SIZE) /* bytes */
#define PAGE_REPORTING_TICK_NS     UINT64_C(10000000)
#define PAGE_REPORTING_AGE_NS      UINT64_C(40000000)
/* A batch that is not full waits for what is not due yet, but not longer than this. */
#define PAGE_REPORTING_PATIENCE_NS UINT64_C(20000000)
#define PAGE_REPORTING_EARLY_NS    UINT64_C(100000000)
#define PAGE_REPORTING_RETRY_NS    UINT64_C(1000000000) /* after the device refused */
#define PAGE_REPORTING_BATCH       128u /* blocks that are out at once, at most */
#define PAGE_REPORTING_HISTORY     256u /* ticks that are remembered */
#define PAGE_REPORTING_RECENT      5u   /* ticks that count while nothing is used early */
/* Free blocks that the host is never told of, so that a sudden request finds memory which the
 * host need not bring first: one of so many, but not more than so many in a zone. */
#define PAGE_REPORTING_KEEP_SHARE  128u
#define PAGE_REPORTING_KEEP        16u
#define PAGE_REPORTING_BUCKETS     17u /* of 10 ms each; the last: longer */
#define PAGE_REPORTING_BUCKET_NS   PAGE_REPORTING_TICK_NS

/*
 * report(): tell the host of `count` blocks by their physical addresses, and wait until it has
 * heard of all. Thread context. 0; an error: it may not have heard of some, and never will
 * afterwards; -EOWNERDEAD: it may still hear of some, so they must never be used again.
 */
struct page_reporting_device {
	const char *name;
	unsigned capacity; /* blocks that one call takes, at least 1 */
	bool keeps_value;  /* it knows page_reporting_free_value, and keeps to it */
	int (*report)(struct page_reporting_device *device, const struct phys *blocks,
		      unsigned count) MUST_CHECK;
};

/* Blocks. waited: from when they became free, or up to a tick before, to when the host had
 * heard. */
struct page_reporting_statistics {
	uint64_t reported;
	uint64_t refused;    /* came back unmarked */
	uint64_t lost;       /* stay with a device that cannot be stopped */
	uint64_t taken_back; /* used again after they were reported */
	uint64_t early;      /* of those: within PAGE_REPORTING_EARLY_NS */
	uint64_t looks;      /* ticks so far */
	uint64_t batches;
	uint64_t pending; /* free, not reported */
	uint64_t held;    /* of the pending: due, but held back by demand or as the reserve */
	uint64_t waited_max_ns;
	uint64_t waited[PAGE_REPORTING_BUCKETS];
};

/* Nothing relies on what a free frame contains: the allocator never writes free memory. Whoever
 * changes that sets this, and the value of its bytes, four at a time. Then only a device that
 * leaves reported blocks as they are may be told of them (B6): from others they come back as
 * zeros. */
extern bool page_reporting_free_keeps_value;
extern uint32_t page_reporting_free_value;

/* Start to report to this device. 0; -EBUSY: another does; -EOPNOTSUPP: free frames keep a
 * value; -ENOMEM. The device lives until unregister, which waits for report() to end. Thread
 * context. */
int page_reporting_register(struct page_reporting_device *device) MUST_CHECK;
void page_reporting_unregister(struct page_reporting_device *device);

/* Blocks that stay unreported, of so many free ones that were used before, in a zone. */
uint64_t page_reporting_keep(uint64_t blocks);

/* The device that reports now, or NULL and all zero. */
const char *page_reporting_statistics(struct page_reporting_statistics *statistics);
/* Upper bound, in ns, of what `percent` of the reported blocks waited at most; 0: none yet. */
uint64_t page_reporting_percentile(const struct page_reporting_statistics *statistics,
				   unsigned percent);

#endif

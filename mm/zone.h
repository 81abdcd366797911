// SPDX-License-Identifier: MIT
/*
 * Zones: stretches of RAM of one node and one DMA reach, each with its own frame allocator.
 * Gaps that would cost unmapped page records (ZONE_GAP) end a stretch, so two zones may have
 * the same node and type. All is derived from the boot map once; after zones_init() only
 * counters change.
 */
#ifndef MM_ZONE_H
#define MM_ZONE_H

#include <mm/folio.h>
#include <mm/frames_at_hand.h>

struct boot_info;

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_TYPES };

#define ZONES_MAX       32
#define NODES_MAX       16
/* Frames whose records fill 2 MiB: smaller gaps have records, larger ones do not. */
#define ZONE_GAP_FRAMES (MIB(2) / sizeof(struct page))

struct zone {
	struct frames frames;
	struct pfn base;  /* frame 0 of `frames`: start rounded down to the largest order */
	struct pfn start; /* RAM of this zone, holes inside included */
	struct pfn end;
	uint64_t span;  /* frames from base to end */
	uint8_t number; /* zones[number] is this one */
	unsigned node;
	enum zone_type type;
	uint64_t ram;            /* frames that are RAM */
	_Atomic int64_t managed; /* frames that are the allocator's, less what balloons hold */
	_Atomic uint64_t pristine; /* usable frames beyond the frontier */
	_Atomic uint64_t bad;      /* frames withheld after a report */
	/* Watermarks, in free frames besides a block that counts as used up (see get_from()). A
	 * request for that type that is not FOLIO_ATOMIC leaves reserve[type]; below `low` the
	 * reclaim thread wakes, at `high` it stops. */
	uint64_t reserve[ZONE_TYPES];
	uint64_t low;
	uint64_t high;
};

extern struct zone *zones[ZONES_MAX]; /* by rising address */
extern unsigned zone_count;
/* Where a request without zone flags looks first: for a node, and for NODE_ANY on a CPU. */
extern struct zone *zone_nearest[NODES_MAX];
extern struct zone *_Atomic zone_nearest_cpu[CPUS_MAX];

/* From boot_info and what boot memory has left; takes its own state from there. */
void zones_init(const struct boot_info *info);

/* The node whose order requests for any node follow on a CPU: 0 until it is set. node <
 * NODES_MAX. Any context. */
void zone_cpu_set_node(unsigned cpu, unsigned node);
unsigned zone_cpu_node(unsigned cpu);

/* Where a request for that node, or on this CPU for any, looks first. What is no node is served
 * like the first. */
static ALWAYS_INLINE struct zone *zone_near(int node, unsigned cpu)
{
	if (LIKELY(node == NODE_ANY))
		return atomic_load_explicit(&zone_nearest_cpu[cpu], memory_order_relaxed);
	return zone_nearest[(unsigned)node < NODES_MAX ? node : 0];
}

/* The zone whose RAM this frame is, or NULL. */
struct zone *zone_of(struct pfn f);
const char *zone_type_name(enum zone_type type);

/* The zone that the record of a block in use names, or NULL when that cannot be. */
static inline struct zone *page_zone_named(const struct page *page)
{
	struct zone *zone = zones[page->zone % ZONES_MAX];

	return LIKELY(zone && page_to_pfn(page).nr - zone->base.nr < zone->span) ? zone : NULL;
}

/* Of any page; NULL for what is no RAM. */
static inline struct zone *page_zone(const struct page *page)
{
	struct zone *zone = page_zone_named(page);

	return LIKELY(zone) ? zone : zone_of(page_to_pfn(page));
}

static inline uint64_t zone_frame(const struct zone *zone, struct pfn f)
{
	return f.nr - zone->base.nr;
}

/* Frames to be freed until there is so much besides a block that counts as used up. */
static inline uint64_t zone_missing(const struct zone *zone, uint64_t watermark)
{
	uint64_t free = frames_free(&zone->frames);

	return watermark + BLOCK_FRAMES > free ? watermark + BLOCK_FRAMES - free : 0;
}

static inline bool zone_has(const struct zone *zone, uint64_t watermark)
{
	return zone_missing(zone, watermark) == 0;
}

/* Free blocks of 2^order that requests could get, the untouched memory included; walks. */
uint64_t zone_available(const struct zone *zone, unsigned order);

/*
 * A block of 2^order frames: preferred node (NODE_ANY: this CPU's) first, then the others; the
 * highest type the flags (FOLIO_*) allow first. The record is as the last owner left it; *zone:
 * where it lies. NULL: none.
 */
struct page *zones_get(int node, unsigned order, unsigned flags, struct zone **zone) MUST_CHECK;

/* What this CPU has at hand in the zone that is near, by number there, or FRAMES_NONE. No
 * reserve is looked at: it was when the CPU got its stock. */
static inline MUST_CHECK uint64_t zone_get_near(int node, unsigned order, struct zone **zone)
{
	struct irq_state irq = irq_save();
	unsigned cpu = cpu_current();
	uint64_t frame;

	*zone = zone_near(node, cpu);
	frame = frames_get_owned(&(*zone)->frames, cpu, order);
	irq_restore(irq);
	return frame;
}

/* The same for one frame, without a call. */
static ALWAYS_INLINE MUST_CHECK uint64_t zone_get_at_hand(int node, struct zone **zone)
{
	struct irq_state irq = irq_save();
	unsigned cpu = cpu_current();
	uint64_t frame;

	*zone = zone_near(node, cpu);
	frame = frames_get_at_hand(&(*zone)->frames, cpu);
	irq_restore(irq);
	return frame;
}

/* One frame back without a call; false: zone_put() knows more. */
static ALWAYS_INLINE MUST_CHECK bool zone_put_at_hand(struct zone *zone, uint64_t frame)
{
	struct irq_state irq = irq_save();
	bool done = frames_put_at_hand(&zone->frames, cpu_current(), frame);

	irq_restore(irq);
	return done;
}

/* Back to its zone, by number there. False: not taken in this form, nothing changed. */
static inline MUST_CHECK bool zone_put(struct zone *zone, uint64_t frame, unsigned order)
{
	struct irq_state irq = irq_save();
	bool done = frames_put(&zone->frames, cpu_current(), frame, order);

	irq_restore(irq);
	return done;
}

/* Up to `count` single frames of the first zone that has any for this request; how many. */
unsigned zones_get_many(int node, unsigned flags, uint64_t *list, unsigned count,
			struct zone **zone) MUST_CHECK;

/* Every CPU gives up the frames it holds back for itself. */
void zones_drain(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * Which free blocks the host is told of, and when. See page_reporting.h.
 */
#include <mm/page_reporter.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/rcu.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/clock.h>

#define REPORT_TIME_SHIFT 16

/* The one that the allocator's calls go to; readers are RCU readers. */
static struct page_reporter *_Atomic active;

static uint32_t time_of(uint64_t ns)
{
	return (uint32_t)(ns >> REPORT_TIME_SHIFT);
}

static uint64_t time_since(const struct page_reporter *reporter, const struct zone *zone,
			   uint64_t block, uint64_t now)
{
	uint32_t then = atomic_load_explicit(&reporter->times[zone->number][block],
					     memory_order_relaxed);

	return (uint64_t)(uint32_t)(time_of(now) - then) << REPORT_TIME_SHIFT;
}

static void time_set(struct page_reporter *reporter, const struct zone *zone, uint64_t block,
		     uint64_t ns)
{
	atomic_store_explicit(&reporter->times[zone->number][block], time_of(ns),
			      memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* ---- called by the allocator ---- */

static void freed(struct frames *frames)
{
	struct page_reporter *reporter;
	uint64_t none = 0;

	(void)frames;
	rcu_read_lock();
	reporter = rcu_dereference(active);
	if (reporter &&
	    atomic_compare_exchange_strong(&reporter->woken_at, &none, reporter->clock()))
		reporter->wake(reporter);
	rcu_read_unlock();
}

static void taken_back(struct frames *frames, uint64_t block)
{
	const struct zone *zone = container_of(frames, struct zone, frames);
	struct page_reporter *reporter;

	rcu_read_lock();
	reporter = rcu_dereference(active);
	if (reporter) {
		uint64_t now = reporter->clock();

		if (time_since(reporter, zone, block, now) < PAGE_REPORTING_EARLY_NS)
			count(&reporter->early, 1);
		atomic_store_explicit(&reporter->taken_at, now, memory_order_relaxed);
		count(&reporter->taken_back, 1);
	}
	rcu_read_unlock();
}

static const struct frames_watch watch = {freed, taken_back};

/* ---- demand ---- */

/* Ticks in which nobody looked were without use, as far as is known. */
static void ticks_pass(struct page_reporter *reporter, uint64_t now)
{
	uint64_t tick = now / PAGE_REPORTING_TICK_NS;

	if (tick - reporter->tick > PAGE_REPORTING_HISTORY)
		reporter->tick = tick - PAGE_REPORTING_HISTORY;
	while (reporter->tick < tick)
		reporter->used_up[++reporter->tick % PAGE_REPORTING_HISTORY] = 0;
}

static uint64_t used_lately(const struct page_reporter *reporter)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < MIN(reporter->horizon, reporter->tick); i++)
		sum += reporter->used_up[(reporter->tick - i) % PAGE_REPORTING_HISTORY];
	return sum;
}

static void note_use(struct page_reporter *reporter, uint64_t tick, uint64_t blocks)
{
	if (!blocks || reporter->tick - tick >= PAGE_REPORTING_HISTORY)
		return;
	reporter->used_tick = MAX(reporter->used_tick, tick);
	reporter->used_up[tick % PAGE_REPORTING_HISTORY] += (uint32_t)blocks;
}

/* Blocks used since the last look: `vanished` of those seen then, and reported ones, which may
 * have been used long ago when nobody looked. */
static void note_uses(struct page_reporter *reporter, uint64_t vanished)
{
	uint64_t taken = atomic_load_explicit(&reporter->taken_back, memory_order_relaxed);
	uint64_t at = atomic_load_explicit(&reporter->taken_at, memory_order_relaxed);

	note_use(reporter, reporter->tick, vanished);
	note_use(reporter, MIN(at / PAGE_REPORTING_TICK_NS, reporter->tick),
		 taken - reporter->taken_before);
	reporter->taken_before = taken;
}

/*
 * Due blocks to hold back: as many as will be used within PAGE_REPORTING_EARLY_NS if it goes on
 * as it went. What was reported and used again early shows that the time looked back on is too
 * short.
 */
static uint64_t demand(struct page_reporter *reporter)
{
	uint64_t early = atomic_load_explicit(&reporter->early, memory_order_relaxed);
	uint64_t sum;

	if (reporter->tick - reporter->used_tick >= PAGE_REPORTING_HISTORY)
		reporter->horizon = PAGE_REPORTING_RECENT;
	else if (early != reporter->early_before)
		reporter->horizon = MIN(reporter->horizon * 2, PAGE_REPORTING_HISTORY);
	reporter->early_before = early;
	sum = used_lately(reporter);
	return reporter->horizon == PAGE_REPORTING_RECENT ? sum * 2 : sum;
}

/* ---- the walk over what is free and not reported ---- */

/* Called for each such block; false ends the walk. */
typedef bool walk_function(struct page_reporter *reporter, struct zone *zone, uint64_t block,
			   void *state);

static void walk(struct page_reporter *reporter, walk_function *function, void *state)
{
	for (unsigned i = 0; i < zone_count; i++) {
		uint64_t bits;
		uint64_t word = frames_report_next(&zones[i]->frames, 0, &bits);

		for (; word != FRAMES_NONE;
		     word = frames_report_next(&zones[i]->frames, word + 1, &bits))
			for (; bits; bits &= bits - 1)
				if (!function(reporter, zones[i],
					      word * 64 + (unsigned)__builtin_ctzll(bits),
					      state))
					return;
	}
}

/* Every first look notes since when, at the earliest, the block is free. */
static enum frames_sight look_at(struct page_reporter *reporter, struct zone *zone,
				 uint64_t block, uint64_t since)
{
	enum frames_sight sight = frames_report_see(&zone->frames, block);

	if (sight == FRAMES_NEW)
		time_set(reporter, zone, block, since);
	return sight;
}

struct sighting {
	uint64_t now;
	uint64_t since; /* what is new became free after this */
	uint64_t fresh;
	uint64_t seen;
	uint64_t oldest; /* for how long the oldest seen one is free */
};

static bool see(struct page_reporter *reporter, struct zone *zone, uint64_t block, void *state)
{
	struct sighting *sighting = state;

	enum frames_sight sight = look_at(reporter, zone, block, sighting->since);

	sighting->fresh += sight == FRAMES_NEW;
	sighting->seen += sight == FRAMES_SEEN;
	if (sight == FRAMES_SEEN) {
		uint64_t age = time_since(reporter, zone, block, sighting->now);

		reporter->due += age >= PAGE_REPORTING_AGE_NS;
		sighting->oldest = MAX(sighting->oldest, age);
	}
	return true;
}

/* ---- telling ---- */

/* Blocks of the zone that may be out at once: half of what is above the reserve stays. */
static uint64_t spare(const struct zone *zone)
{
	uint64_t free = frames_free(&zone->frames);
	uint64_t reserve = zone->reserve[ZONE_NORMAL];

	return (free - MIN(free, reserve)) / BLOCK_FRAMES / 2;
}

static void note_wait(struct page_reporter *reporter, uint64_t waited)
{
	count(&reporter->waited[MIN(waited / PAGE_REPORTING_BUCKET_NS,
				    PAGE_REPORTING_BUCKETS - 1)],
	      1);
	if (waited > atomic_load_explicit(&reporter->waited_max_ns, memory_order_relaxed))
		atomic_store_explicit(&reporter->waited_max_ns, waited, memory_order_relaxed);
}

static void give_batch(struct page_reporter *reporter, bool reported)
{
	uint64_t now = reporter->clock();

	for (unsigned i = 0; i < reporter->count; i++) {
		struct zone *zone = reporter->batch[i].zone;
		uint64_t block = reporter->batch[i].block;
		struct irq_state irq;

		if (reported) {
			note_wait(reporter, time_since(reporter, zone, block, now));
			time_set(reporter, zone, block, now);
		}
		irq = irq_save();
		frames_report_give(&zone->frames, cpu_current(), block, reported);
		irq_restore(irq);
	}
}

/* False: no more for now. */
static bool send_batch(struct page_reporter *reporter)
{
	uint64_t blocks = reporter->count;
	int error;

	if (blocks == 0)
		return true;
	HOOK(page_reporting_out);
	error = reporter->device->report(reporter->device, reporter->addresses,
					 reporter->count);
	count(&reporter->batches, 1);
	if (error != -EOWNERDEAD)
		give_batch(reporter, error == 0);
	count(error == 0             ? &reporter->reported
	      : error == -EOWNERDEAD ? &reporter->lost
				     : &reporter->refused,
	      blocks);
	reporter->count = 0;
	if (error)
		reporter->retry_at = reporter->clock() + PAGE_REPORTING_RETRY_NS;
	return error == 0;
}

static unsigned batch_size(const struct page_reporter *reporter)
{
	return MIN(reporter->device->capacity, PAGE_REPORTING_BATCH);
}

static bool take(struct page_reporter *reporter, struct zone *zone, uint64_t block)
{
	struct irq_state irq = irq_save();
	bool taken = frames_report_take(&zone->frames, cpu_current(), block);

	irq_restore(irq);
	if (!taken)
		return false;
	reporter->batch[reporter->count].zone = zone;
	reporter->batch[reporter->count].block = block;
	reporter->addresses[reporter->count++] =
		pfn_to_phys(pfn(zone->base.nr + block * BLOCK_FRAMES));
	reporter->expected--;
	reporter->due--;
	return true;
}

struct telling {
	uint64_t began;
	uint64_t hold; /* due blocks to pass over */
	struct zone *zone;
	uint64_t room; /* more blocks of the zone may be out */
	bool cut;      /* there is more to tell, but it is time to look */
};

/* What is out comes back before the next zone's turn, and when too little is left. */
static bool make_room(struct page_reporter *reporter, struct telling *telling,
		      struct zone *zone)
{
	if (telling->zone == zone && telling->room > 0)
		return true;
	if (!send_batch(reporter))
		return false;
	telling->zone = zone;
	telling->room = spare(zone);
	return true;
}

static bool tell(struct page_reporter *reporter, struct zone *zone, uint64_t block, void *state)
{
	struct telling *telling = state;

	if (look_at(reporter, zone, block, telling->began) != FRAMES_SEEN ||
	    time_since(reporter, zone, block, telling->began) < PAGE_REPORTING_AGE_NS)
		return true;
	if (telling->hold > 0) {
		telling->hold--;
		return true;
	}
	if (!make_room(reporter, telling, zone))
		return false;
	if (telling->room == 0)
		reporter->short_of_memory = true;
	if (telling->room == 0 || !take(reporter, zone, block))
		return true;
	telling->room--;
	if (reporter->count < batch_size(reporter))
		return true;
	telling->zone = NULL;
	telling->cut = reporter->clock() - telling->began >= PAGE_REPORTING_TICK_NS;
	return send_batch(reporter) && !telling->cut;
}

/* ---- a look ---- */

static void drain(void)
{
	for (unsigned i = 0; i < zone_count; i++) {
		struct irq_state irq = irq_save();

		frames_drain_free(&zones[i]->frames);
		irq_restore(irq);
	}
}

static void watch_all(bool arm)
{
	for (unsigned i = 0; i < zone_count; i++)
		if (arm)
			frames_watch_arm(&zones[i]->frames);
		else
			frames_watch_disarm(&zones[i]->frames);
}

static bool find_any(struct page_reporter *reporter, struct zone *zone, uint64_t block,
		     void *state)
{
	bool *fresh = state;

	*fresh = look_at(reporter, zone, block, reporter->looked_at) == FRAMES_NEW;
	return !*fresh;
}

/* Nothing is left but what must stay: sleep until a block becomes free. One that did meanwhile
 * was not seen yet. */
static uint64_t rest(struct page_reporter *reporter, uint64_t now)
{
	bool fresh = false;

	if (!reporter->drained) {
		reporter->drained = true;
		drain();
		return now + PAGE_REPORTING_TICK_NS;
	}
	atomic_store(&reporter->woken_at, 0);
	watch_all(true);
	HOOK(page_reporting_rest);
	walk(reporter, find_any, &fresh);
	if (fresh) {
		watch_all(false);
		return now + PAGE_REPORTING_TICK_NS;
	}
	reporter->resting = true;
	return CLOCK_NEVER;
}

/* When what is new became free at the earliest. */
static uint64_t since_when(struct page_reporter *reporter)
{
	uint64_t woken_at = atomic_load(&reporter->woken_at);

	return reporter->resting && woken_at ? woken_at : reporter->looked_at;
}

/* Is it time to tell? A batch that more blocks are about to fill up is waited for a little. */
static bool must_tell(const struct page_reporter *reporter, const struct sighting *sighting,
		      uint64_t hold)
{
	if (sighting->now < reporter->retry_at || reporter->due <= hold)
		return false;
	return reporter->due - hold >= batch_size(reporter) ||
	       reporter->due == sighting->seen + sighting->fresh ||
	       sighting->oldest >= PAGE_REPORTING_AGE_NS + PAGE_REPORTING_PATIENCE_NS;
}

uint64_t page_reporter_look(struct page_reporter *reporter)
{
	uint64_t now = reporter->clock();
	struct sighting sighting = {.now = now, .since = since_when(reporter)};
	struct telling telling = {.began = now};
	uint64_t left;

	reporter->resting = false;
	ticks_pass(reporter, now);
	reporter->due = 0;
	walk(reporter, see, &sighting);
	if (sighting.fresh)
		reporter->drained = false;
	note_uses(reporter, reporter->expected - MIN(reporter->expected, sighting.seen));
	telling.hold = demand(reporter);
	reporter->expected = sighting.seen + sighting.fresh;
	reporter->looked_at = now;
	reporter->short_of_memory = false;
	count(&reporter->looks, 1);
	atomic_store(&reporter->held, MIN(telling.hold, reporter->due));
	if (must_tell(reporter, &sighting, telling.hold)) {
		walk(reporter, tell, &telling);
		(void)send_batch(reporter);
	}
	left = reporter->expected;
	atomic_store(&reporter->pending, left);
	now = reporter->clock();
	if (telling.cut)
		return now;
	if (left == 0 || (reporter->short_of_memory && left == reporter->due))
		return rest(reporter, now);
	return MAX(now + PAGE_REPORTING_TICK_NS, reporter->retry_at);
}

/* ---- start and end ---- */

/* What was reported to an earlier device was so long ago. */
static void times_begin(struct page_reporter *reporter, struct zone *zone)
{
	struct frames *frames = &zone->frames;
	uint64_t frontier = atomic_load(&frames->frontier);

	for (uint64_t block = 0; block < frontier; block++)
		time_set(reporter, zone, block, reporter->looked_at - PAGE_REPORTING_RETRY_NS);
}

static void times_free(struct page_reporter *reporter)
{
	for (unsigned i = 0; i < zone_count; i++)
		kfree(reporter->times[i]);
}

int page_reporter_start(struct page_reporter *reporter)
{
	struct page_reporter *none = NULL;

	reporter->horizon = PAGE_REPORTING_RECENT;
	reporter->looked_at = reporter->clock();
	for (unsigned i = 0; i < zone_count; i++) {
		uint64_t blocks = zones[i]->frames.block_count;

		reporter->times[i] =
			kmalloc(blocks * sizeof(reporter->times[i][0]), FOLIO_NOWARN);
		if (!reporter->times[i]) {
			times_free(reporter);
			return -ENOMEM;
		}
		times_begin(reporter, zones[i]);
	}
	reporter->tick = reporter->looked_at / PAGE_REPORTING_TICK_NS;
	if (!atomic_compare_exchange_strong(&active, &none, reporter)) {
		times_free(reporter);
		return -EBUSY;
	}
	for (unsigned i = 0; i < zone_count; i++)
		atomic_store(&zones[i]->frames.watch, &watch);
	return 0;
}

void page_reporter_end(struct page_reporter *reporter)
{
	watch_all(false);
	rcu_assign(active, NULL);
	rcu_synchronize();
	times_free(reporter);
}

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

static void wake(struct frames *frames)
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

static const struct frames_watch watch = {wake, taken_back};

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

/* ---- the walk over what is free and not reported, 64 blocks at a time ---- */

/* Called for each word that has any; false ends the walk. */
typedef bool walk_function(struct page_reporter *reporter, struct zone *zone, uint64_t word,
			   void *state);

static void walk(struct page_reporter *reporter, walk_function *function, void *state)
{
	for (unsigned i = 0; i < zone_count; i++) {
		uint64_t word = frames_report_next(&zones[i]->frames, 0);

		for (; word != FRAMES_NONE;
		     word = frames_report_next(&zones[i]->frames, word + 1))
			if (!function(reporter, zones[i], word, state))
				return;
	}
}

static uint64_t count_bits(uint64_t bits)
{
	return (unsigned)__builtin_popcountll(bits);
}

static uint64_t block_of(uint64_t word, uint64_t bits)
{
	return word * 64 + (unsigned)__builtin_ctzll(bits);
}

struct sighting {
	uint64_t now;
	uint64_t since; /* what is new became free after this */
	uint64_t fresh;
	uint64_t seen;
};

/* Which of the seen blocks are old enough now, and when the next one will be. */
static void ripen(struct page_reporter *reporter, const struct zone *zone, uint64_t word,
		  uint64_t seen, uint64_t now)
{
	struct page_reporter_word *about = &reporter->words[zone->number][word];

	about->ripe_at = UINT64_MAX;
	for (uint64_t left = seen & ~about->due; left; left &= left - 1) {
		uint64_t age = time_since(reporter, zone, block_of(word, left), now);

		if (age >= PAGE_REPORTING_AGE_NS)
			about->due |= left & -left;
		else
			about->ripe_at = MIN(about->ripe_at, now + PAGE_REPORTING_AGE_NS - age);
	}
}

/* The first look at a block notes since when, at the earliest, it is free. */
static bool see(struct page_reporter *reporter, struct zone *zone, uint64_t word, void *state)
{
	struct page_reporter_word *about = &reporter->words[zone->number][word];
	struct sighting *sighting = state;
	uint64_t fresh;
	uint64_t seen = frames_report_see(&zone->frames, word, &fresh);

	about->due &= seen;
	if (sighting->now >= about->ripe_at)
		ripen(reporter, zone, word, seen, sighting->now);
	if (fresh)
		about->ripe_at = MIN(about->ripe_at, sighting->since + PAGE_REPORTING_AGE_NS);
	for (uint64_t left = fresh; left; left &= left - 1)
		time_set(reporter, zone, block_of(word, left), sighting->since);
	sighting->fresh += count_bits(fresh);
	sighting->seen += count_bits(seen);
	reporter->due_in[zone->number] += count_bits(about->due);
	return true;
}

/* The lowest due blocks of the zone stay. Memory that was never used is no reserve: the host
 * has to bring it too. */
static uint64_t keep(const struct page_reporter *reporter, const struct zone *zone)
{
	uint64_t pristine = atomic_load_explicit(&zone->pristine, memory_order_relaxed);
	uint64_t free = frames_free(&zone->frames);
	uint64_t blocks = (free - MIN(free, pristine)) / BLOCK_FRAMES;

	return MIN(reporter->keep(blocks), reporter->due_in[zone->number]);
}

static void see_all(struct page_reporter *reporter, struct sighting *sighting)
{
	memset(reporter->due_in, 0, sizeof(reporter->due_in));
	walk(reporter, see, sighting);
	reporter->due = reporter->kept = 0;
	for (unsigned i = 0; i < zone_count; i++) {
		reporter->due += reporter->due_in[i];
		reporter->kept += keep(reporter, zones[i]);
	}
}

/* ---- telling ---- */

/* Blocks of the zone that may be out at once: half of what is above the reserve stays. */
static uint64_t spare(const struct zone *zone)
{
	uint64_t free = frames_free(&zone->frames);
	uint64_t reserve = zone->reserve[ZONE_NORMAL];

	return (free - MIN(free, reserve)) / BLOCK_FRAMES / 2;
}

static void note_wait(struct page_reporter *reporter, uint64_t waited, uint64_t blocks)
{
	count(&reporter->waited[MIN(waited / PAGE_REPORTING_BUCKET_NS,
				    PAGE_REPORTING_BUCKETS - 1)],
	      blocks);
	if (waited > atomic_load_explicit(&reporter->waited_max_ns, memory_order_relaxed))
		atomic_store_explicit(&reporter->waited_max_ns, waited, memory_order_relaxed);
}

/* The host has heard of these: neighbours mostly waited for the same time. */
static void note_waits(struct page_reporter *reporter, const struct zone *zone, uint64_t word,
		       uint64_t bits, uint64_t now)
{
	uint64_t waited = 0, blocks = 0;

	for (; bits; bits &= bits - 1, blocks++) {
		uint64_t block = block_of(word, bits);
		uint64_t its = time_since(reporter, zone, block, now);

		if (blocks && its != waited) {
			note_wait(reporter, waited, blocks);
			blocks = 0;
		}
		waited = its;
		time_set(reporter, zone, block, now);
	}
	note_wait(reporter, waited, blocks);
}

static void give_batch(struct page_reporter *reporter, bool reported)
{
	uint64_t now = reporter->clock();

	for (unsigned i = 0; i < reporter->parts; i++) {
		struct zone *zone = reporter->batch[i].zone;
		uint64_t word = reporter->batch[i].word;
		uint64_t bits = reporter->batch[i].bits;
		struct irq_state irq;

		if (reported)
			note_waits(reporter, zone, word, bits, now);
		irq = irq_save();
		frames_report_give(&zone->frames, cpu_current(), word, bits, reported);
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
	reporter->count = reporter->parts = 0;
	if (error)
		reporter->retry_at = reporter->clock() + PAGE_REPORTING_RETRY_NS;
	return error == 0;
}

static unsigned batch_size(const struct page_reporter *reporter)
{
	return MIN(reporter->device->capacity, PAGE_REPORTING_BATCH);
}

/* Into the batch, where there is room; how many nobody used since they were seen. */
static uint64_t take(struct page_reporter *reporter, struct zone *zone, uint64_t word,
		     uint64_t bits)
{
	struct irq_state irq = irq_save();
	uint64_t taken = frames_report_take(&zone->frames, cpu_current(), word, bits);
	uint64_t blocks = count_bits(taken);

	irq_restore(irq);
	if (!taken)
		return 0;
	reporter->batch[reporter->parts].zone = zone;
	reporter->batch[reporter->parts].word = word;
	reporter->batch[reporter->parts++].bits = taken;
	for (; taken; taken &= taken - 1)
		reporter->addresses[reporter->count++] =
			pfn_to_phys(pfn(zone->base.nr + block_of(word, taken) * BLOCK_FRAMES));
	reporter->expected -= blocks;
	reporter->due -= blocks;
	return blocks;
}

struct telling {
	uint64_t began;
	uint64_t hold; /* due blocks to pass over, */
	const struct zone *kept_in;
	uint64_t keep; /* and so many more of this zone */
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

/* Take the lowest `count` bits out of *bits. */
static uint64_t lowest(uint64_t *bits, uint64_t count)
{
	uint64_t rest = *bits, all = *bits;

	if (count >= count_bits(all))
		rest = 0;
	for (; rest && count; count--)
		rest &= rest - 1;
	*bits = rest;
	return all & ~rest;
}

static bool tell(struct page_reporter *reporter, struct zone *zone, uint64_t word, void *state)
{
	struct telling *telling = state;
	uint64_t due = reporter->words[zone->number][word].due;

	if (telling->kept_in != zone) {
		telling->kept_in = zone;
		telling->keep = keep(reporter, zone);
	}
	telling->keep -= count_bits(lowest(&due, telling->keep));
	telling->hold -= count_bits(lowest(&due, telling->hold));
	while (due) {
		uint64_t room;

		if (!make_room(reporter, telling, zone))
			return false;
		if (telling->room == 0) {
			reporter->short_of_memory = true;
			return true;
		}
		room = MIN(telling->room, batch_size(reporter) - reporter->count);
		telling->room -= take(reporter, zone, word, lowest(&due, room));
		if (reporter->count < batch_size(reporter))
			continue;
		telling->zone = NULL;
		telling->cut = reporter->clock() - telling->began >= PAGE_REPORTING_TICK_NS;
		if (!send_batch(reporter) || telling->cut)
			return false;
	}
	return true;
}

/* ---- a look ---- */

/* CPUs give up what they did not use since the last look. */
static bool return_idle(struct page_reporter *reporter, bool all)
{
	bool nothing = true;

	for (unsigned i = 0; i < zone_count; i++) {
		struct irq_state irq = irq_save();

		nothing = frames_idle_return(&zones[i]->frames, reporter->activity[i], all) &&
			  nothing;
		irq_restore(irq);
	}
	return nothing;
}

static void note_activity(struct page_reporter *reporter)
{
	for (unsigned i = 0; i < zone_count; i++)
		frames_activity_note(&zones[i]->frames, reporter->activity[i]);
}

static void disarm(void)
{
	for (unsigned i = 0; i < zone_count; i++)
		frames_watch_disarm(&zones[i]->frames);
}

static bool arm(const struct page_reporter *reporter)
{
	bool armed = true;

	for (unsigned i = 0; i < zone_count && armed; i++) {
		struct irq_state irq = irq_save();

		armed = frames_watch_arm(&zones[i]->frames, reporter->activity[i]);
		irq_restore(irq);
	}
	return armed;
}

static bool find_any(struct page_reporter *reporter, struct zone *zone, uint64_t word,
		     void *state)
{
	struct sighting *sighting = state;

	(void)see(reporter, zone, word, sighting);
	return sighting->fresh == 0;
}

/* Nothing is left but what must stay: sleep until a block becomes free, or may do so without a
 * word. One that did meanwhile was not seen yet. False: there is more to look at. */
static bool rest(struct page_reporter *reporter, uint64_t now)
{
	struct sighting sighting = {.now = now, .since = reporter->looked_at};

	if (!return_idle(reporter, true))
		return false;
	atomic_store(&reporter->woken_at, 0);
	reporter->resting = arm(reporter);
	if (reporter->resting) {
		HOOK(page_reporting_rest);
		walk(reporter, find_any, &sighting);
		reporter->resting = sighting.fresh == 0;
	}
	if (!reporter->resting)
		disarm();
	return reporter->resting;
}

/* When what is new became free at the earliest. */
static uint64_t since_when(struct page_reporter *reporter)
{
	uint64_t woken_at = atomic_load(&reporter->woken_at);

	return reporter->resting && woken_at ? woken_at : reporter->looked_at;
}

/* Is it time to tell? A batch that more blocks are about to fill up is waited for a little. */
static bool must_tell(struct page_reporter *reporter, const struct sighting *sighting,
		      uint64_t hold)
{
	if (reporter->due <= hold) {
		reporter->due_at = 0;
		return false;
	}
	if (!reporter->due_at)
		reporter->due_at = sighting->now;
	if (sighting->now < reporter->retry_at)
		return false;
	return reporter->due - hold >= batch_size(reporter) ||
	       reporter->due == sighting->seen + sighting->fresh ||
	       sighting->now - reporter->due_at >= PAGE_REPORTING_PATIENCE_NS;
}

uint64_t page_reporter_look(struct page_reporter *reporter)
{
	uint64_t now = reporter->clock();
	struct sighting sighting = {.now = now, .since = since_when(reporter)};
	struct telling telling = {.began = now};
	uint64_t hold, left;

	reporter->resting = false;
	ticks_pass(reporter, now);
	(void)return_idle(reporter, false);
	see_all(reporter, &sighting);
	note_uses(reporter, reporter->expected - MIN(reporter->expected, sighting.seen));
	telling.hold = demand(reporter);
	reporter->expected = sighting.seen + sighting.fresh;
	reporter->looked_at = now;
	reporter->short_of_memory = false;
	count(&reporter->looks, 1);
	hold = MIN(telling.hold + reporter->kept, reporter->due);
	atomic_store(&reporter->held, hold);
	if (must_tell(reporter, &sighting, hold)) {
		reporter->due_at = 0;
		walk(reporter, tell, &telling);
		(void)send_batch(reporter);
	}
	left = reporter->expected;
	atomic_store(&reporter->pending, left);
	now = reporter->clock();
	if (left == reporter->due && (reporter->short_of_memory || left <= reporter->kept) &&
	    !telling.cut && rest(reporter, now))
		return CLOCK_NEVER;
	note_activity(reporter);
	if (telling.cut)
		return now;
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

static void state_free(struct page_reporter *reporter)
{
	for (unsigned i = 0; i < zone_count; i++) {
		kfree(reporter->times[i]);
		kfree(reporter->words[i]);
		kfree(reporter->activity[i]);
	}
}

static int state_allocate(struct page_reporter *reporter, struct zone *zone)
{
	uint64_t blocks = zone->frames.block_count;
	_Atomic uint32_t *times = kmalloc(blocks * sizeof(times[0]), FOLIO_NOWARN);
	struct page_reporter_word *words =
		kmalloc((blocks + 63) / 64 * sizeof(words[0]), FOLIO_NOWARN | FOLIO_ZERO);

	struct frames_activity *activity =
		kmalloc(CPUS_MAX * sizeof(activity[0]), FOLIO_NOWARN | FOLIO_ZERO);

	reporter->times[zone->number] = times;
	reporter->words[zone->number] = words;
	reporter->activity[zone->number] = activity;
	return times && words && activity ? 0 : -ENOMEM;
}

int page_reporter_start(struct page_reporter *reporter)
{
	struct page_reporter *none = NULL;

	reporter->horizon = PAGE_REPORTING_RECENT;
	reporter->looked_at = reporter->clock();
	for (unsigned i = 0; i < zone_count; i++) {
		if (state_allocate(reporter, zones[i])) {
			state_free(reporter);
			return -ENOMEM;
		}
		times_begin(reporter, zones[i]);
	}
	reporter->tick = reporter->looked_at / PAGE_REPORTING_TICK_NS;
	if (!atomic_compare_exchange_strong(&active, &none, reporter)) {
		state_free(reporter);
		return -EBUSY;
	}
	for (unsigned i = 0; i < zone_count; i++) {
		frames_report_forget(&zones[i]->frames);
		atomic_store(&zones[i]->frames.watch, &watch);
	}
	return 0;
}

void page_reporter_end(struct page_reporter *reporter)
{
	disarm();
	rcu_assign(active, NULL);
	rcu_synchronize();
	state_free(reporter);
}

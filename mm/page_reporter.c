// SPDX-License-Identifier: MIT
/*
 * Which free blocks are due to be told to the host, and when it is time to look again: ages,
 * demand, what CPUs hold back, rest. page_reporter_tell.c tells. See page_reporting.h.
 */
#include <mm/page_reporter_internal.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/rcu.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/clock.h>

/* The one that the allocator's calls go to; readers are RCU readers. */
static struct page_reporter *_Atomic active;

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

		if (reporter_time_since(reporter, zone, block, now) < PAGE_REPORTING_EARLY_NS)
			reporter_count(&reporter->early, 1);
		atomic_store_explicit(&reporter->taken_at, now, memory_order_relaxed);
		/* Whoever reads this sees that the block was reported. */
		atomic_fetch_add_explicit(&reporter->taken_back, 1, memory_order_release);
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

void page_reporter_walk(struct page_reporter *reporter, page_reporter_walk_function *function,
			void *state)
{
	for (unsigned i = 0; i < zone_count; i++) {
		uint64_t word = frames_report_next(&zones[i]->frames, 0);

		for (; word != FRAMES_NONE;
		     word = frames_report_next(&zones[i]->frames, word + 1))
			if (!function(reporter, zones[i], word, state))
				return;
	}
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
		uint64_t age =
			reporter_time_since(reporter, zone, reporter_block(word, left), now);

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
		reporter_time_set(reporter, zone, reporter_block(word, left), sighting->since);
	sighting->fresh += reporter_bit_count(fresh);
	sighting->seen += reporter_bit_count(seen);
	reporter->due_in[zone->number] += reporter_bit_count(about->due);
	return true;
}

/* Memory that was never used is no reserve: the host has to bring it too. */
uint64_t page_reporter_keep(const struct page_reporter *reporter, const struct zone *zone)
{
	uint64_t pristine = atomic_load_explicit(&zone->pristine, memory_order_relaxed);
	uint64_t free = frames_free(&zone->frames);
	uint64_t blocks = (free - MIN(free, pristine)) / BLOCK_FRAMES;

	return MIN(reporter->keep(blocks), reporter->due_in[zone->number]);
}

static void see_all(struct page_reporter *reporter, struct sighting *sighting)
{
	memset(reporter->due_in, 0, sizeof(reporter->due_in));
	page_reporter_walk(reporter, see, sighting);
	reporter->due = reporter->kept = 0;
	for (unsigned i = 0; i < zone_count; i++) {
		reporter->due += reporter->due_in[i];
		reporter->kept += page_reporter_keep(reporter, zones[i]);
	}
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
		page_reporter_walk(reporter, find_any, &sighting);
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
	return reporter->due - hold >= page_reporter_batch_size(reporter) ||
	       reporter->due == sighting->seen + sighting->fresh ||
	       sighting->now - reporter->due_at >= PAGE_REPORTING_PATIENCE_NS;
}

uint64_t page_reporter_look(struct page_reporter *reporter)
{
	uint64_t now = reporter->clock();
	struct sighting sighting = {.now = now, .since = since_when(reporter)};
	uint64_t held_back, hold, left;
	bool cut = false;

	reporter->resting = false;
	ticks_pass(reporter, now);
	(void)return_idle(reporter, false);
	see_all(reporter, &sighting);
	note_uses(reporter, reporter->expected - MIN(reporter->expected, sighting.seen));
	held_back = demand(reporter);
	reporter->expected = sighting.seen + sighting.fresh;
	reporter->looked_at = now;
	reporter->short_of_memory = false;
	reporter_count(&reporter->looks, 1);
	hold = MIN(held_back + reporter->kept, reporter->due);
	atomic_store(&reporter->held, hold);
	if (must_tell(reporter, &sighting, hold)) {
		reporter->due_at = 0;
		cut = page_reporter_tell(reporter, held_back, now);
	}
	left = reporter->expected;
	atomic_store(&reporter->pending, left);
	now = reporter->clock();
	if (left == reporter->due && (reporter->short_of_memory || left <= reporter->kept) &&
	    !cut && rest(reporter, now))
		return CLOCK_NEVER;
	note_activity(reporter);
	if (cut)
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
		reporter_time_set(reporter, zone, block,
				  reporter->looked_at - PAGE_REPORTING_RETRY_NS);
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

// SPDX-License-Identifier: MIT
/*
 * Telling the host of blocks that are due: taken from the allocator by 64, sent in batches,
 * given back with their mark or, where the host may not have heard, without it. How many may be
 * out at once, how long they waited.
 */
#include <mm/page_reporter_internal.h>

#include <errno.h>
#include <kernel/hook.h>

/* Blocks of the zone that may be out at once: half of what is above the reserve stays. */
static uint64_t spare(const struct zone *zone)
{
	uint64_t free = frames_free(&zone->frames);
	uint64_t reserve = zone->reserve[ZONE_NORMAL];

	return (free - MIN(free, reserve)) / BLOCK_FRAMES / 2;
}

static void note_wait(struct page_reporter *reporter, uint64_t waited, uint64_t blocks)
{
	reporter_count(&reporter->waited[MIN(waited / PAGE_REPORTING_BUCKET_NS,
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
		uint64_t block = reporter_block(word, bits);
		uint64_t its = reporter_time_since(reporter, zone, block, now);

		if (blocks && its != waited) {
			note_wait(reporter, waited, blocks);
			blocks = 0;
		}
		waited = its;
		reporter_time_set(reporter, zone, block, now);
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
	HOOK(page_reporting_given);
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
	reporter_count(&reporter->batches, 1);
	/* Before anybody can use them again, and counts that. */
	reporter_count(error == 0             ? &reporter->reported
		       : error == -EOWNERDEAD ? &reporter->lost
					      : &reporter->refused,
		       blocks);
	if (error != -EOWNERDEAD)
		give_batch(reporter, error == 0);
	reporter->count = reporter->parts = 0;
	if (error)
		reporter->retry_at = reporter->clock() + PAGE_REPORTING_RETRY_NS;
	return error == 0;
}

unsigned page_reporter_batch_size(const struct page_reporter *reporter)
{
	return MIN(reporter->device->capacity, PAGE_REPORTING_BATCH);
}

/* Into the batch, where there is room; how many nobody used since they were seen. */
static uint64_t take(struct page_reporter *reporter, struct zone *zone, uint64_t word,
		     uint64_t bits)
{
	struct irq_state irq = irq_save();
	uint64_t taken = frames_report_take(&zone->frames, cpu_current(), word, bits);
	uint64_t blocks = reporter_bit_count(taken);

	irq_restore(irq);
	if (!taken)
		return 0;
	reporter->batch[reporter->parts].zone = zone;
	reporter->batch[reporter->parts].word = word;
	reporter->batch[reporter->parts++].bits = taken;
	for (; taken; taken &= taken - 1)
		reporter->addresses[reporter->count++] = pfn_to_phys(
			pfn(zone->base.nr + reporter_block(word, taken) * BLOCK_FRAMES));
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

	if (count >= reporter_bit_count(all))
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
		telling->keep = page_reporter_keep(reporter, zone);
	}
	telling->keep -= reporter_bit_count(lowest(&due, telling->keep));
	telling->hold -= reporter_bit_count(lowest(&due, telling->hold));
	while (due) {
		uint64_t room;

		if (!make_room(reporter, telling, zone))
			return false;
		if (telling->room == 0) {
			reporter->short_of_memory = true;
			return true;
		}
		room = MIN(telling->room, page_reporter_batch_size(reporter) - reporter->count);
		telling->room -= take(reporter, zone, word, lowest(&due, room));
		if (reporter->count < page_reporter_batch_size(reporter))
			continue;
		telling->zone = NULL;
		telling->cut = reporter->clock() - telling->began >= PAGE_REPORTING_TICK_NS;
		if (!send_batch(reporter) || telling->cut)
			return false;
	}
	return true;
}

bool page_reporter_tell(struct page_reporter *reporter, uint64_t hold, uint64_t began)
{
	struct telling telling = {.began = began, .hold = hold};

	page_reporter_walk(reporter, tell, &telling);
	(void)send_batch(reporter);
	return telling.cut;
}

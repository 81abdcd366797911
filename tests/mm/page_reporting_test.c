// SPDX-License-Identifier: MIT
/*
 * Page reporting against a device made of memory. The clock is the test's, so that ages and
 * waits are exact; the blocks are the machine's own. What is free and unreported already is
 * reported first.
 */
#include <mm/page_reporter.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/clock.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>
#include <tests/mm/take_range.h>
#include <string.h>

#define BLOCKS 8

static struct {
	struct page_reporter *reporter;
	struct folio *folios[BLOCKS];
	uint64_t now;
	unsigned wakes;
	unsigned calls;
	unsigned told; /* blocks of folios[] */
	unsigned others;
	unsigned most; /* blocks in one call */
	uint64_t told_at[BLOCKS];
	uint64_t next; /* look of the thread that the test plays */
	int result;
	uint64_t kept;
} world;

static uint64_t world_clock(void)
{
	return world.now;
}

static void world_wake(struct page_reporter *reporter)
{
	(void)reporter;
	world.wakes++;
}

static uint64_t world_keep(uint64_t blocks)
{
	return MIN(blocks, world.kept);
}

static int world_report(struct page_reporting_device *device, const struct phys *blocks,
			unsigned count)
{
	world.calls++;
	world.most = MAX(world.most, count);
	CHECK(count > 0 && count <= device->capacity);
	for (unsigned i = 0; i < count; i++) {
		unsigned before = world.told;

		CHECK(is_aligned(blocks[i].addr, PAGE_REPORTING_BLOCK));
		for (unsigned b = 0; b < BLOCKS; b++) {
			if (!world.folios[b] ||
			    folio_phys(world.folios[b]).addr != blocks[i].addr)
				continue;
			world.told++;
			world.told_at[b] = world.now;
		}
		world.others += world.told == before;
	}
	world.now += NSEC_PER_MSEC;
	return world.result;
}

static struct page_reporting_device world_device = {
	.name = "fake", .capacity = BLOCKS, .report = world_report};

static uint64_t look(void)
{
	return page_reporter_look(world.reporter);
}

/* Tick until there is nothing more to do. */
static void settle(void)
{
	for (unsigned i = 0; i < 100000; i++) {
		uint64_t next = look();

		if (next == CLOCK_NEVER)
			return;
		world.now = MAX(next, world.now);
	}
	CHECK(!"the reporter comes to rest");
}

static void begin(void)
{
	memset(&world, 0, sizeof(world));
	world.now = 100 * NSEC_PER_SEC;
	world.reporter = kzalloc(sizeof(*world.reporter));
	NEED(world.reporter, "no memory for the reporter");
	world.reporter->device = &world_device;
	world.reporter->clock = world_clock;
	world.reporter->wake = world_wake;
	world.reporter->keep = world_keep;
	REQUIRE(page_reporter_start(world.reporter) == 0);
	settle();
	/* What was told just now was told long ago: its use is no early one. */
	world.now += PAGE_REPORTING_HISTORY * PAGE_REPORTING_TICK_NS;
}

static void use(void)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		world.folios[i] = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
		NEED(world.folios[i], "no blocks of 2 MiB");
	}
}

/* The records stay to be compared with. */
static void unuse(void)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		folio_put(world.folios[i]);
}

static void end(void)
{
	page_reporter_end(world.reporter);
	kfree(world.reporter);
}

static uint64_t reported(void)
{
	return atomic_load(&world.reporter->reported);
}

/* Look tick by tick until `ns` passed. */
static void pass(uint64_t ns)
{
	uint64_t until = world.now + ns;

	while (world.now < until) {
		uint64_t next = look();

		world.now = MAX(world.now, MIN(next, until));
	}
}

static unsigned marked(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < BLOCKS; i++) {
		const struct zone *zone = page_zone(&world.folios[i]->page);
		uint64_t frame = zone_frame(zone, page_to_pfn(&world.folios[i]->page));

		n += frames_state_of(&zone->frames, frame / BLOCK_FRAMES) == FRAMES_REPORTED;
	}
	return n;
}

TEST(page_reporting, free_blocks_are_told_once_when_they_are_old_enough)
{
	uint64_t waited = 0;

	begin();
	use();
	world.now += NSEC_PER_SEC;
	/* What other tests left free was told before, eight blocks in a millisecond. */
	atomic_store(&world.reporter->waited_max_ns, 0);
	unuse();
	CHECK(world.wakes > 0);
	pass(PAGE_REPORTING_AGE_NS - PAGE_REPORTING_TICK_NS);
	CHECK_EQ(world.told, 0);
	settle();
	CHECK_EQ(world.told, BLOCKS);
	CHECK_EQ(marked(), BLOCKS);
	CHECK_EQ(reported(), BLOCKS + world.others);
	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS; i++)
		waited += atomic_load(&world.reporter->waited[i]);
	CHECK_EQ(waited, reported());
	CHECK(atomic_load(&world.reporter->waited_max_ns) >= PAGE_REPORTING_AGE_NS);
	CHECK(atomic_load(&world.reporter->waited_max_ns) <
	      PAGE_REPORTING_AGE_NS + PAGE_REPORTING_PATIENCE_NS + 3 * PAGE_REPORTING_TICK_NS);
	world.now += NSEC_PER_SEC;
	settle();
	CHECK_EQ(world.told, BLOCKS);
	end();
}

/* As the thread does: look when it is time to, or when the allocator calls. */
static void live(uint64_t ns)
{
	uint64_t until = world.now + ns;

	for (;;) {
		if (world.next == CLOCK_NEVER && world.wakes)
			world.next = world.now;
		if (world.next > until)
			break;
		world.now = MAX(world.now, world.next);
		world.wakes = 0;
		world.next = look();
	}
	world.now = MAX(world.now, until);
}

/* All blocks are in use, this CPU keeps none, nobody looks. */
static void begin_at_rest(void)
{
	begin();
	use();
	world.next = world.now;
	live(NSEC_PER_SEC);
	CHECK_EQ(world.next, CLOCK_NEVER);
}

/* What became free just now is told in time, if it stays free. */
static void expect_told_in_time(unsigned block)
{
	uint64_t freed_at = world.now;

	world.told_at[block] = 0;
	live(100 * NSEC_PER_MSEC);
	CHECK(world.told_at[block] >=
	      freed_at + PAGE_REPORTING_AGE_NS - PAGE_REPORTING_TICK_NS);
	live(NSEC_PER_SEC);
	CHECK_EQ(world.next, CLOCK_NEVER);
}

/* A CPU keeps the block that it freed last for its next request. */
TEST(page_reporting, block_that_its_cpu_keeps_is_told_in_time)
{
	begin_at_rest();
	folio_put(world.folios[0]);
	expect_told_in_time(0);
	for (unsigned i = 1; i < BLOCKS; i++) {
		folio_put(world.folios[i]);
		live(NSEC_PER_SEC);
	}
	for (unsigned i = 0; i < 2; i++) {
		world.folios[i] = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
		NEED(world.folios[i], "no blocks of 2 MiB");
		if (i)
			live(NSEC_PER_SEC);
		folio_put(world.folios[i]);
		expect_told_in_time(i);
	}
	end();
}

/* Nor does the CPU keep it for as long as the reporter has other things to look at. */
TEST(page_reporting, block_that_its_cpu_keeps_is_told_while_others_become_free)
{
	uint64_t freed_at;

	begin_at_rest();
	folio_put(world.folios[0]);
	folio_put(world.folios[1]);
	live(PAGE_REPORTING_TICK_NS);
	world.folios[0] = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
	NEED(world.folios[0], "no blocks of 2 MiB");
	folio_put(world.folios[0]);
	freed_at = world.now;
	for (unsigned i = 2; i < BLOCKS - 1; i++) {
		live(2 * PAGE_REPORTING_TICK_NS);
		CHECK(world.next != CLOCK_NEVER);
		folio_put(world.folios[i]);
	}
	CHECK(world.told_at[0] > freed_at);
	CHECK(world.told_at[0] <= freed_at + 100 * NSEC_PER_MSEC);
	folio_put(world.folios[BLOCKS - 1]);
	settle();
	end();
}

#define HALVES 16

/* Two folios that are all of the block that this CPU reserved last. */
static bool halves_of_a_block(struct folio *halves[2])
{
	struct folio *all[HALVES];
	unsigned count = 0;
	bool found = false;

	while (!found && count < HALVES) {
		all[count] = folio_alloc(NODE_ANY, BLOCK_ORDER - 1, 0, NULL);
		NEED(all[count], "no blocks of 1 MiB");
		found = count > 0 &&
			(folio_phys(all[count]).addr ^ folio_phys(all[count - 1]).addr) ==
				PAGE_REPORTING_BLOCK / 2;
		count++;
	}
	if (found)
		for (unsigned i = 2; i > 0; i--)
			halves[i - 1] = all[--count];
	while (count > 0)
		folio_put(all[--count]);
	return found;
}

TEST(page_reporting, block_that_becomes_free_where_its_cpu_gets_frames_is_told_in_time)
{
	struct folio *halves[2] = {NULL};

	begin_at_rest();
	unuse();
	live(NSEC_PER_SEC);
	REQUIRE(halves_of_a_block(halves));
	live(NSEC_PER_SEC);
	CHECK_EQ(world.next, CLOCK_NEVER);
	world.folios[0] =
		folio_phys(halves[0]).addr < folio_phys(halves[1]).addr ? halves[0] : halves[1];
	folio_put(halves[0]);
	folio_put(halves[1]);
	expect_told_in_time(0);
	end();
}

/* The zone of all blocks that use() got, or NULL. */
static struct zone *one_zone(void)
{
	struct zone *zone = page_zone(&world.folios[0]->page);

	for (unsigned i = 1; i < BLOCKS; i++)
		if (page_zone(&world.folios[i]->page) != zone)
			return NULL;
	return zone;
}

/* The reserve is what requests get first, and the host is not told of it by and by. */
TEST(page_reporting, reserve_is_never_told_and_handed_out_first)
{
	uint64_t taken_back;
	struct folio *one;

	begin();
	use();
	REQUIRE(one_zone());
	world.kept = BLOCKS / 2;
	unuse();
	settle();
	CHECK_EQ(marked(), BLOCKS / 2);
	CHECK_EQ(atomic_load(&world.reporter->pending), BLOCKS / 2);
	CHECK_EQ(atomic_load(&world.reporter->held), BLOCKS / 2);
	world.now += NSEC_PER_SEC;
	settle();
	CHECK_EQ(marked(), BLOCKS / 2);
	taken_back = atomic_load(&world.reporter->taken_back);
	one = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
	REQUIRE(one);
	CHECK_EQ(marked(), BLOCKS / 2);
	CHECK_EQ(atomic_load(&world.reporter->taken_back), taken_back);
	folio_put(one);
	world.kept = 0;
	look();
	settle();
	CHECK_EQ(marked(), BLOCKS);
	end();
}

TEST(page_reporting, reserve_is_a_share_of_free_memory_up_to_a_bound)
{
	CHECK_EQ(page_reporting_keep(0), 0);
	CHECK_EQ(page_reporting_keep(PAGE_REPORTING_KEEP_SHARE - 1), 0);
	CHECK_EQ(page_reporting_keep(PAGE_REPORTING_KEEP_SHARE), 1);
	CHECK_EQ(page_reporting_keep(PAGE_REPORTING_KEEP_SHARE * 3), 3);
	CHECK_EQ(page_reporting_keep(UINT64_C(1) << 40), PAGE_REPORTING_KEEP);
}

/* Half of what is above the zone's reserve is never out at once; without any nothing is. */
TEST(page_reporting, few_blocks_are_out_while_memory_is_short)
{
	struct zone *zone;
	uint64_t reserve;

	begin();
	use();
	zone = one_zone();
	REQUIRE(zone);
	reserve = zone->reserve[ZONE_NORMAL];
	unuse();
	world.most = world.told = 0;
	zone->reserve[ZONE_NORMAL] = frames_free(&zone->frames);
	settle();
	CHECK_EQ(world.told, 0);
	CHECK_EQ(marked(), 0);
	zone->reserve[ZONE_NORMAL] = frames_free(&zone->frames) - 4 * BLOCK_FRAMES;
	look();
	settle();
	CHECK_EQ(world.most, 2);
	CHECK_EQ(marked(), BLOCKS);
	zone->reserve[ZONE_NORMAL] = reserve;
	end();
}

TEST(page_reporting, V_T16_blocks_of_a_report_that_fails_come_back_unmarked)
{
	uint64_t refused_at;

	begin();
	use();
	settle();
	world.result = -EIO;
	world.told = world.others = world.calls = 0;
	unuse();
	while (world.calls == 0)
		pass(PAGE_REPORTING_TICK_NS);
	refused_at = world.now;
	CHECK_EQ(marked(), 0);
	CHECK(atomic_load(&world.reporter->refused) > 0);
	pass(PAGE_REPORTING_RETRY_NS / 2);
	CHECK_EQ(world.calls, 1);
	world.result = 0;
	settle();
	CHECK(world.now >= refused_at + PAGE_REPORTING_RETRY_NS / 2);
	CHECK_EQ(marked(), BLOCKS);
	end();
}

TEST(page_reporting, blocks_that_are_used_and_freed_all_the_time_are_not_told)
{
	begin();
	for (unsigned round = 0; round < 50; round++) {
		use();
		pass(PAGE_REPORTING_TICK_NS);
		unuse();
		pass(3 * PAGE_REPORTING_TICK_NS);
		CHECK_EQ(world.told, 0);
	}
	settle();
	CHECK_EQ(marked(), BLOCKS);
	end();
}

/* Exactly the blocks that unuse() freed; requests would get others first. */
static void use_again(bool taken)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct zone *zone = page_zone(&world.folios[i]->page);
		uint64_t frame = zone_frame(zone, page_to_pfn(&world.folios[i]->page));
		struct irq_state irq = irq_save();
		uint64_t busy;

		if (taken)
			CHECK(take_range(&zone->frames, cpu_current(), frame, BLOCK_FRAMES,
					 &busy) == 0);
		for (unsigned n = 0; !taken && n < BLOCK_FRAMES; n++)
			if (!frames_put(&zone->frames, cpu_current(), frame + n, 0))
				CHECK(!"frame is taken");
		irq_restore(irq);
	}
}

/* Free for longer than the age each time, so told at first; then the use is foreseen. */
TEST(page_reporting, blocks_used_again_early_are_held_back_until_the_use_ends)
{
	unsigned told = 0;

	begin();
	use();
	unuse();
	settle();
	for (unsigned round = 0; round < 30; round++) {
		use_again(true);
		pass(2 * PAGE_REPORTING_TICK_NS);
		if (round == 20)
			told = world.told;
		use_again(false);
		pass(9 * PAGE_REPORTING_TICK_NS);
	}
	CHECK_EQ(world.told, told);
	settle();
	CHECK_EQ(marked(), BLOCKS);
	CHECK(world.reporter->horizon > PAGE_REPORTING_RECENT);
	world.now += PAGE_REPORTING_HISTORY * PAGE_REPORTING_TICK_NS;
	settle();
	CHECK_EQ(world.reporter->horizon, PAGE_REPORTING_RECENT);
	end();
}

TEST(page_reporting, blocks_taken_back_are_counted_and_early_ones_apart)
{
	uint64_t before;
	const struct zone *zone;
	uint64_t busy, frame;

	begin();
	use();
	zone = page_zone(&world.folios[0]->page);
	frame = zone_frame(zone, page_to_pfn(&world.folios[0]->page));
	unuse();
	settle();
	before = atomic_load(&world.reporter->taken_back);
	world.now += PAGE_REPORTING_EARLY_NS * 2;
	for (unsigned early = 0; early < 2; early++) {
		struct irq_state irq = irq_save();

		CHECK(take_range((struct frames *)&zone->frames, cpu_current(), frame, 1,
				 &busy) == 0);
		CHECK(frames_put((struct frames *)&zone->frames, cpu_current(), frame, 0));
		irq_restore(irq);
		CHECK_EQ(atomic_load(&world.reporter->taken_back) - before, early + 1);
		CHECK_EQ(atomic_load(&world.reporter->early), early);
		world.told = 0;
		for (unsigned tick = 0; tick < 20 && world.told == 0; tick++)
			pass(PAGE_REPORTING_TICK_NS);
	}
	settle();
	end();
}

#ifdef QUIRE_TEST_HOOKS
static unsigned given, given_counted;

static void look_at_count(struct hook *hook)
{
	(void)hook;
	given++;
	given_counted += reported() == world.told + world.others;
}

/* From here on a block may be used again, which is counted at once. */
TEST(page_reporting, blocks_are_counted_before_they_can_be_used_again)
{
	struct hook hook = {.name = "page_reporting_given",
			    .function = look_at_count,
			    .only = thread_current()};

	given = given_counted = 0;
	begin();
	use();
	unuse();
	hook_attach(&hook);
	settle();
	hook_detach(&hook);
	CHECK(given > 0);
	CHECK_EQ(given_counted, given);
	end();
}

static bool freed_in_rest;

static void free_in_rest(struct hook *hook)
{
	(void)hook;
	if (!freed_in_rest)
		unuse();
	freed_in_rest = true;
}

/* Between "there is nothing" and sleep a block becomes free. */
TEST(page_reporting, block_that_becomes_free_on_the_way_to_rest_is_told)
{
	struct hook hook = {.name = "page_reporting_rest", .function = free_in_rest};

	begin();
	use();
	freed_in_rest = false;
	world.wakes = 0;
	hook_attach(&hook);
	world.now += PAGE_REPORTING_TICK_NS;
	settle();
	settle();
	hook_detach(&hook);
	CHECK(freed_in_rest);
	CHECK(world.wakes > 0);
	settle();
	CHECK_EQ(marked(), BLOCKS);
	end();
}

static struct folio *meanwhile;

static void use_meanwhile(struct hook *hook)
{
	(void)hook;
	if (!meanwhile)
		meanwhile = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
}

/* A block that is out is in nobody else's hands. */
TEST(page_reporting, block_that_is_out_is_not_handed_out)
{
	struct hook hook = {.name = "page_reporting_out", .function = use_meanwhile};

	begin();
	use();
	unuse();
	meanwhile = NULL;
	hook_attach(&hook);
	settle();
	hook_detach(&hook);
	REQUIRE(meanwhile);
	for (unsigned i = 0; i < world.reporter->device->capacity; i++)
		CHECK(world.reporter->addresses[i].addr != folio_phys(meanwhile).addr);
	folio_put(meanwhile);
	settle();
	end();
}
#endif

TEST(page_reporting, one_device_at_a_time_reports)
{
	struct page_reporting_device other = world_device;
	struct page_reporting_statistics now;

	memset(&world, 0, sizeof(world));
	REQUIRE(page_reporting_register(&world_device) == 0);
	CHECK_EQ(page_reporting_register(&other), -EBUSY);
	page_reporting_unregister(&other);
	CHECK_STR(page_reporting_statistics(&now), "fake");
	page_reporting_unregister(&world_device);
	CHECK(!page_reporting_statistics(&now));
	CHECK_EQ(now.reported, 0);
	REQUIRE(page_reporting_register(&other) == 0);
	page_reporting_unregister(&other);
}

static int refuse(struct page_reporting_device *device, const struct phys *blocks,
		  unsigned count)
{
	(void)device;
	(void)blocks;
	(void)count;
	return -EIO;
}

TEST(page_reporting, map_bears_the_use_of_what_an_earlier_device_told)
{
	struct page_reporting_device other = {
		.name = "other", .capacity = BLOCKS, .report = refuse};
	struct page_reporting_statistics now;

	begin();
	use();
	unuse();
	settle();
	end();
	REQUIRE(page_reporting_register(&other) == 0);
	use_again(true);
	page_reporting_statistics(&now);
	CHECK_EQ(now.reported, 0);
	CHECK(now.taken_back >= BLOCKS);
	text_sink_open();
	CHECK_EQ(shell_run_line("mem -m"), 0);
	CHECK(strstr(text_sink_close(), " free, 0 of it reported to the host"));
	use_again(false);
	page_reporting_unregister(&other);
}

TEST(page_reporting, percentiles_are_upper_bounds)
{
	struct page_reporting_statistics counted = {.waited_max_ns = 900 * NSEC_PER_MSEC};

	CHECK_EQ(page_reporting_percentile(&counted, 99), 0);
	counted.waited[4] = 98;
	counted.waited[5] = 1;
	counted.waited[PAGE_REPORTING_BUCKETS - 1] = 1;
	CHECK_EQ(page_reporting_percentile(&counted, 50), 5 * PAGE_REPORTING_BUCKET_NS);
	CHECK_EQ(page_reporting_percentile(&counted, 98), 5 * PAGE_REPORTING_BUCKET_NS);
	CHECK_EQ(page_reporting_percentile(&counted, 99), 6 * PAGE_REPORTING_BUCKET_NS);
	CHECK_EQ(page_reporting_percentile(&counted, 100), counted.waited_max_ns);
}

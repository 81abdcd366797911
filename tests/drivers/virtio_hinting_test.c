// SPDX-License-Identifier: MIT
/*
 * Free page hinting of the virtio balloon against a device made of memory: ids of every kind,
 * a short ring, a device that is slow, breaks, is reset or goes away, and memory pressure. The
 * device writes into what it is hinted, as it may.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <platform/memory.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/drivers/probe_reset.h>
#include <tests/drivers/virtio_balloon_fixture.h>
#include <tests/test.h>
#include <tests/wait.h>

#define QUEUE  VIRTIO_BALLOON_QUEUE_HINTING
#define BLOCKS 16
#define PAGES  ((uint64_t)BLOCKS << BLOCK_ORDER)
#define WORDS  16
#define KEPT   256 /* pages the kernel may keep of a device: less than any block out */

static struct fake_virtio *fake;
static fake_buffer_fn *balloon_books;
static unsigned place; /* of the queue for hints */

/* What came through the queue, under the device's lock. */
static struct {
	uint32_t words[WORDS]; /* the last ones */
	unsigned nr_words;
	uint64_t pages; /* hinted so far */
	uint64_t early; /* of those: before the first word, or after the word "stop" */
	unsigned largest;
	bool rising; /* a block was larger than the one before it, in the same run */
	uint64_t last;
} seen;
static uint64_t released; /* pages that went back when the host was done */

static void see_word(struct fake_virtio *device, const struct fake_chain *chain)
{
	const struct ring32 *word = phys_to_virt(chain->pieces[0].start);

	device->host_errors +=
		chain->nr_read != 1 || chain->nr_write != 0 || chain->pieces[0].length != 4;
	seen.words[seen.nr_words++ % WORDS] = ring32_load(word);
	seen.last = 0;
}

static void see_block(struct fake_virtio *device, const struct fake_chain *chain)
{
	const struct virtqueue_piece *piece = &chain->pieces[0];
	uint64_t pages = piece->length / PAGE_SIZE;

	device->host_errors += chain->nr_write != 1 || !is_power_of_two(pages) ||
			       !is_aligned(piece->start.addr, piece->length);
	memset(phys_to_virt(piece->start), 0xa5, 64);
	seen.pages += pages;
	seen.early += seen.nr_words % 2 ? 0 : pages;
	seen.largest = MAX(seen.largest, (unsigned)log2_floor(pages));
	seen.rising |= seen.last && pages > seen.last;
	seen.last = pages;
}

static uint32_t serve(struct fake_virtio *device, unsigned queue,
		      const struct fake_chain *chain)
{
	if (queue < VIRTIO_BALLOON_QUEUE_HINTING_FIRST)
		return balloon_books(device, queue, chain);
	device->host_errors += queue != place;
	if (chain->nr_read)
		see_word(device, chain);
	else
		see_block(device, chain);
	return 0;
}

static void create(unsigned ring_size)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	memset(&seen, 0, sizeof(seen));
	released = 0;
	place = QUEUE;
	balloon_books = fake->serve;
	fake->serve = serve;
	fake->device.config_size = 16;
	fake->offered |= VIRTIO_BALLOON_F_HINTING;
	fake->queue_size[QUEUE] = ring_size;
}

static struct virtio_balloon *balloon(void)
{
	return fake->device.driver_data;
}

static struct virtio_hinting *hinting(void)
{
	return &balloon()->hinting;
}

/* Some memory that was in use and is free. */
static void use_and_free(void)
{
	struct folio *folios[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		folios[i] = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
		NEED(folios[i], "no blocks of 2 MiB");
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		folio_put(folios[i]);
}

static void attach(unsigned ring_size)
{
	create(ring_size);
	use_and_free();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
}

static void detach(void)
{
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	CHECK_EQ(seen.early, 0);
	CHECK(!seen.rising);
	fake_virtio_destroy(fake);
}

static void set_id(uint32_t id)
{
	fake_virtio_set_config(fake, VIRTIO_BALLOON_CONFIG_HINTING, id);
}

/* The device's view, which the driver's thread changes meanwhile. */
static unsigned words(void)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned count = seen.nr_words;

	spin_unlock_irqrestore(&fake->lock, irq);
	return count;
}

static uint32_t word(unsigned nr)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	uint32_t value = seen.words[nr % WORDS];

	spin_unlock_irqrestore(&fake->lock, irq);
	return value;
}

static unsigned resets(void)
{
	struct irq_state irq = spin_lock_irqsave(&fake->lock);
	unsigned count = fake->resets;

	spin_unlock_irqrestore(&fake->lock, irq);
	return count;
}

static unsigned recoveries(void)
{
	return balloon()->recoveries;
}

/* The id that was acted on last; waits for an action that goes on. */
static uint32_t followed(void)
{
	uint32_t id;

	mutex_lock(&hinting()->lock);
	id = hinting()->followed;
	mutex_unlock(&hinting()->lock);
	return id;
}

static uint64_t free_pages(void)
{
	struct mm_statistics now;

	mm_statistics(&now);
	return now.free;
}

static void wait_until_all_is_back(void)
{
	WAIT_FOR(hinting()->held == hinting()->hinted - hinting()->returned - released);
}

/* A whole run with that id. */
static void run(uint32_t id)
{
	unsigned before = words();

	set_id(id);
	WAIT_FOR(words() == before + 2);
	CHECK_EQ(word(before), id);
	CHECK_EQ(word(before + 1), VIRTIO_HINTING_STOP);
	wait_until_all_is_back();
}

static void done(void)
{
	released += hinting()->held;
	set_id(VIRTIO_HINTING_DONE);
	WAIT_FOR(followed() == VIRTIO_HINTING_DONE);
	CHECK_EQ(hinting()->held, 0);
}

TEST(virtio_hinting, V_T10_stop_keeps_the_blocks_and_another_id_starts_again)
{
	uint64_t held;

	attach(256);
	run(7);
	held = hinting()->held;
	CHECK(held >= PAGES);
	CHECK_EQ(seen.pages, held);
	CHECK(seen.largest >= BLOCK_ORDER);
	set_id(VIRTIO_HINTING_STOP);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK_EQ(hinting()->held, held);
	CHECK_EQ(words(), 2);
	run(8);
	CHECK(hinting()->held >= held);
	CHECK_EQ(hinting()->runs, 2);
	done();
	detach();
}

TEST(virtio_hinting, V_T11_done_releases_all_blocks)
{
	uint64_t before;

	attach(256);
	before = free_pages();
	run(7);
	CHECK(free_pages() <= before - PAGES);
	CHECK(free_pages() >= balloon_reserve(before));
	done();
	WAIT_FOR(free_pages() == before);
	CHECK_EQ(words(), 2);
	CHECK_EQ(hinting()->returned, 0);
	detach();
}

TEST(virtio_hinting, V_T12_ring_of_two_keeps_its_slot_for_the_id)
{
	attach(2);
	fake_virtio_behave(fake, FAKE_HOLD);
	set_id(7);
	WAIT_FOR(fake_virtio_held(fake) == 1);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_held(fake), 1);
	CHECK_EQ(seen.pages, 0);
	fake_virtio_release(fake);
	WAIT_FOR(fake_virtio_held(fake) == 1);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_held(fake), 1);
	CHECK_EQ(words(), 1);
	/* The block is still out, and the word finds its place. */
	set_id(VIRTIO_HINTING_STOP);
	WAIT_FOR(words() == 2);
	CHECK_EQ(fake_virtio_held(fake), 2);
	CHECK_EQ(word(1), VIRTIO_HINTING_STOP);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	run(8);
	done();
	detach();
}

TEST(virtio_hinting, V_T13_pressure_takes_whole_blocks_back_and_ends_the_run)
{
	uint64_t before, held;
	unsigned priority = SHRINK_PRIORITY_LIGHT;

	attach(256);
	before = free_pages();
	run(7);
	held = hinting()->held;
	/* As little as possible. */
	while (hinting()->returned == 0 && priority > 0)
		(void)shrink_node(0, priority--);
	CHECK(hinting()->returned >= UINT64_C(1) << BLOCK_ORDER);
	CHECK(hinting()->returned < held);
	CHECK_EQ(hinting()->returned % (UINT64_C(1) << BLOCK_ORDER), 0);
	CHECK_EQ(hinting()->held, held - hinting()->returned);
	for (unsigned i = 0; i < 4; i++)
		(void)shrink_node(0, 0);
	CHECK_EQ(hinting()->held, 0);
	CHECK_EQ(hinting()->returned, held);
	WAIT_FOR(free_pages() >= before);
	/* Nothing is taken again before the host asks again. */
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(hinting()->hinted, held);
	run(9);
	CHECK(hinting()->held >= PAGES);
	done();
	detach();
}

TEST(virtio_hinting, pressure_during_a_run_ends_it)
{
	attach(256);
	fake_virtio_behave(fake, FAKE_HOLD);
	set_id(7);
	WAIT_FOR(fake_virtio_held(fake) > 1);
	/* What the device has not used is nobody's. */
	(void)shrink_node(0, 0);
	CHECK_EQ(hinting()->returned, 0);
	hinting()->pressed = true;
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	WAIT_FOR(words() == 2);
	CHECK(hinting()->hinted <= VIRTIO_HINTING_IN_FLIGHT << FOLIO_ORDER_MAX);
	wait_until_all_is_back();
	done();
	detach();
}

TEST(virtio_hinting, ids_wrap_and_the_same_id_runs_once)
{
	attach(256);
	run(UINT32_MAX);
	run(UINT32_C(0x80000000));
	run(2);
	set_id(2);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(words(), 6);
	done();
	run(2);
	done();
	CHECK_EQ(hinting()->runs, 4);
	detach();
}

TEST(virtio_hinting, memory_that_was_never_used_is_left_alone)
{
	struct mm_statistics before, after;

	attach(256);
	mm_statistics(&before);
	run(7);
	mm_statistics(&after);
	/* Each order may have opened a block to see that there is no other. */
	CHECK(before.pristine - after.pristine <=
	      (FOLIO_ORDER_MAX + 1) * (UINT64_C(1) << FOLIO_ORDER_MAX));
	done();
	detach();
}

TEST(virtio_hinting, blocks_are_garbage_but_whole_afterwards)
{
	struct folio *folios[BLOCKS];

	attach(256);
	run(7);
	done();
	for (unsigned i = 0; i < BLOCKS; i++) {
		folios[i] = folio_alloc(NODE_ANY, BLOCK_ORDER, FOLIO_ZERO, NULL);
		REQUIRE(folios[i] != NULL);
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		CHECK_EQ(*(uint64_t *)folio_address(folios[i]), 0);
		folio_put(folios[i]);
	}
	detach();
}

TEST(virtio_hinting, device_without_event_index_is_hinted)
{
	create(4);
	fake->offered = VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_HINTING;
	use_and_free();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	run(7);
	CHECK(hinting()->held >= PAGES);
	done();
	detach();
}

/* Queues 2 and 3 are those of hints and reports. */
TEST(virtio_hinting, device_that_numbers_without_gaps_is_hinted_in_its_queue)
{
	create(0);
	place = VIRTIO_BALLOON_QUEUE_HINTING_FIRST;
	fake->queue_size[place] = 64;
	fake->queue_size[place + 1] = 32;
	use_and_free();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	run(7);
	CHECK(hinting()->held >= PAGES);
	done();
	detach();
}

TEST(virtio_hinting, ring_of_one_is_refused)
{
	create(1);
	CHECK(virtio_device_attach(&fake->device) != 0);
	CHECK_EQ(fake->status, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_hinting, device_without_the_queue_is_a_balloon_all_the_same)
{
	create(0);
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	set_id(7);
	fake_virtio_set_target(fake, 100);
	WAIT_FOR(fake_virtio_given(fake) == 100);
	CHECK_EQ(words(), 0);
	detach();
}

TEST(virtio_hinting, device_without_the_id_is_not_hinted)
{
	create(16);
	fake->device.config_size = 8;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	set_id(7);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(words(), 0);
	detach();
}

TEST(virtio_hinting, device_that_never_uses_a_hint_is_left_alone)
{
	attach(256);
	hinting()->patience_ns = 20 * NSEC_PER_MSEC;
	fake_virtio_behave(fake, FAKE_HOLD);
	set_id(7);
	/* Given up, and said so. */
	WAIT_FOR(words() == 2);
	CHECK_EQ(hinting()->held, 0);
	CHECK_EQ(resets(), 1);
	/* The next one waits for what is out. */
	set_id(8);
	thread_sleep_ns(50 * NSEC_PER_MSEC);
	CHECK_EQ(words(), 2);
	set_id(VIRTIO_HINTING_STOP);
	WAIT_FOR(followed() == VIRTIO_HINTING_STOP);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	run(9);
	CHECK(hinting()->held >= PAGES);
	done();
	detach();
}

TEST(virtio_hinting, buffers_that_come_after_done_are_freed_when_they_come)
{
	uint64_t before;

	attach(256);
	before = free_pages();
	fake_virtio_behave(fake, FAKE_HOLD);
	set_id(7);
	WAIT_FOR(fake_virtio_held(fake) > 1);
	set_id(VIRTIO_HINTING_DONE);
	WAIT_FOR(words() == 2);
	CHECK(free_pages() < before);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	WAIT_FOR(free_pages() == before);
	CHECK_EQ(hinting()->held, 0);
	detach();
}

/* The device breaks in that way while it has blocks; all comes back, and it works again. */
static void break_and_run_again(enum fake_behaviour behaviour)
{
	uint64_t before;

	attach(256);
	before = free_pages();
	run(7);
	fake_virtio_behave_until_reset(fake, behaviour);
	set_id(8);
	if (behaviour == FAKE_HOLD) {
		WAIT_FOR(fake_virtio_held(fake) > 0);
		fake_virtio_needs_reset(fake);
	}
	WAIT_FOR(recoveries() > 0);
	/* The id is still there. */
	WAIT_FOR(hinting()->held >= PAGES);
	CHECK_EQ(recoveries(), 1);
	done();
	WAIT_FOR(free_pages() >= before - KEPT);
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_hinting, reset_while_blocks_are_out_gives_all_back)
{
	break_and_run_again(FAKE_HOLD);
}

TEST(virtio_hinting, device_that_uses_other_buffers_is_reset)
{
	break_and_run_again(FAKE_OTHER);
}

TEST(virtio_hinting, device_that_uses_buffers_twice_is_reset)
{
	break_and_run_again(FAKE_TWICE);
}

TEST(virtio_hinting, device_that_moves_its_index_wildly_is_reset)
{
	break_and_run_again(FAKE_WILD_INDEX);
}

TEST(virtio_hinting, device_that_writes_too_much_is_reset)
{
	break_and_run_again(FAKE_TOO_LONG);
}

TEST(virtio_hinting, removal_while_blocks_are_out_and_a_new_probe)
{
	create(256);
	use_and_free();
	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = free_pages();

		REQUIRE(virtio_device_attach(&fake->device) == 0);
		fake_virtio_behave(fake, FAKE_HOLD);
		set_id(7);
		WAIT_FOR(fake_virtio_held(fake) > 1);
		virtio_device_detach(&fake->device);
		WAIT_FOR(free_pages() >= before - KEPT);
		fake_virtio_behave(fake, FAKE_PROMPT);
		/* The next one starts at rest. */
		set_id(VIRTIO_HINTING_DONE);
	}
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_hinting, ids_that_change_all_the_time_lose_nothing)
{
	attach(16);
	for (unsigned i = 0; i < 300; i++) {
		set_id((uint32_t)test_random_below(5));
		if (test_random_below(4) == 0)
			thread_yield();
		if (test_random_below(50) == 0)
			(void)shrink_node(0, 2);
	}
	set_id(100);
	WAIT_FOR(words() % 2 == 0 && word(words() - 2) == 100);
	WAIT_FOR(hinting()->held >= PAGES);
	CHECK_EQ(resets(), 1);
	done();
	detach();
}

#ifdef QUIRE_TEST_HOOKS

static void change_id(struct hook *hook)
{
	unsigned *times = hook->arg;

	if ((*times)++ == 0)
		set_id(100);
}

/* Nothing is out then, so no buffer that comes back would wake the thread. */
TEST(virtio_hinting, an_id_that_changes_before_the_first_word_is_followed)
{
	unsigned times = 0;
	struct hook settled = {
		.name = "virtio_hinting_settled", .function = change_id, .arg = &times};

	attach(64);
	hook_attach(&settled);
	set_id(10);
	WAIT_FOR(words() == 2 && word(0) == 100);
	hook_detach(&settled);
	CHECK_EQ(times, 2);
	CHECK_EQ(hinting()->runs, 1);
	done();
	detach();
}

/* False: memory was short for it, and the device is gone again. */
static bool has_thread(void)
{
	bool has = hinting()->thread != NULL;

	CHECK(has);
	if (!has)
		detach();
	return has;
}

/* The thread goes on, and has done what there was for it. */
static void let_it_follow(struct hook *hook)
{
	hook_gate_open(hook->arg);
	for (unsigned i = 0; i < 100 && followed() != 7; i++)
		thread_sleep_ns(NSEC_PER_MSEC);
}

/* The thread waits for its lock while the device is reset. */
TEST(virtio_hinting, id_that_comes_during_a_reset_is_followed)
{
	struct hook_gate news;
	struct hook resumed = {
		.name = "virtio_hinting_resumed", .function = let_it_follow, .arg = &news};

	attach(256);
	if (!has_thread())
		return;
	WAIT_FOR(followed() == VIRTIO_HINTING_STOP);
	hook_gate_attach(&news, "virtio_hinting_news", NULL);
	hook_attach(&resumed);
	set_id(7);
	hook_gate_wait(&news);
	fake_virtio_needs_reset(fake);
	WAIT_FOR(words() == 2 && word(0) == 7);
	hook_detach(&resumed);
	hook_gate_detach(&news);
	CHECK_EQ(recoveries(), 1);
	wait_until_all_is_back();
	done();
	detach();
}

/* The queue breaks, and the device is reset for another reason before the thread says so. */
TEST(virtio_hinting, queue_that_broke_before_a_reset_needs_no_other)
{
	struct hook_gate news, failed;
	unsigned reads;

	attach(256);
	if (!has_thread())
		return;
	WAIT_FOR(followed() == VIRTIO_HINTING_STOP && balloon_rests(balloon()));
	fake_virtio_behave(fake, FAKE_OTHER);
	hook_gate_attach(&news, "virtio_hinting_news", NULL);
	hook_gate_attach(&failed, "virtio_hinting_failed", NULL);
	reads = fake_virtio_config_reads(fake);
	set_id(7);
	hook_gate_wait(&news);
	/* The balloon's thread has looked, and found nothing wrong. */
	WAIT_FOR(fake_virtio_config_reads(fake) > reads);
	hook_gate_open(&news);
	hook_gate_wait(&failed);
	fake_virtio_behave(fake, FAKE_PROMPT);
	reads = fake_virtio_config_reads(fake);
	fake_virtio_needs_reset(fake);
	/* It looks for a target again when all is done. */
	WAIT_FOR(recoveries() == 1 && fake_virtio_config_reads(fake) > reads);
	hook_gate_detach(&failed);
	hook_gate_detach(&news);
	WAIT_FOR(hinting()->held >= PAGES);
	done();
	/* The balloon's thread has heard what there was to hear. */
	fake_virtio_set_target(fake, 10);
	WAIT_FOR(fake_virtio_actual(fake) == 10);
	CHECK_EQ(recoveries(), 1);
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_hinting, device_that_is_reset_while_it_is_probed_is_hinted)
{
	create(256);
	use_and_free();
	REQUIRE(probe_with_reset(fake, "virtio_hinting_queue") == 0);
	if (!has_thread())
		return;
	WAIT_FOR(recoveries() == 1);
	run(7);
	done();
	detach();
}

/* Uses what it holds too late for the interrupt to come before the alarm. */
static void use_at_the_last_moment(struct hook *hook)
{
	(void)hook;
	fake_virtio_release_unheard(fake, hinting()->queue,
				    clock_ns() + 2 * hinting()->patience_ns);
}

TEST(virtio_hinting, device_that_uses_blocks_at_the_last_moment_is_hinted_all)
{
	struct hook hook = {.name = "wait_queue_sleep", .function = use_at_the_last_moment};

	/* A ring so short that it waits between two blocks. */
	attach(4);
	if (!has_thread())
		return;
	WAIT_FOR(followed() == VIRTIO_HINTING_STOP);
	hook.only = hinting()->thread;
	hinting()->patience_ns = NSEC_PER_SEC / 2;
	fake_virtio_behave(fake, FAKE_HOLD);
	hook_attach(&hook);
	run(7);
	hook_detach(&hook);
	CHECK_EQ(hinting()->silence_told, 0);
	CHECK(hinting()->held >= PAGES);
	done();
	detach();
}

#endif

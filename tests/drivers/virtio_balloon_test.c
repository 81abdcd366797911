// SPDX-License-Identifier: MIT
/*
 * The virtio balloon against a device made of memory: behaving, slow, and wrong in every way.
 * After each test the host's books, the core's counters and the guest's free memory must agree.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

#define LIMIT_NS \
	(20 * NSEC_PER_SEC) /* far more than any step needs; a loaded machine is slow */

static struct fake_virtio *fake;

static void create(void)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
}

static void attach(void)
{
	create();
	REQUIRE(virtio_device_attach(&fake->device) == 0);
}

static struct virtio_balloon *balloon(void)
{
	return fake->device.driver_data;
}

static void detach(void)
{
	struct balloon_events before, after;
	uint64_t held = balloon_pages(&balloon()->core);

	balloon_events(&before);
	virtio_device_detach(&fake->device);
	balloon_events(&after);
	CHECK_EQ(after.deflate - before.deflate, held + after.inflate - before.inflate);
	CHECK_EQ(fake->host_errors, 0);
	CHECK_EQ(fake->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(fake);
}

/* Wait until expression is true; false at the time limit. */
#define WAIT_FOR(expression)                                   \
	({                                                     \
		uint64_t wait_end = clock_ns() + LIMIT_NS;     \
		while (!(expression) && clock_ns() < wait_end) \
			thread_sleep_ns(NSEC_PER_MSEC);        \
		CHECK(expression);                             \
	})

static void resize(uint32_t units)
{
	fake_virtio_set_target(fake, units);
	WAIT_FOR(fake_virtio_actual(fake) == units && fake_virtio_given(fake) == units);
}

TEST(virtio_balloon, V_T1_target_is_reached_in_full_arrays_with_one_kick)
{
	attach();
	WAIT_FOR(fake_virtio_config_reads(fake) == 1); /* the target at start */
	resize(1000);
	CHECK_EQ(fake->nr_buffers, 4);
	CHECK_EQ(fake->buffers[0].units, 256);
	CHECK_EQ(fake->buffers[1].units, 256);
	CHECK_EQ(fake->buffers[2].units, 256);
	CHECK_EQ(fake->buffers[3].units, 232);
	CHECK_EQ(fake->kicks, 1);
	CHECK(fake->interrupts <= 1);
	CHECK(fake_virtio_config_reads(fake) <= 3);
	CHECK(fake->config_writes <= 2);
	CHECK_EQ(balloon_pages(&balloon()->core), 1000);
	detach();
}

TEST(virtio_balloon, whole_blocks_go_first_in_ascending_order)
{
	attach();
	resize(1024 + 100);
	CHECK_EQ(fake->nr_buffers, 5);
	CHECK_EQ(fake->buffers[0].first % 512, 0);
	CHECK_EQ(fake->buffers[1].first, fake->buffers[0].first + 256);
	CHECK_EQ(fake->buffers[2].first % 512, 0);
	CHECK_EQ(fake->buffers[3].first, fake->buffers[2].first + 256);
	CHECK_EQ(fake->buffers[4].units, 100);
	detach();
}

TEST(virtio_balloon, large_resize_needs_one_kick_for_128_arrays)
{
	attach();
	resize(3 * 128 * 256);
	CHECK_EQ(fake->kicks, 3);
	CHECK(fake->interrupts <= 3);
	resize(0);
	CHECK_EQ(fake->kicks, 6);
	CHECK(fake->interrupts <= 6);
	detach();
}

TEST(virtio_balloon, cycles_leave_every_counter_exact)
{
	struct mm_statistics before, after;

	attach();
	mm_statistics(&before);
	for (unsigned i = 0; i < 20; i++) {
		resize((uint32_t)test_random_below(5000));
		CHECK_EQ(balloon_pages(&balloon()->core), fake_virtio_given(fake));
		mm_statistics(&after);
		CHECK_EQ(after.managed + fake_virtio_given(fake), before.managed);
	}
	resize(0);
	mm_statistics(&after);
	CHECK_EQ(after.managed, before.managed);
	detach();
}

TEST(virtio_balloon, V_T3_target_is_rounded_up_to_whole_guest_pages)
{
	CHECK_EQ(virtio_balloon_round(5, 4), 8);
	CHECK_EQ(virtio_balloon_round(8, 4), 8);
	CHECK_EQ(virtio_balloon_round(0, 4), 0);
	CHECK_EQ(virtio_balloon_round(5, 1), 5);
	CHECK_EQ(virtio_balloon_round(UINT32_MAX, 16), UINT64_C(1) << 32);
}

TEST(virtio_balloon, V_T4_deflated_page_is_not_free_before_the_host_used_the_array)
{
	struct page *page;

	attach();
	resize(10);
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 0);
	WAIT_FOR(fake_virtio_held(fake) == 1);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	page = pfn_to_page(pfn(fake->buffers[fake->nr_buffers - 1].first));
	CHECK_EQ(folio_references((struct folio *)page), 1);
	CHECK_EQ(page_type(page), PAGE_TYPE_OFFLINE);
	CHECK_EQ(fake_virtio_actual(fake), 10);
	fake_virtio_release(fake);
	WAIT_FOR(fake_virtio_actual(fake) == 0);
	CHECK_EQ(page_type(page), PAGE_TYPE_NONE);
	fake_virtio_behave(fake, FAKE_PROMPT);
	detach();
}

TEST(virtio_balloon, V_T18_config_change_after_removal_queues_nothing)
{
	unsigned reads;

	attach();
	resize(10);
	virtio_device_detach(&fake->device);
	reads = fake->config_reads;
	fake_virtio_set_target(fake, 20);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake->config_reads, reads);
	CHECK_EQ(fake_virtio_actual(fake), 0);
	CHECK_EQ(fake->host_errors, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(fake);
}

TEST(virtio_balloon, device_without_event_index_is_driven)
{
	create();
	fake->offered = VIRTIO_F_VERSION_1;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	resize(5000);
	resize(17);
	detach();
}

TEST(virtio_balloon, small_and_odd_queue_sizes_are_used)
{
	static const unsigned sizes[] = {1, 2, 24, 100, 32768};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		create();
		fake->queue_size[0] = fake->queue_size[1] = sizes[i];
		REQUIRE(virtio_device_attach(&fake->device) == 0);
		resize(1000);
		resize(3);
		detach();
	}
}

TEST(virtio_balloon, impossible_queue_sizes_are_refused)
{
	static const unsigned sizes[] = {0, 32769, 65535};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		create();
		fake->queue_size[1] = sizes[i];
		CHECK(virtio_device_attach(&fake->device) != 0);
		CHECK_EQ(fake->status, 0);
		fake_virtio_destroy(fake);
	}
}

TEST(virtio_balloon, device_without_modern_interface_is_refused)
{
	create();
	fake->offered = VIRTIO_F_EVENT_INDEX;
	CHECK(virtio_device_attach(&fake->device) != 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_balloon, device_that_takes_features_back_is_refused)
{
	create();
	fake->behaviour = FAKE_WRONG_FEATURES;
	CHECK(virtio_device_attach(&fake->device) != 0);
	fake_virtio_destroy(fake);
}

TEST(virtio_balloon, device_without_configuration_space_stays_idle)
{
	create();
	fake->device.config_size = 0;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	fake_virtio_set_target(fake, 100);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_given(fake), 0);
	CHECK_EQ(fake->config_reads, 0);
	detach();
}

TEST(virtio_balloon, device_that_never_resets_is_refused)
{
	create();
	fake->status = VIRTIO_STATUS_DRIVER_OK;
	fake->behaviour = FAKE_DEAF_TO_RESET;
	CHECK(virtio_device_attach(&fake->device) != 0);
	fake_virtio_destroy(fake);
}

/* Break the device in the middle of an inflation; it must come back and reach its target. */
static void break_and_recover(enum fake_behaviour behaviour, const char *message)
{
	attach();
	resize(700);
	text_sink_open();
	fake_virtio_behave(fake, behaviour);
	fake_virtio_set_target(fake, 2000);
	WAIT_FOR(balloon()->recoveries > 0);
	fake_virtio_behave(fake, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_actual(fake) == 2000 && fake_virtio_given(fake) == 2000);
	CHECK(strstr(text_sink_close(), message) != NULL);
	CHECK(!balloon()->dead);
	detach();
}

TEST(virtio_balloon, device_that_acknowledges_twice_is_survived)
{
	break_and_recover(FAKE_TWICE, "moved the used index");
}

TEST(virtio_balloon, device_that_acknowledges_another_buffer_is_survived)
{
	break_and_recover(FAKE_OTHER, "does not hold");
}

TEST(virtio_balloon, wild_used_index_is_survived)
{
	break_and_recover(FAKE_WILD_INDEX, "moved the used index");
}

TEST(virtio_balloon, impossible_length_is_survived)
{
	break_and_recover(FAKE_TOO_LONG, "beyond the buffer");
}

TEST(virtio_balloon, device_that_stays_wrong_is_given_up_with_all_pages_back)
{
	attach();
	resize(700);
	fake_virtio_behave(fake, FAKE_TWICE);
	fake_virtio_set_target(fake, 2000);
	WAIT_FOR(balloon()->dead);
	CHECK_EQ(balloon()->recoveries, VIRTIO_BALLOON_RECOVERIES);
	CHECK_EQ(balloon_pages(&balloon()->core), 0);
	detach();
}

TEST(virtio_balloon, reset_in_the_middle_is_survived)
{
	attach();
	resize(700);
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 2000);
	WAIT_FOR(fake_virtio_held(fake) > 0);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_needs_reset(fake);
	WAIT_FOR(fake_virtio_actual(fake) == 2000 && fake_virtio_given(fake) == 2000);
	CHECK_EQ(balloon()->recoveries, 1);
	detach();
}

TEST(virtio_balloon, device_that_never_acknowledges_is_reset_after_a_bounded_wait)
{
	attach();
	balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	resize(700);
	text_sink_open();
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 100);
	WAIT_FOR(balloon()->recoveries > 0);
	fake_virtio_behave(fake, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_actual(fake) == 100 && fake_virtio_given(fake) == 100);
	CHECK(strstr(text_sink_close(), "deflate of 600 pages not acknowledged") != NULL);
	detach();
}

TEST(virtio_balloon, device_that_does_not_reset_keeps_its_pages)
{
	attach();
	resize(700);
	fake_virtio_behave(fake, FAKE_DEAF_TO_RESET);
	fake_virtio_needs_reset(fake);
	WAIT_FOR(balloon()->dead);
	CHECK_EQ(balloon_pages(&balloon()->core), 700);
	CHECK_EQ(fake_virtio_given(fake), 700);
	/* Only a test can know that it is safe after all. */
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake->device.stuck = false;
	detach();
}

TEST(virtio_balloon, oscillating_target_is_followed)
{
	attach();
	for (unsigned i = 0; i < 200; i++) {
		fake_virtio_set_target(fake, (uint32_t)test_random_below(3000));
		thread_sleep_ns(test_random_below(NSEC_PER_MSEC));
	}
	resize(1234);
	CHECK_EQ(balloon()->recoveries, 0);
	CHECK_EQ(balloon_pages(&balloon()->core), 1234);
	detach();
}

TEST(virtio_balloon, command_reports_in_text_and_json)
{
	static const char *const members[] = {
		"\"inflate\":",       "\"deflate\":",     "\"migrate\":",    "\"nodes\":[",
		"\"actual\":600,",    "\"held\":600,",    "\"isolated\":0,", "\"resets\":0",
		"\"waited_p99_ns\":", "\"waited_10ms\":["};
	const char *text;

	attach();
	resize(600);
	text_sink_open();
	CHECK_EQ(shell_run_line("balloon -j"), 0);
	text = text_sink_close();
	CHECK(strstr(text, "\"device\":\"fake\",\"state\":\"idle\",\"wanted\":600,") != NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(members); i++)
		CHECK(strstr(text, members[i]) != NULL);
	CHECK(strchr(text, '\n') && strchr(text, '\n')[1] == '\0');
	text_sink_open();
	CHECK_EQ(shell_run_line("balloon"), 0);
	text = text_sink_close();
	CHECK(strstr(text, "fake: idle, target 600 pages of 600 wanted, 600 at the host, 600 "
			   "held, 0 isolated\n") != NULL);
	CHECK(strstr(text, "node 0: ") != NULL);
	CHECK(strstr(text, "pages inflated ") != NULL);
	text_sink_open();
	CHECK(shell_run_line("balloon now") != 0);
	(void)text_sink_close();
	detach();
}

TEST(virtio_balloon, two_devices_at_once)
{
	struct fake_virtio *first, *second;

	attach();
	first = fake;
	attach();
	second = fake;
	fake_virtio_set_target(first, 3000);
	fake_virtio_set_target(second, 5000);
	fake = first;
	WAIT_FOR(fake_virtio_given(first) == 3000 && fake_virtio_actual(first) == 3000);
	WAIT_FOR(fake_virtio_given(second) == 5000 && fake_virtio_actual(second) == 5000);
	CHECK_EQ(balloon_pages(&balloon()->core), 3000);
	detach();
	fake = second;
	CHECK_EQ(balloon_pages(&balloon()->core), 5000);
	detach();
}

#ifdef QUIRE_TEST_HOOKS

/* Pages the balloon may still get; then its allocations fail. */
static _Atomic unsigned budget;

static void spend_budget(struct hook *hook)
{
	(void)hook;
	if (atomic_load(&budget) == 0)
		fault_arm(1);
	else
		atomic_fetch_sub(&budget, 1);
}

static struct hook dry = {.name = "balloon_alloc", .function = spend_budget};

TEST(virtio_balloon, V_T2_dry_allocator_sends_what_there_is_and_retries)
{
	uint64_t start;

	attach();
	atomic_store(&budget, 10);
	hook_attach(&dry);
	text_sink_open();
	fake_virtio_set_target(fake, 60); /* too few for allocation in bulk */
	WAIT_FOR(fake_virtio_actual(fake) == 10);
	start = clock_ns();
	CHECK_EQ(fake_virtio_given(fake), 10);
	CHECK_EQ(balloon()->shortages, 1);
	atomic_store(&budget, 1000);
	WAIT_FOR(fake_virtio_actual(fake) == 60);
	CHECK(strstr(text_sink_close(), "memory is short: 10 of 60 pages") != NULL);
	CHECK(clock_ns() - start >= VIRTIO_BALLOON_RETRY_NS / 2);
	hook_detach(&dry);
	detach();
}

TEST(virtio_balloon, every_failed_allocation_of_attach_is_undone)
{
	bool injected = true;

	for (unsigned n = 1; injected && n < 100; n++) {
		int error;

		create();
		fault_arm(n);
		error = virtio_device_attach(&fake->device);
		injected = fault_disarm();
		CHECK(injected || error == 0);
		if (error)
			fake_virtio_destroy(fake);
		else
			detach();
		CHECK(balloon_check() == NULL);
	}
	CHECK(!injected);
}

TEST(virtio_balloon, absurd_target_is_bounded_with_a_message)
{
	struct mm_statistics now;
	const char *text;
	uint64_t pages;

	attach();
	atomic_store(&budget, 10);
	hook_attach(&dry);
	text_sink_open();
	fake_virtio_set_target(fake, UINT32_MAX);
	WAIT_FOR(fake_virtio_actual(fake) == 10 * BALLOON_BLOCK_PAGES);
	text = text_sink_close();
	CHECK(strstr(text, "the host asks for 4294967295 pages") != NULL);
	mm_statistics(&now);
	pages = now.managed + 10 * BALLOON_BLOCK_PAGES;
	CHECK_EQ(balloon()->target, pages - balloon_reserve(pages));
	hook_detach(&dry);
	detach();
}

#endif

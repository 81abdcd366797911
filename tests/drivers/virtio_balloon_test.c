// SPDX-License-Identifier: MIT
/*
 * The virtio balloon against a device made of memory: behaving, slow, and wrong in every way.
 * After each test the host's books, the core's counters and the guest's free memory must agree.
 */
#include <tests/drivers/virtio_balloon_fixture.h>

#include <kernel/fault.h>
#include <kernel/hook.h>
#include <kernel/shell.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/balloon_budget.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>

TEST(virtio_balloon, V_T1_target_is_reached_in_full_arrays_with_one_kick)
{
	host_attach();
	WAIT_FOR(fake_virtio_config_reads(host) == 1); /* the target at start */
	host_resize(1000);
	CHECK_EQ(host->nr_buffers, 4);
	CHECK_EQ(host->buffers[0].units, 256);
	CHECK_EQ(host->buffers[1].units, 256);
	CHECK_EQ(host->buffers[2].units, 256);
	CHECK_EQ(host->buffers[3].units, 232);
	CHECK_EQ(host->kicks, 1);
	CHECK(host->interrupts <= 1);
	CHECK(fake_virtio_config_reads(host) <= 3);
	CHECK(host->config_writes <= 2);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 1000);
	host_detach();
}

TEST(virtio_balloon, V_T1_actual_is_written_on_the_way_once_250_ms_have_passed)
{
	const uint32_t batch = VIRTIO_BALLOON_ARRAYS_MAX * VIRTIO_BALLOON_ARRAY;

	host_attach();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 2 * batch);
	WAIT_FOR(fake_virtio_held(host) == VIRTIO_BALLOON_ARRAYS_MAX);
	/* The thread waits for the host: nobody else looks at its clock. */
	host_balloon()->actual_at -= VIRTIO_BALLOON_REPORT_NS;
	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_held(host) == VIRTIO_BALLOON_ARRAYS_MAX);
	CHECK_EQ(fake_virtio_actual(host), batch);
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_actual(host) == 2 * batch);
	host_detach();
}

TEST(virtio_balloon, whole_blocks_go_first_in_ascending_order)
{
	host_attach();
	host_resize(1024 + 100);
	CHECK_EQ(host->nr_buffers, 5);
	CHECK_EQ(host->buffers[0].first % 512, 0);
	CHECK_EQ(host->buffers[1].first, host->buffers[0].first + 256);
	CHECK_EQ(host->buffers[2].first % 512, 0);
	CHECK_EQ(host->buffers[3].first, host->buffers[2].first + 256);
	CHECK_EQ(host->buffers[4].units, 100);
	host_detach();
}

TEST(virtio_balloon, large_resize_needs_one_kick_for_128_arrays)
{
	host_attach();
	host_resize(3 * 128 * 256);
	CHECK_EQ(host->kicks, 3);
	CHECK(host->interrupts <= 3);
	host_resize(0);
	CHECK_EQ(host->kicks, 6);
	CHECK(host->interrupts <= 6);
	host_detach();
}

TEST(virtio_balloon, cycles_leave_every_counter_exact)
{
	struct mm_statistics before, after;

	host_attach();
	mm_statistics(&before);
	for (unsigned i = 0; i < 20; i++) {
		host_resize((uint32_t)test_random_below(5000));
		CHECK_EQ(balloon_pages(&host_balloon()->core), fake_virtio_given(host));
		mm_statistics(&after);
		CHECK_EQ(after.managed + fake_virtio_given(host), before.managed);
	}
	host_resize(0);
	mm_statistics(&after);
	CHECK_EQ(after.managed, before.managed);
	host_detach();
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

	host_attach();
	host_resize(10);
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 0);
	WAIT_FOR(fake_virtio_held(host) == 1);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	page = pfn_to_page(pfn(host->buffers[host->nr_buffers - 1].first));
	CHECK_EQ(folio_references((struct folio *)page), 1);
	CHECK_EQ(page_type(page), PAGE_TYPE_OFFLINE);
	CHECK_EQ(fake_virtio_actual(host), 10);
	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_actual(host) == 0);
	CHECK_EQ(page_type(page), PAGE_TYPE_NONE);
	fake_virtio_behave(host, FAKE_PROMPT);
	host_detach();
}

TEST(virtio_balloon, V_T18_config_change_after_removal_queues_nothing)
{
	unsigned reads;

	host_attach();
	host_resize(10);
	virtio_device_detach(&host->device);
	reads = host->config_reads;
	fake_virtio_set_target(host, 20);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(host->config_reads, reads);
	CHECK_EQ(fake_virtio_actual(host), 0);
	CHECK_EQ(host->host_errors, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(host);
}

TEST(virtio_balloon, device_without_event_index_is_driven)
{
	host_create();
	host->offered = VIRTIO_F_VERSION_1;
	REQUIRE(virtio_device_attach(&host->device) == 0);
	host_resize(5000);
	host_resize(17);
	host_detach();
}

TEST(virtio_balloon, small_and_odd_queue_sizes_are_used)
{
	static const unsigned sizes[] = {1, 2, 24, 100, 32768};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		host_create();
		host->queue_size[0] = host->queue_size[1] = sizes[i];
		REQUIRE(virtio_device_attach(&host->device) == 0);
		host_resize(1000);
		host_resize(3);
		host_detach();
	}
}

TEST(virtio_balloon, impossible_queue_sizes_are_refused)
{
	static const unsigned sizes[] = {0, 32769, 65535};

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		host_create();
		host->queue_size[1] = sizes[i];
		CHECK(virtio_device_attach(&host->device) != 0);
		CHECK_EQ(host->status, 0);
		fake_virtio_destroy(host);
	}
}

TEST(virtio_balloon, device_without_modern_interface_is_refused)
{
	host_create();
	host->offered = VIRTIO_F_EVENT_INDEX;
	CHECK(virtio_device_attach(&host->device) != 0);
	fake_virtio_destroy(host);
}

TEST(virtio_balloon, device_that_takes_features_back_is_refused)
{
	host_create();
	host->behaviour = FAKE_WRONG_FEATURES;
	CHECK(virtio_device_attach(&host->device) != 0);
	fake_virtio_destroy(host);
}

TEST(virtio_balloon, device_without_configuration_space_stays_idle)
{
	host_create();
	host->device.config_size = 0;
	REQUIRE(virtio_device_attach(&host->device) == 0);
	fake_virtio_set_target(host, 100);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(fake_virtio_given(host), 0);
	CHECK_EQ(host->config_reads, 0);
	host_detach();
}

TEST(virtio_balloon, device_that_never_resets_is_refused)
{
	host_create();
	host->status = VIRTIO_STATUS_DRIVER_OK;
	host->behaviour = FAKE_DEAF_TO_RESET;
	CHECK(virtio_device_attach(&host->device) != 0);
	fake_virtio_destroy(host);
}

TEST(virtio_balloon, command_reports_in_text_and_json)
{
	static const char *const members[] = {
		"\"inflate\":",       "\"deflate\":",     "\"migrate\":",    "\"nodes\":[",
		"\"actual\":600,",    "\"held\":600,",    "\"isolated\":0,", "\"resets\":0",
		"\"waited_p99_ns\":", "\"waited_10ms\":["};
	const char *text;

	host_attach();
	host_resize(600);
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
	CHECK(strstr(text, "  shortages 0, given back in need 0, resets 0 of 16\n") != NULL);
	CHECK(strstr(text, "node 0: ") != NULL);
	CHECK(strstr(text, "pages inflated ") != NULL);
	text_sink_open();
	CHECK(shell_run_line("balloon now") != 0);
	(void)text_sink_close();
	host_detach();
}

#ifdef QUIRE_TEST_HOOKS

TEST(virtio_balloon, V_T2_dry_allocator_sends_what_there_is_and_retries)
{
	uint64_t start, waited;

	host_attach();
	balloon_budget_start(10);
	text_sink_open();
	start = clock_ns();
	fake_virtio_set_target(host, 60); /* too few for allocation in bulk */
	WAIT_FOR(fake_virtio_actual(host) == 10);
	CHECK_EQ(fake_virtio_given(host), 10);
	WAIT_FOR(host_balloon()->shortages > 0);
	balloon_budget_set(1000);
	WAIT_FOR(fake_virtio_actual(host) == 60);
	CHECK(strstr(text_sink_close(), "memory is short: 10 of 60 pages") != NULL);
	waited = clock_ns() - start;
	CHECK(waited >= VIRTIO_BALLOON_RETRY_NS);
	CHECK(host_balloon()->shortages <= waited / VIRTIO_BALLOON_RETRY_NS + 1);
	balloon_budget_end();
	host_detach();
}

static void compare_actual(struct hook *hook)
{
	(void)hook;
	CHECK_EQ(host_balloon()->actual, fake_virtio_actual(host));
}

/* Tools wait for the host's figure, and then look at the guest's. */
TEST(virtio_balloon, what_the_host_was_told_is_what_the_guest_reports)
{
	struct hook told = {.name = "virtio_balloon_told", .function = compare_actual};

	host_attach();
	hook_attach(&told);
	host_resize(600);
	host_resize(0);
	hook_detach(&told);
	host_detach();
}

TEST(virtio_balloon, every_failed_allocation_of_attach_is_undone)
{
	bool injected = true;

	for (unsigned n = 1; injected && n < 100; n++) {
		int error;

		host_create();
		fault_arm(n);
		error = virtio_device_attach(&host->device);
		injected = fault_disarm();
		CHECK(injected || error == 0);
		if (error)
			fake_virtio_destroy(host);
		else
			host_detach();
		CHECK(balloon_check() == NULL);
	}
	CHECK(!injected);
}

#endif

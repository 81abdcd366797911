// SPDX-License-Identifier: MIT
/*
 * The virtio balloon when a request for memory would fail, against a device made of memory.
 * tools/oom_test.py shows the same with a real QEMU and a guest that has used up its memory.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/virtio_balloon_fixture.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>
#include <tests/wait.h>

static struct fake_virtio *fake;

static struct virtio_balloon *balloon(void)
{
	return fake->device.driver_data;
}

static void attach(uint64_t more)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	fake->offered |= more;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
}

static void resize(uint32_t units)
{
	balloon_resize(balloon(), fake, units);
}

static void detach(void)
{
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	CHECK_EQ(fake->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(fake);
}

/* What a request that would fail does; base pages it was given. */
static uint64_t need(void)
{
	return balloon()->oom.give(&balloon()->oom, 1);
}

TEST(virtio_balloon_oom, V_T7_hook_gives_256_units_at_most_and_says_so)
{
	struct mm_statistics before, after;
	uint64_t free_before;

	mm_statistics(&before);
	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(600);
	mm_statistics(&after);
	/* They count as the guest's: it may take them back. */
	CHECK_EQ(after.managed, before.managed);
	free_before = after.free;
	CHECK_EQ(need(), 256 / VIRTIO_BALLOON_UNITS_PER_PAGE);
	mm_statistics(&after);
	CHECK_EQ(after.free, free_before + 256);
	CHECK_EQ(balloon_pages(&balloon()->core), 344);
	WAIT_FOR(fake_virtio_actual(fake) == 344);
	CHECK_EQ(fake_virtio_given(fake), 344);
	CHECK_EQ(need(), 256);
	CHECK_EQ(need(), 88);
	CHECK_EQ(need(), 0);
	WAIT_FOR(fake_virtio_actual(fake) == 0);
	CHECK_EQ(balloon()->given_in_need, 600);
	detach();
}

TEST(virtio_balloon_oom, nothing_is_inflated_again_until_the_target_moves)
{
	unsigned buffers;

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(1000);
	CHECK_EQ(need(), 256);
	WAIT_FOR(fake_virtio_actual(fake) == 744);
	buffers = fake->nr_buffers;
	/* News without a new target, and more time than a balloon waits that is only short. */
	for (unsigned i = 0; i < 3; i++) {
		unsigned reads = fake_virtio_config_reads(fake);

		fake_virtio_set_target(fake, 1000);
		WAIT_FOR(fake_virtio_config_reads(fake) > reads);
		thread_sleep_ns(VIRTIO_BALLOON_RETRY_NS);
	}
	CHECK_EQ(fake->nr_buffers, buffers);
	CHECK_EQ(fake_virtio_given(fake), 744);
	resize(1001);
	CHECK_EQ(need(), 256);
	/* Down, as far as it says. */
	resize(500);
	detach();
}

#define WITHOUT 1000u

/* A zone is used up with requests that may sleep; no page of the balloon helps. */
TEST(virtio_balloon_oom, V_T8_without_the_feature_no_page_is_taken)
{
	struct list_head taken = LIST_INIT(taken);
	struct page *page, *next;

	attach(0);
	resize(WITHOUT);
	while ((page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN | FOLIO_MAY_SLEEP)) !=
	       NULL)
		list_add_tail(&taken, &page->list);
	CHECK_EQ(balloon_pages(&balloon()->core), WITHOUT);
	CHECK_EQ(fake_virtio_given(fake), WITHOUT);
	CHECK_EQ(fake_virtio_actual(fake), WITHOUT);
	CHECK(!balloon()->helps_in_need);
	list_for_each_entry_safe (page, next, &taken, list) {
		list_del(&page->list);
		page_put(page);
	}
	detach();
}

/* The same use of a zone takes from a balloon that may be taken from. */
TEST(virtio_balloon_oom, V_T7_request_that_would_fail_comes_to_the_balloon)
{
	struct list_head taken = LIST_INIT(taken);
	struct page *page, *next;

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(1000);
	while ((page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN)) != NULL)
		list_add_tail(&taken, &page->list);
	CHECK_EQ(fake_virtio_given(fake), 1000);
	page = page_alloc(NODE_ANY, 0, FOLIO_DMA | FOLIO_NOWARN | FOLIO_MAY_SLEEP);
	CHECK_EQ(fake_virtio_given(fake), 744);
	if (page)
		list_add_tail(&taken, &page->list);
	list_for_each_entry_safe (page, next, &taken, list) {
		list_del(&page->list);
		page_put(page);
	}
	detach();
}

/* The host does not answer: the hook gives nothing, and the device is reset. */
TEST(virtio_balloon_oom, host_that_does_not_answer_is_reset)
{
	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	resize(600);
	fake_virtio_behave(fake, FAKE_HOLD);
	CHECK_EQ(need(), 0);
	fake_virtio_behave(fake, FAKE_PROMPT);
	/* More than one if the host was slow to answer again. */
	WAIT_FOR(balloon()->recoveries > 0);
	WAIT_FOR(fake_virtio_actual(fake) == 600 && fake_virtio_given(fake) == 600);
	detach();
}

/* Where all is slow one request does not get the lock in time. */
static int ask(void *arg)
{
	uint64_t begin = clock_ns(), given;

	(void)arg;
	while ((given = need()) == 0 && wait_a_little(begin))
		;
	return (int)given;
}

/* The device's lock is held until the host acknowledges: the request waits for that. */
TEST(virtio_balloon_oom, request_during_an_inflation_is_satisfied_after_the_batch)
{
	struct thread *thread;

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(600);
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 700);
	WAIT_FOR(fake_virtio_held(fake) == 1);
	thread = test_thread(ask, NULL, THREAD_ANY_CPU);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	CHECK_EQ(thread_join(thread), 256);
	WAIT_FOR(fake_virtio_actual(fake) == 444);
	CHECK_EQ(fake_virtio_given(fake), 444);
	detach();
}

#ifdef QUIRE_TEST_HOOKS
static void be_in_need(struct hook *hook)
{
	(void)hook;
	if (balloon()->given_in_need == 0)
		CHECK_EQ(need(), 256);
}

/* Pages that the device's thread has already are not given to the host after all. */
TEST(virtio_balloon_oom, inflation_under_way_stops_at_need)
{
	struct hook hook = {.name = "virtio_balloon_allocated", .function = be_in_need};

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(600);
	hook_attach(&hook);
	fake_virtio_set_target(fake, 3000);
	WAIT_FOR(fake_virtio_actual(fake) == 344);
	thread_sleep_ns(VIRTIO_BALLOON_RETRY_NS);
	hook_detach(&hook);
	CHECK_EQ(fake_virtio_given(fake), 344);
	CHECK_EQ(balloon_pages(&balloon()->core), 344);
	detach();
}

/* What need takes on the way down is not taken once more. */
TEST(virtio_balloon_oom, deflation_under_way_stops_at_its_target_though_need_came_first)
{
	struct hook hook = {.name = "virtio_balloon_deflating", .function = be_in_need};

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	resize(1000);
	hook_attach(&hook);
	fake_virtio_set_target(fake, 900);
	WAIT_FOR(fake_virtio_actual(fake) == 744);
	hook_detach(&hook);
	CHECK_EQ(fake_virtio_given(fake), 744);
	detach();
}

/* Need comes while the host is told of the size before: it is told of the one after, too. */
TEST(virtio_balloon_oom, size_that_changes_while_the_host_is_told_is_told_again)
{
	struct hook hook = {.name = "virtio_balloon_told", .function = be_in_need};

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	hook_attach(&hook);
	fake_virtio_set_target(fake, 600);
	WAIT_FOR(fake_virtio_actual(fake) == 344);
	hook_detach(&hook);
	CHECK_EQ(fake_virtio_given(fake), 344);
	CHECK_EQ(balloon()->actual, 344);
	detach();
}

static void be_in_need_in_vain(struct hook *hook)
{
	(void)hook;
	fake_virtio_behave(fake, FAKE_PROMPT);
	CHECK_EQ(need(), 0);
}

/* The host has not acknowledged an inflation and is about to be reset: it may still read the
 * arrays, and would take what need gives back. */
TEST(virtio_balloon_oom, need_does_not_write_arrays_that_are_still_out)
{
	struct hook hook = {.name = "virtio_balloon_breaking", .function = be_in_need_in_vain};

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	resize(600);
	hook_attach(&hook);
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 700);
	WAIT_FOR(fake_virtio_actual(fake) == 700 && fake_virtio_given(fake) == 700);
	hook_detach(&hook);
	CHECK_EQ(balloon()->recoveries, 1);
	CHECK_EQ(balloon()->given_in_need, 0);
	detach();
}

static _Atomic bool go;

static int ask_then(void *arg)
{
	uint64_t begin = clock_ns();

	(void)arg;
	while (!go && wait_a_little(begin))
		;
	return ask(NULL);
}

/* The thread has read a new target; who is in need has time to take. */
static void go_on(struct hook *hook)
{
	(void)hook;
	if (balloon()->wanted == 600 && !go) {
		go = true;
		thread_sleep_ns(20 * NSEC_PER_MSEC);
	}
}

/* What need took after the host wrote its target waits for another one. */
TEST(virtio_balloon_oom, target_that_was_read_before_need_does_not_end_it)
{
	struct hook hook = {.name = "virtio_balloon_target_read", .function = go_on};
	struct thread *thread;

	attach(VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	go = false;
	thread = test_thread(ask_then, NULL, THREAD_ANY_CPU);
	resize(600);
	hook_attach(&hook);
	fake_virtio_set_target(fake, 700);
	CHECK_EQ(thread_join(thread), 256);
	hook_detach(&hook);
	/* It took before or after the inflation; nothing is inflated after. */
	thread_sleep_ns(VIRTIO_BALLOON_RETRY_NS);
	WAIT_FOR(fake_virtio_actual(fake) == fake_virtio_given(fake));
	CHECK(fake_virtio_given(fake) < 600);
	detach();
}
#endif

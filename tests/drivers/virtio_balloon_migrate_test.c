// SPDX-License-Identifier: MIT
/*
 * Ballooned pages of the virtio client move while a device made of memory keeps the host's
 * books (spec-balloon B3 "migrate", B-R6, B-R7).
 */
#include <tests/drivers/virtio_balloon_fixture.h>

#include <errno.h>
#include <kernel/hook.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

#define PAGES 10

static void attach(void)
{
	host_attach();
	host_resize(PAGES);
}

/* One of the device's pages, isolated. */
static struct page *isolated_page(void)
{
	struct page *page = list_first(&host_balloon()->core.pages, struct page, list);

	REQUIRE(movable_isolate(page));
	return page;
}

static struct page *fresh(void)
{
	struct page *page = page_alloc(NODE_ANY, 0, 0);

	NEED(page, "no page");
	return page;
}

static uint32_t unit(const struct page *page)
{
	return (uint32_t)page_to_pfn(page).nr;
}

TEST(virtio_balloon_migrate, V_T5_device_lock_held_by_inflation_means_not_now)
{
	struct page *source, *destination = fresh();

	attach();
	source = isolated_page();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 2 * PAGES);
	WAIT_FOR(fake_virtio_held(host) == 1);
	CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
	CHECK(fake_virtio_holds(host, unit(source)));
	CHECK(!fake_virtio_holds(host, unit(destination)));
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_actual(host) == 2 * PAGES);
	movable_putback(source);
	page_put(destination);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 2 * PAGES);
	host_detach();
}

TEST(virtio_balloon_migrate, V_T6_destination_is_inflated_before_source_is_deflated)
{
	struct page *source, *destination = fresh();
	unsigned buffers;

	attach();
	source = isolated_page();
	buffers = host->nr_buffers;
	CHECK_EQ(movable_migrate(destination, source), 0);
	page_put(destination);
	REQUIRE(host->nr_buffers == buffers + 2);
	CHECK_EQ(host->buffers[buffers].queue, VIRTIO_BALLOON_QUEUE_INFLATE);
	CHECK_EQ(host->buffers[buffers].first, unit(destination));
	CHECK_EQ(host->buffers[buffers + 1].queue, VIRTIO_BALLOON_QUEUE_DEFLATE);
	CHECK_EQ(host->buffers[buffers + 1].first, unit(source));
	CHECK_EQ(host->buffers[buffers + 1].units, 1);
	CHECK(fake_virtio_holds(host, unit(destination)));
	CHECK(!fake_virtio_holds(host, unit(source)));
	CHECK_EQ(fake_virtio_given(host), PAGES);
	CHECK_EQ(host_balloon()->size, PAGES);
	CHECK_EQ(fake_virtio_actual(host), PAGES);
	CHECK_EQ(balloon_pages(&host_balloon()->core), PAGES);
	host_detach();
}

static struct page *moving[2]; /* destination, source */

static int move_beside(void *arg)
{
	(void)arg;
	CHECK_EQ(movable_migrate(moving[0], moving[1]), 0);
	return 0;
}

TEST(virtio_balloon_migrate, V_T6_each_step_waits_for_the_one_before_to_be_acknowledged)
{
	struct thread *mover;
	unsigned buffers;

	moving[0] = fresh();
	attach();
	moving[1] = isolated_page();
	buffers = host->nr_buffers;
	fake_virtio_behave(host, FAKE_HOLD);
	mover = test_thread(move_beside, NULL, THREAD_ANY_CPU);
	WAIT_FOR(fake_virtio_held(host) == 1);
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK_EQ(host->nr_buffers, buffers + 1);
	CHECK_EQ(host->buffers[buffers].first, unit(moving[0]));
	fake_virtio_release(host);
	WAIT_FOR(fake_virtio_held(host) == 1);
	CHECK_EQ(host->buffers[buffers + 1].first, unit(moving[1]));
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	/* The host has not said yet that it gave source back. */
	CHECK_EQ(folio_references((struct folio *)moving[1]), 2);
	CHECK_EQ(page_type(moving[1]), PAGE_TYPE_OFFLINE);
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_release(host);
	thread_join(mover);
	CHECK(page_type(moving[1]) != PAGE_TYPE_OFFLINE);
	page_put(moving[0]);
	host_detach();
}

TEST(virtio_balloon_migrate, host_that_does_not_acknowledge_is_reset_with_all_pages_back)
{
	struct page *source, *destination = fresh();

	attach();
	host_balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	source = isolated_page();
	text_sink_open();
	fake_virtio_behave(host, FAKE_HOLD);
	CHECK_EQ(movable_migrate(destination, source), -ETIMEDOUT);
	/* The host may have it: it is not free before the reset. */
	page_put(destination);
	fake_virtio_behave(host, FAKE_PROMPT);
	movable_putback(source);
	WAIT_FOR(host_balloon()->recoveries == 1);
	(void)text_sink_close();
	WAIT_FOR(fake_virtio_actual(host) == PAGES && fake_virtio_given(host) == PAGES);
	CHECK(list_is_empty(&host_balloon()->limbo));
	host_detach();
}

static int put_back_later(void *page)
{
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK(host->device.driver_data != NULL);
	CHECK(fake_virtio_actual(host) > 0);
	movable_putback(page);
	return 0;
}

TEST(virtio_balloon_migrate, V_T17_removal_waits_for_an_isolated_page)
{
	struct thread *thread;

	attach();
	thread = test_thread(put_back_later, isolated_page(), THREAD_ANY_CPU);
	virtio_device_detach(&host->device);
	thread_join(thread);
	CHECK_EQ(fake_virtio_actual(host), 0);
	CHECK_EQ(fake_virtio_given(host), 0);
	CHECK_EQ(host->host_errors, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(host);
}

TEST(virtio_balloon_migrate, reset_waits_for_an_isolated_page)
{
	struct thread *thread;
	struct page *page, *destination = fresh();

	attach();
	page = isolated_page();
	text_sink_open();
	fake_virtio_needs_reset(host);
	WAIT_FOR(host_balloon()->recoveries == 1);
	CHECK_EQ(movable_migrate(destination, page), -EAGAIN);
	page_put(destination);
	thread = test_thread(put_back_later, page, THREAD_ANY_CPU);
	thread_join(thread);
	(void)text_sink_close();
	WAIT_FOR(fake_virtio_actual(host) == PAGES && fake_virtio_given(host) == PAGES);
	CHECK_EQ(balloon_pages(&host_balloon()->core), PAGES);
	host_detach();
}

#ifdef QUIRE_TEST_HOOKS

/* A migration is not acknowledged while the device's thread, on its way to `target`, has come
 * to `point`: it sends nothing before the reset, and then all that it wants. */
static void come_after_a_migration(const char *point, uint32_t target)
{
	struct page *source, *destination = fresh();
	static struct hook_gate gate;
	unsigned buffers;

	attach();
	host_balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	source = isolated_page();
	hook_gate_attach(&gate, point, NULL);
	fake_virtio_set_target(host, target);
	hook_gate_wait(&gate);
	fake_virtio_behave(host, FAKE_HOLD);
	text_sink_open();
	CHECK_EQ(movable_migrate(destination, source), -ETIMEDOUT);
	page_put(destination);
	movable_putback(source);
	fake_virtio_behave(host, FAKE_PROMPT);
	buffers = host->nr_buffers;
	hook_gate_detach(&gate);
	WAIT_FOR(host_balloon()->recoveries == 1);
	(void)text_sink_close();
	WAIT_FOR(fake_virtio_actual(host) == target && fake_virtio_given(host) == target);
	CHECK_EQ(host->nr_buffers, buffers + 1);
	CHECK_EQ(host->buffers[buffers].queue, VIRTIO_BALLOON_QUEUE_INFLATE);
	CHECK_EQ(host->buffers[buffers].units, target);
	host_detach();
}

/* A host that is late reads what stands in the array by then: a page that was given back to the
 * guest meanwhile would be taken from it. */
TEST(virtio_balloon_migrate, arrays_that_are_still_out_are_not_written)
{
	come_after_a_migration("virtio_balloon_deflating", PAGES / 2);
	come_after_a_migration("virtio_balloon_allocated", 2 * PAGES);
}

static void count_up(struct hook *hook)
{
	atomic_fetch_add((_Atomic unsigned *)hook->arg, 1);
}

static int move_in_vain(void *arg)
{
	(void)arg;
	return movable_migrate(moving[0], moving[1]);
}

/* The device's thread takes the news, and then wants the lock of who sleeps without them. */
TEST(virtio_balloon_migrate, request_for_a_reset_ends_a_wait_that_it_came_before)
{
	static _Atomic unsigned breaking;
	static struct hook hook = {
		.name = "virtio_balloon_breaking", .function = count_up, .arg = &breaking};
	static struct hook_gate waits;
	struct thread *mover;

	moving[0] = fresh();
	attach();
	host_balloon()->patience_ns = 5 * NSEC_PER_SEC;
	moving[1] = isolated_page();
	fake_virtio_behave(host, FAKE_HOLD);
	hook_gate_attach(&waits, "virtio_balloon_waits", NULL);
	atomic_store(&breaking, 0);
	hook_attach(&hook);
	text_sink_open();
	mover = test_thread(move_in_vain, NULL, THREAD_ANY_CPU);
	hook_gate_wait(&waits);
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_needs_reset(host);
	WAIT_FOR(breaking == 1);
	hook_gate_detach(&waits);
	CHECK_EQ(thread_join(mover), -EIO);
	page_put(moving[0]);
	movable_putback(moving[1]);
	WAIT_FOR(fake_virtio_actual(host) == PAGES && fake_virtio_given(host) == PAGES);
	(void)text_sink_close();
	hook_detach(&hook);
	CHECK_EQ(host_balloon()->recoveries, 1);
	host_detach();
}

/* The buffer is used and the interrupt is on its way when the time is up. */
static void use_at_the_last_moment(struct hook *hook)
{
	fake_virtio_release_unheard(host, host_balloon()->inflate, *(uint64_t *)hook->arg);
}

TEST(virtio_balloon_migrate, host_that_acknowledges_at_the_last_moment_is_believed)
{
	uint64_t end;
	struct hook hook = {.name = "wait_queue_sleep",
			    .function = use_at_the_last_moment,
			    .arg = &end,
			    .only = thread_current()};
	struct page *source, *destination = fresh();
	int error;

	attach();
	source = isolated_page();
	host_balloon()->patience_ns = NSEC_PER_SEC / 2;
	fake_virtio_behave(host, FAKE_HOLD);
	hook_attach(&hook);
	/* Later than the end of the wait that begins now. */
	end = clock_ns() + NSEC_PER_SEC;
	error = movable_migrate(destination, source);
	hook_detach(&hook);
	CHECK_EQ(error, 0);
	if (error)
		movable_putback(source); /* or nobody gets the device back */
	page_put(destination);
	CHECK_EQ(host_balloon()->recoveries, 0);
	host_detach();
}

#endif

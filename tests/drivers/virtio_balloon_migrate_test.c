// SPDX-License-Identifier: MIT
/*
 * Ballooned pages of the virtio client move while a device made of memory keeps the host's
 * books (spec-balloon B3 "migrate", B-R6, B-R7).
 */
#include <drivers/balloon/virtio_balloon.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

#define LIMIT_NS (20 * NSEC_PER_SEC)
#define PAGES    10

static struct fake_virtio *fake;

static struct virtio_balloon *balloon(void)
{
	return fake->device.driver_data;
}

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

static void attach(void)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	resize(PAGES);
}

static void detach(void)
{
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	CHECK_EQ(fake->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(fake);
}

/* One of the device's pages, isolated. */
static struct page *isolated_page(void)
{
	struct page *page = list_first(&balloon()->core.pages, struct page, list);

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
	fake_virtio_behave(fake, FAKE_HOLD);
	fake_virtio_set_target(fake, 2 * PAGES);
	WAIT_FOR(fake_virtio_held(fake) == 1);
	CHECK_EQ(movable_migrate(destination, source), -EAGAIN);
	CHECK(fake_virtio_holds(fake, unit(source)));
	CHECK(!fake_virtio_holds(fake, unit(destination)));
	fake_virtio_behave(fake, FAKE_PROMPT);
	fake_virtio_release(fake);
	WAIT_FOR(fake_virtio_actual(fake) == 2 * PAGES);
	movable_putback(source);
	page_put(destination);
	CHECK_EQ(balloon_pages(&balloon()->core), 2 * PAGES);
	detach();
}

TEST(virtio_balloon_migrate, V_T6_destination_is_inflated_before_source_is_deflated)
{
	struct page *source, *destination = fresh();
	unsigned buffers;

	attach();
	source = isolated_page();
	buffers = fake->nr_buffers;
	CHECK_EQ(movable_migrate(destination, source), 0);
	page_put(destination);
	REQUIRE(fake->nr_buffers == buffers + 2);
	CHECK_EQ(fake->buffers[buffers].queue, VIRTIO_BALLOON_QUEUE_INFLATE);
	CHECK_EQ(fake->buffers[buffers].first, unit(destination));
	CHECK_EQ(fake->buffers[buffers + 1].queue, VIRTIO_BALLOON_QUEUE_DEFLATE);
	CHECK_EQ(fake->buffers[buffers + 1].first, unit(source));
	CHECK_EQ(fake->buffers[buffers + 1].units, 1);
	CHECK(fake_virtio_holds(fake, unit(destination)));
	CHECK(!fake_virtio_holds(fake, unit(source)));
	CHECK_EQ(fake_virtio_given(fake), PAGES);
	CHECK_EQ(balloon()->size, PAGES);
	CHECK_EQ(fake_virtio_actual(fake), PAGES);
	CHECK_EQ(balloon_pages(&balloon()->core), PAGES);
	detach();
}

TEST(virtio_balloon_migrate, host_that_does_not_acknowledge_is_reset_with_all_pages_back)
{
	struct page *source, *destination = fresh();

	attach();
	balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	source = isolated_page();
	text_sink_open();
	fake_virtio_behave(fake, FAKE_HOLD);
	CHECK_EQ(movable_migrate(destination, source), -ETIMEDOUT);
	/* The host may have it: it is not free before the reset. */
	page_put(destination);
	fake_virtio_behave(fake, FAKE_PROMPT);
	movable_putback(source);
	WAIT_FOR(balloon()->recoveries == 1);
	(void)text_sink_close();
	WAIT_FOR(fake_virtio_actual(fake) == PAGES && fake_virtio_given(fake) == PAGES);
	CHECK(list_is_empty(&balloon()->limbo));
	detach();
}

static int put_back_later(void *page)
{
	thread_sleep_ns(20 * NSEC_PER_MSEC);
	CHECK(fake->device.driver_data != NULL);
	CHECK(fake_virtio_actual(fake) > 0);
	movable_putback(page);
	return 0;
}

TEST(virtio_balloon_migrate, V_T17_removal_waits_for_an_isolated_page)
{
	struct thread *thread;

	attach();
	thread = test_thread(put_back_later, isolated_page(), THREAD_ANY_CPU);
	virtio_device_detach(&fake->device);
	thread_join(thread);
	CHECK_EQ(fake_virtio_actual(fake), 0);
	CHECK_EQ(fake_virtio_given(fake), 0);
	CHECK_EQ(fake->host_errors, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(fake);
}

TEST(virtio_balloon_migrate, reset_waits_for_an_isolated_page)
{
	struct thread *thread;
	struct page *page, *destination = fresh();

	attach();
	page = isolated_page();
	text_sink_open();
	fake_virtio_needs_reset(fake);
	WAIT_FOR(balloon()->recoveries == 1);
	CHECK_EQ(movable_migrate(destination, page), -EAGAIN);
	page_put(destination);
	thread = test_thread(put_back_later, page, THREAD_ANY_CPU);
	thread_join(thread);
	(void)text_sink_close();
	WAIT_FOR(fake_virtio_actual(fake) == PAGES && fake_virtio_given(fake) == PAGES);
	CHECK_EQ(balloon_pages(&balloon()->core), PAGES);
	detach();
}

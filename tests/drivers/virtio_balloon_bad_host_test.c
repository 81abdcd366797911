// SPDX-License-Identifier: MIT
/*
 * The virtio balloon and a host that is wrong, hostile, impatient or gone (issue 6, "bad
 * input"): the guest neither hangs nor loses a page, and gives the host none that it uses
 * itself. What the host has, it overwrites.
 */
#include <tests/drivers/virtio_balloon_fixture.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/migrate.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <tests/drivers/balloon_budget.h>
#include <tests/drivers/vmware_fixture.h>
#include <tests/kernel/text_sink.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>

TEST(virtio_balloon_bad_host, target_that_moves_every_millisecond_is_followed)
{
	host_attach();
	for (unsigned i = 0; i < 200; i++) {
		fake_virtio_set_target(host, (uint32_t)test_random_below(3000));
		thread_sleep_ns(test_random_below(NSEC_PER_MSEC));
	}
	host_resize(1234);
	CHECK_EQ(host_balloon()->recoveries, 0);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 1234);
	host_detach();
}

TEST(virtio_balloon_bad_host, zero_asked_for_again_and_again_moves_nothing)
{
	unsigned kicks, writes;

	host_attach();
	WAIT_FOR(fake_virtio_config_reads(host) == 1);
	for (unsigned i = 2; i < 20; i++) {
		fake_virtio_set_target(host, 0);
		WAIT_FOR(fake_virtio_config_reads(host) == i);
	}
	CHECK_EQ(host->kicks, 0);
	CHECK_EQ(host->config_writes, 0);
	host_resize(700);
	host_resize(0);
	kicks = host->kicks;
	writes = host->config_writes;
	for (unsigned i = 0; i < 20; i++)
		fake_virtio_set_target(host, 0);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK_EQ(host->kicks, kicks);
	CHECK_EQ(host->config_writes, writes);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 0);
	host_detach();
}

/* Break the device in the middle of an inflation; it must come back and reach its target. */
static void break_and_recover(enum fake_behaviour behaviour, const char *message)
{
	host_attach();
	host_resize(700);
	text_sink_open();
	fake_virtio_behave(host, behaviour);
	fake_virtio_set_target(host, 2000);
	WAIT_FOR(host_balloon()->recoveries > 0);
	fake_virtio_behave(host, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_actual(host) == 2000 && fake_virtio_given(host) == 2000);
	CHECK(strstr(text_sink_close(), message) != NULL);
	CHECK(!host_balloon()->dead);
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_acknowledges_twice_is_survived)
{
	break_and_recover(FAKE_TWICE, "moved the used index");
}

TEST(virtio_balloon_bad_host, device_that_acknowledges_another_buffer_is_survived)
{
	break_and_recover(FAKE_OTHER, "does not hold");
}

TEST(virtio_balloon_bad_host, wild_used_index_is_survived)
{
	break_and_recover(FAKE_WILD_INDEX, "moved the used index");
}

TEST(virtio_balloon_bad_host, impossible_length_is_survived)
{
	break_and_recover(FAKE_TOO_LONG, "beyond the buffer");
}

TEST(virtio_balloon_bad_host, device_that_stays_wrong_is_given_up_with_all_pages_back)
{
	host_attach();
	host_balloon()->retry_ns = NSEC_PER_MSEC;
	host_resize(700);
	fake_virtio_behave(host, FAKE_TWICE);
	fake_virtio_set_target(host, 2000);
	WAIT_FOR(host_balloon()->dead);
	CHECK_EQ(host_balloon()->recoveries, VIRTIO_BALLOON_RECOVERIES);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 0);
	/* The target is not reached, but nobody tries again. */
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	WAIT_FOR(balloon_rests(host_balloon()));
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_never_acknowledges_is_reset_after_a_bounded_wait)
{
	host_attach();
	host_balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	host_resize(700);
	text_sink_open();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 100);
	WAIT_FOR(host_balloon()->recoveries > 0);
	fake_virtio_behave(host, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_actual(host) == 100 && fake_virtio_given(host) == 100);
	CHECK(strstr(text_sink_close(), "deflate of 600 pages not acknowledged") != NULL);
	host_detach();
}

TEST(virtio_balloon_bad_host, inflation_never_acknowledged_ends_in_a_reset)
{
	host_attach();
	host_balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	text_sink_open();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 600);
	WAIT_FOR(host_balloon()->recoveries > 0);
	fake_virtio_behave(host, FAKE_PROMPT);
	WAIT_FOR(fake_virtio_actual(host) == 600 && fake_virtio_given(host) == 600);
	CHECK(strstr(text_sink_close(), "inflate of 600 pages not acknowledged") != NULL);
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_does_not_reset_keeps_its_pages)
{
	host_attach();
	host_resize(700);
	fake_virtio_behave(host, FAKE_DEAF_TO_RESET);
	fake_virtio_needs_reset(host);
	WAIT_FOR(host_balloon()->dead);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 700);
	CHECK_EQ(fake_virtio_given(host), 700);
	/* Only a test can know that it is safe after all. */
	fake_virtio_behave(host, FAKE_PROMPT);
	host->device.stuck = false;
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_asks_for_a_reset_in_the_middle_is_survived)
{
	host_attach();
	host_resize(700);
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 2000);
	WAIT_FOR(fake_virtio_held(host) > 0);
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_needs_reset(host);
	WAIT_FOR(fake_virtio_actual(host) == 2000 && fake_virtio_given(host) == 2000);
	CHECK_EQ(host_balloon()->recoveries, 1);
	host_detach();
}

/* The device forgets everything without a word, at `target` on the way from 700. */
static void forget_on_the_way(uint32_t target)
{
	host_attach();
	host_resize(700);
	text_sink_open();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, target);
	WAIT_FOR(fake_virtio_held(host) > 0);
	fake_virtio_behave(host, FAKE_PROMPT);
	fake_virtio_forget(host);
	WAIT_FOR(fake_virtio_actual(host) == target && fake_virtio_given(host) == target);
	(void)text_sink_close();
	CHECK_EQ(host_balloon()->recoveries, 1);
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_resets_itself_in_an_inflation_is_survived)
{
	forget_on_the_way(2000);
}

TEST(virtio_balloon_bad_host, device_that_resets_itself_in_a_deflation_is_survived)
{
	forget_on_the_way(100);
}

TEST(virtio_balloon_bad_host, features_that_change_at_a_reset_are_negotiated_again)
{
	static const uint64_t offers[] = {
		VIRTIO_F_VERSION_1,
		VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX | VIRTIO_BALLOON_F_STATS,
		VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_MUST_TELL_HOST,
		VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_STATS | VIRTIO_F_INDIRECT,
	};

	host_create();
	host->queue_size[VIRTIO_BALLOON_QUEUE_STATS] = 16;
	REQUIRE(virtio_device_attach(&host->device) == 0);
	host_resize(300);
	text_sink_open();
	for (unsigned i = 0; i < ARRAY_SIZE(offers); i++) {
		bool stats = offers[i] & VIRTIO_BALLOON_F_STATS;

		host->offered = offers[i];
		fake_virtio_needs_reset(host);
		WAIT_FOR(host_balloon()->recoveries == i + 1);
		host_resize(300 + i);
		CHECK_EQ(host->accepted & VIRTIO_BALLOON_F_STATS,
			 offers[i] & VIRTIO_BALLOON_F_STATS);
		CHECK_EQ(fake_virtio_held(host), stats);
	}
	(void)text_sink_close();
	host_detach();
}

TEST(virtio_balloon_bad_host, device_that_comes_back_another_is_probed_as_what_it_is)
{
	struct fake_virtio *first;

	host_attach();
	host_resize(500);
	first = host;
	virtio_device_detach(&first->device);
	CHECK_EQ(first->nr_given, 0);
	/* The same device, with statistics, without event index, with a target still there. */
	first->offered = VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_STATS;
	first->queue_size[VIRTIO_BALLOON_QUEUE_STATS] = 4;
	first->queue_size[VIRTIO_BALLOON_QUEUE_INFLATE] = 2;
	REQUIRE(virtio_device_attach(&first->device) == 0);
	WAIT_FOR(fake_virtio_given(first) == 500 && fake_virtio_actual(first) == 500);
	CHECK_EQ(fake_virtio_stats(first), 1);
	virtio_device_detach(&first->device);
	/* And one that is none of ours any more: refused, and nothing is left. */
	first->offered = 0;
	CHECK(virtio_device_attach(&first->device) != 0);
	first->offered = VIRTIO_F_VERSION_1;
	REQUIRE(virtio_device_attach(&first->device) == 0);
	host_resize(0);
	host_detach();
}

/* ---- memory pressure ---- */

#define HOG_PAGES 256

static _Atomic bool hogs_end;
static _Atomic unsigned hog_wrong, hog_rounds;
static fake_buffer_fn *books;

/* The host uses what it has. */
static uint32_t overwrite(struct fake_virtio *device, unsigned queue,
			  const struct fake_chain *chain)
{
	const struct ring32 *units = phys_to_virt(chain->pieces[0].start);
	uint32_t count = chain->pieces[0].length / (uint32_t)sizeof(*units);

	for (uint32_t i = 0; queue == VIRTIO_BALLOON_QUEUE_INFLATE && i < count; i++)
		memset(page_to_virt(pfn_to_page(pfn(ring32_load(&units[i])))), 0xdd, 16);
	return books(device, queue, chain);
}

/* Takes pages, stamps them, looks at the stamps, gives them back. */
static int hog(void *arg)
{
	static struct page *held[2][HOG_PAGES];
	struct page **pages = held[(uintptr_t)arg];

	while (!atomic_load(&hogs_end)) {
		unsigned count = 0;

		while (count < HOG_PAGES &&
		       (pages[count] = page_alloc(NODE_ANY, 0, FOLIO_NOWARN)) != NULL) {
			*(uint64_t *)page_to_virt(pages[count]) = page_to_pfn(pages[count]).nr;
			count++;
		}
		thread_yield();
		while (count-- > 0) {
			hog_wrong += *(uint64_t *)page_to_virt(pages[count]) !=
				     page_to_pfn(pages[count]).nr;
			page_put(pages[count]);
		}
		hog_rounds++;
	}
	return 0;
}

TEST(virtio_balloon_bad_host, memory_pressure_while_inflating_takes_no_page_in_use)
{
	struct thread *hogs[2];
	unsigned rounds;

	host_create();
	books = host->serve;
	host->serve = overwrite;
	REQUIRE(virtio_device_attach(&host->device) == 0);
	atomic_store(&hogs_end, false);
	atomic_store(&hog_wrong, 0);
	hogs[0] = test_thread(hog, (void *)0, THREAD_ANY_CPU);
	hogs[1] = test_thread_try(hog, (void *)1, THREAD_ANY_CPU);
	if (!hogs[1]) {
		atomic_store(&hogs_end, true);
		thread_join(hogs[0]);
		ERROR("no memory for a thread");
	}
	for (unsigned i = 0; i < 10; i++) {
		rounds = atomic_load(&hog_rounds);
		host_resize(511); /* single pages, as those that the hogs take */
		WAIT_FOR(atomic_load(&hog_rounds) > rounds);
		host_resize(20000 + i);
		host_resize(i);
	}
	atomic_store(&hogs_end, true);
	for (unsigned i = 0; i < ARRAY_SIZE(hogs); i++)
		thread_join(hogs[i]);
	CHECK_EQ(atomic_load(&hog_wrong), 0);
	CHECK_EQ(host_balloon()->recoveries, 0);
	host_detach();
}

TEST(virtio_balloon_bad_host, two_virtio_balloons_at_once)
{
	struct fake_virtio *first, *second;

	host_attach();
	first = host;
	host_attach();
	second = host;
	fake_virtio_set_target(first, 3000);
	fake_virtio_set_target(second, 5000);
	host = first;
	WAIT_FOR(fake_virtio_given(first) == 3000 && fake_virtio_actual(first) == 3000);
	WAIT_FOR(fake_virtio_given(second) == 5000 && fake_virtio_actual(second) == 5000);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 3000);
	host_detach();
	host = second;
	CHECK_EQ(balloon_pages(&host_balloon()->core), 5000);
	host_detach();
}

TEST(virtio_balloon_bad_host, virtio_and_vmware_balloons_at_once)
{
	/* QEMU refuses two balloons: both hosts are models. */
	struct page *mine, *theirs, *fresh[2];
	uint64_t gauges = 0;

	host_attach();
	host_resize(3000);
	vmware_create(VMWARE_BASIC | VMWARE_BATCHED);
	vmware_resize(2000);
	for (unsigned node = 0; node < NODES_MAX; node++)
		gauges += balloon_node_pages(node);
	CHECK_EQ(gauges, 5000);
	/* A page of each moves; the other host hears nothing of it. */
	fresh[0] = vmware_fresh_page();
	fresh[1] = vmware_fresh_page();
	host_resize(3001); /* one base page at least */
	mine = list_first(&host_balloon()->core.pages, struct page, list);
	theirs = vmware_first_page();
	REQUIRE(movable_isolate(mine));
	REQUIRE(movable_isolate(theirs));
	CHECK_EQ(movable_migrate(fresh[0], mine), 0);
	CHECK_EQ(movable_migrate(fresh[1], theirs), 0);
	page_put(fresh[0]);
	page_put(fresh[1]);
	CHECK(fake_virtio_holds(host, (uint32_t)page_to_pfn(fresh[0]).nr));
	CHECK(!fake_virtio_holds(host, (uint32_t)page_to_pfn(fresh[1]).nr));
	vmware_compare();
	/* One host forgets all it had; the other keeps what it has. */
	vmware_tested->host.reset_required = true;
	vmware_step();
	CHECK_EQ(vmware_tested->size, 2000);
	CHECK_EQ(fake_virtio_given(host), 3001);
	host_resize(10);
	vmware_resize(0);
	CHECK_EQ(balloon_pages(&host_balloon()->core), 10);
	vmware_destroy();
	host_detach();
}

static int migrate_later(void *arg)
{
	struct page **pages = arg;
	uint64_t begin;
	int error;

	thread_sleep_ns(20 * NSEC_PER_MSEC);
	begin = clock_ns();
	/* Whoever removes the device looks for the page, with the device's lock held. */
	while ((error = movable_migrate(pages[1], pages[0])) == -EAGAIN && wait_a_little(begin))
		;
	CHECK_EQ(error, 0);
	page_put(pages[1]);
	return 0;
}

TEST(virtio_balloon_bad_host, removal_with_a_page_that_moves_meanwhile)
{
	struct page *pages[2];
	struct thread *mover;

	host_attach();
	host_resize(10);
	pages[1] = vmware_fresh_page();
	pages[0] = list_first(&host_balloon()->core.pages, struct page, list);
	REQUIRE(movable_isolate(pages[0]));
	mover = test_thread(migrate_later, pages, THREAD_ANY_CPU);
	/* Waits for the page, which is another one then, and takes that back too. */
	virtio_device_detach(&host->device);
	thread_join(mover);
	CHECK_EQ(fake_virtio_actual(host), 0);
	CHECK_EQ(host->host_errors, 0);
	CHECK_EQ(host->nr_given, 0);
	CHECK(balloon_check() == NULL);
	fake_virtio_destroy(host);
}

#ifdef QUIRE_TEST_HOOKS

/* As if the last report of the size were long ago. */
static void report_is_due(struct hook *hook)
{
	(void)hook;
	host_balloon()->actual_at = clock_ns() - VIRTIO_BALLOON_REPORT_NS;
}

static void nothing_was_told(struct hook *hook)
{
	(void)hook;
	fake_virtio_behave(host, FAKE_PROMPT);
	CHECK_EQ(fake_virtio_actual(host), 700);
}

/* It includes pages that the reset brings back; and who waits for the size believes that all is
 * well. */
TEST(virtio_balloon_bad_host, size_the_host_did_not_acknowledge_is_not_told)
{
	struct hook waits = {.name = "virtio_balloon_waits", .function = report_is_due};
	struct hook breaking = {.name = "virtio_balloon_breaking",
				.function = nothing_was_told};

	host_attach();
	host_resize(700);
	host_balloon()->patience_ns = 30 * NSEC_PER_MSEC;
	hook_attach(&waits);
	hook_attach(&breaking);
	text_sink_open();
	fake_virtio_behave(host, FAKE_HOLD);
	fake_virtio_set_target(host, 900);
	WAIT_FOR(fake_virtio_actual(host) == 900 && fake_virtio_given(host) == 900);
	(void)text_sink_close();
	hook_detach(&breaking);
	hook_detach(&waits);
	CHECK_EQ(host_balloon()->recoveries, 1);
	host_detach();
}

TEST(virtio_balloon_bad_host, more_than_exists_is_bounded_with_a_message)
{
	struct mm_statistics now;
	const char *text;
	uint64_t pages;

	host_attach();
	balloon_budget_start(10);
	text_sink_open();
	fake_virtio_set_target(host, UINT32_MAX);
	WAIT_FOR(fake_virtio_actual(host) == 10 * BALLOON_BLOCK_PAGES);
	text = text_sink_close();
	CHECK(strstr(text, "the host asks for 4294967295 pages") != NULL);
	mm_statistics(&now);
	pages = now.managed + 10 * BALLOON_BLOCK_PAGES;
	CHECK_EQ(host_balloon()->target, pages - balloon_reserve(pages));
	balloon_budget_end();
	host_detach();
}

#endif

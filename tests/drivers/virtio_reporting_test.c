// SPDX-License-Identifier: MIT
/*
 * Free page reporting of the virtio balloon against a device made of memory, which overwrites
 * what is reported as a host does that takes the memory away.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>
#include <platform/memory.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/drivers/probe_reset.h>
#include <tests/kernel/threads.h>
#include <tests/test.h>
#include <tests/wait.h>

#define BLOCKS 48
#define TOLD   (BLOCKS - PAGE_REPORTING_KEEP) /* of them at least */

static struct fake_virtio *fake;
static _Atomic unsigned told[FAKE_QUEUES];
static fake_buffer_fn *balloon_books;

static uint32_t serve(struct fake_virtio *device, unsigned queue,
		      const struct fake_chain *chain)
{
	if (queue <= VIRTIO_BALLOON_QUEUE_DEFLATE)
		return balloon_books(device, queue, chain);
	device->host_errors += chain->nr_read != 0 || chain->nr_write == 0;
	for (unsigned i = 0; i < chain->nr_write; i++) {
		const struct virtqueue_piece *piece = &chain->pieces[chain->nr_read + i];

		device->host_errors += piece->length != PAGE_REPORTING_BLOCK ||
				       !is_aligned(piece->start.addr, PAGE_REPORTING_BLOCK);
		memset(phys_to_virt(piece->start), 0, PAGE_SIZE);
		told[queue]++;
	}
	return 0;
}

static void create(unsigned queue)
{
	fake = fake_virtio_create();
	NEED(fake, "no memory for the fake device");
	memset((void *)told, 0, sizeof(told));
	balloon_books = fake->serve;
	fake->serve = serve;
	fake->offered |= VIRTIO_BALLOON_F_REPORTING;
	if (queue)
		fake->queue_size[queue] = 32;
}

static void detach(void)
{
	virtio_device_detach(&fake->device);
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

/* Some blocks are used, stamped, and freed; half of them stay and keep what is written. */
static void use_and_free(void)
{
	struct folio *folios[BLOCKS];

	for (unsigned i = 0; i < BLOCKS; i++) {
		folios[i] = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
		NEED(folios[i], "no blocks of 2 MiB");
		*(uint64_t *)folio_address(folios[i]) = folio_phys(folios[i]).addr;
	}
	for (unsigned i = 0; i < BLOCKS; i += 2)
		folio_put(folios[i]);
	thread_sleep_ns(PAGE_REPORTING_AGE_NS + 3 * PAGE_REPORTING_TICK_NS);
	for (unsigned i = 1; i < BLOCKS; i += 2) {
		CHECK_EQ(*(uint64_t *)folio_address(folios[i]), folio_phys(folios[i]).addr);
		folio_put(folios[i]);
	}
}

static struct page_reporting_statistics counted(void)
{
	struct page_reporting_statistics now;

	CHECK(page_reporting_statistics(&now));
	return now;
}

TEST(virtio_reporting, blocks_go_to_the_queue_that_the_device_has)
{
	for (unsigned queue = 2; queue < FAKE_QUEUES; queue++) {
		create(queue);
		REQUIRE(virtio_device_attach(&fake->device) == 0);
		use_and_free();
		WAIT_FOR(told[queue] >= TOLD);
		WAIT_FOR(counted().reported >= TOLD);
		detach();
	}
}

TEST(virtio_reporting, device_without_indirect_tables_and_event_index_is_told)
{
	create(4);
	fake->offered = VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_REPORTING;
	fake->queue_size[4] = 4;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	use_and_free();
	WAIT_FOR(told[4] >= TOLD);
	detach();
}

/* No table may have more entries than the ring. */
TEST(virtio_reporting, device_with_a_ring_shorter_than_a_table_is_told)
{
	create(4);
	fake->queue_size[4] = 2;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	CHECK(fake->accepted & VIRTIO_F_INDIRECT);
	use_and_free();
	WAIT_FOR(counted().reported >= TOLD);
	CHECK_EQ(counted().refused, 0);
	detach();
}

TEST(virtio_reporting, device_without_the_queue_is_a_balloon_all_the_same)
{
	struct page_reporting_statistics now;

	create(0);
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	CHECK(!page_reporting_statistics(&now));
	fake_virtio_set_target(fake, 100);
	WAIT_FOR(fake_virtio_given(fake) == 100);
	detach();
}

TEST(virtio_reporting, V_T14_poison_is_not_negotiated)
{
	create(4);
	fake->offered |= VIRTIO_BALLOON_F_POISON;
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	CHECK(!(fake->accepted & VIRTIO_BALLOON_F_POISON));
	CHECK(fake->accepted & VIRTIO_BALLOON_F_REPORTING);
	detach();
}

TEST(virtio_reporting, V_T15_guest_whose_free_pages_keep_a_value_does_not_report)
{
	struct page_reporting_statistics now;
	int error;

	create(4);
	page_reporting_free_keeps_value = true;
	error = virtio_device_attach(&fake->device);
	page_reporting_free_keeps_value = false;
	REQUIRE(error == 0);
	CHECK(!(fake->accepted & VIRTIO_BALLOON_F_REPORTING));
	CHECK(!page_reporting_statistics(&now));
	detach();
}

/* The report is out, then the device breaks: the blocks come back, and are told again. */
static void break_and_return(enum fake_behaviour behaviour)
{
	create(4);
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	use_and_free();
	WAIT_FOR(counted().reported >= TOLD);
	fake_virtio_behave_until_reset(fake, behaviour);
	use_and_free();
	if (behaviour == FAKE_HOLD) {
		WAIT_FOR(fake_virtio_held(fake) > 0);
		fake_virtio_needs_reset(fake);
	}
	WAIT_FOR(counted().refused > 0);
	/* Small requests may have used one meanwhile. */
	WAIT_FOR(counted().reported >= TOLD + TOLD / 2);
	CHECK_EQ(counted().lost, 0);
	detach();
}

TEST(virtio_reporting, V_T16_device_that_uses_other_buffers_gets_nothing_marked)
{
	break_and_return(FAKE_OTHER);
}

TEST(virtio_reporting, device_that_wants_a_reset_while_blocks_are_out_is_survived)
{
	break_and_return(FAKE_HOLD);
}

TEST(virtio_reporting, removal_and_new_probe_report_again)
{
	create(3);
	for (unsigned i = 0; i < 3; i++) {
		REQUIRE(virtio_device_attach(&fake->device) == 0);
		use_and_free();
		WAIT_FOR(counted().reported >= TOLD);
		virtio_device_detach(&fake->device);
	}
	CHECK_EQ(fake->host_errors, 0);
	fake_virtio_destroy(fake);
}

#ifdef QUIRE_TEST_HOOKS

static struct virtio_balloon *balloon(void)
{
	return fake->device.driver_data;
}

static unsigned recoveries(void)
{
	return balloon()->recoveries;
}

/* A report by hand, beside no other. */
static struct {
	struct folio *block;
	_Atomic bool wanted, returned;
	_Atomic unsigned held; /* by the device, when the guest had the block again */
	_Atomic bool left;     /* the hook */
} by_hand;

static void attach_for_a_report(void)
{
	create(4);
	by_hand.wanted = by_hand.returned = by_hand.left = false;
	by_hand.block = folio_alloc(NODE_ANY, BLOCK_ORDER, 0, NULL);
	NEED(by_hand.block, "no block of 2 MiB");
	REQUIRE(virtio_device_attach(&fake->device) == 0);
	virtio_reporting_stop(&balloon()->reporting);
	fake_virtio_behave(fake, FAKE_HOLD);
}

static int report_by_hand(void *arg)
{
	struct page_reporting_device *device = &balloon()->reporting.device;
	struct phys start = folio_phys(by_hand.block);
	uint64_t begin = clock_ns();
	int error;

	(void)arg;
	while (!by_hand.wanted && wait_a_little(begin))
		;
	error = device->report(device, &start, 1);
	by_hand.held = fake_virtio_held(fake);
	by_hand.returned = true;
	return error;
}

static bool failed(void)
{
	return virtio_reporting_failed(&balloon()->reporting);
}

/* The reset is over for who waits for the queue; give it time to use that. */
static void let_it_report(struct hook *hook)
{
	uint64_t begin = clock_ns();

	(void)hook;
	if (by_hand.left)
		return;
	by_hand.wanted = true;
	while (fake_virtio_held(fake) == 0 && wait_a_little(begin))
		;
	for (unsigned i = 0; i < 20 && !failed(); i++)
		thread_sleep_ns(NSEC_PER_MSEC);
	by_hand.left = true;
}

/* What the host has at the end of a reset is not the guest's before the next one. */
TEST(virtio_reporting, report_at_the_end_of_a_reset_is_not_ended_by_it)
{
	struct hook resumed = {.name = "virtio_reporting_resumed", .function = let_it_report};
	struct thread *reporter;

	attach_for_a_report();
	reporter = test_thread(report_by_hand, NULL, THREAD_ANY_CPU);
	hook_attach(&resumed);
	fake_virtio_needs_reset(fake);
	WAIT_FOR(by_hand.left);
	thread_sleep_ns(10 * NSEC_PER_MSEC);
	CHECK(!by_hand.returned);
	fake_virtio_needs_reset(fake);
	CHECK_EQ(thread_join(reporter), -EIO);
	hook_detach(&resumed);
	CHECK_EQ(by_hand.held, 0);
	WAIT_FOR(recoveries() == 2);
	fake_virtio_behave(fake, FAKE_PROMPT);
	folio_put(by_hand.block);
	detach();
}

TEST(virtio_reporting, device_that_is_reset_while_it_is_probed_is_told)
{
	create(4);
	REQUIRE(probe_with_reset(fake, "virtio_reporting_queue") == 0);
	CHECK(balloon()->reporting.registered);
	if (!balloon()->reporting.registered) {
		detach();
		return;
	}
	WAIT_FOR(recoveries() == 1);
	use_and_free();
	WAIT_FOR(counted().reported >= TOLD);
	detach();
}

/* Uses what it holds too late for the interrupt to come before the alarm. */
static void use_at_the_last_moment(struct hook *hook)
{
	fake_virtio_release_unheard(fake, balloon()->reporting.queue, *(uint64_t *)hook->arg);
}

TEST(virtio_reporting, device_that_uses_blocks_at_the_last_moment_is_believed)
{
	uint64_t end;
	struct hook hook = {.name = "wait_queue_sleep",
			    .function = use_at_the_last_moment,
			    .arg = &end,
			    .only = thread_current()};

	attach_for_a_report();
	by_hand.wanted = true;
	balloon()->reporting.patience_ns = NSEC_PER_SEC / 2;
	hook_attach(&hook);
	end = clock_ns() + NSEC_PER_SEC;
	CHECK_EQ(report_by_hand(NULL), 0);
	hook_detach(&hook);
	folio_put(by_hand.block);
	CHECK_EQ(recoveries(), 0);
	detach();
}

#endif

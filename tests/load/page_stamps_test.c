// SPDX-License-Identifier: MIT
/*
 * Nobody loses a page, and no host has one that the guest uses (issue 6, "Bad input"): three
 * balloons at once, virtio, VMware and CMM, against hosts that do at random what no host
 * should, beside a guest that allocates, splits and frees, with pages being moved and reported.
 * Each page that the guest or a host holds carries its address and a generation of its holder,
 * and every one of them is looked at after each step.
 *
 * `steps=` on the command line says how many; `make test` does a million.
 */
#include <tests/load/load.h>
#include <tests/load/stamping_host.h>

#include <drivers/balloon/virtio_balloon.h>
#include <kernel/bits.h>
#include <kernel/command_line.h>
#include <kernel/fault.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/compaction.h>
#include <mm/migrate.h>
#include <platform/clock.h>
#include <tests/drivers/cmm_model.h>
#include <tests/drivers/vmware_model.h>
#include <tests/kernel/text_sink.h>
#include <tests/test.h>
#include <errno.h>

COMMAND_LINE_KEY(steps, "steps", "random steps of the test page_stamps");

#define STEPS          2000
#define GUEST_PAGES    200u /* that the guest wishes for at most */
#define GUEST_ORDER    5u
#define HOST_PAGES     150u
#define BLOCK_SIZED    1100u /* whole 2 MiB blocks are among these */
#define PATIENCE_NS    (30 * NSEC_PER_MSEC)
#define RETRY_NS       (2 * NSEC_PER_MSEC)
#define RECOVERIES_MAX 12u /* then the device is taken out and comes back */

static struct load *guest;
static struct stamping_host virtio;
static struct vmware_balloon *vmware;
static struct cmm_balloon *cmm;
static unsigned silent; /* recoveries of the driver that end it; 0: it answers */
static uint64_t lives, resets, inflated, reported, moved, evacuated, held_at_removal;

static bool one_in(uint64_t chances)
{
	return test_random_below(chances) == 0;
}

static uint64_t any_target(void)
{
	if (one_in(8))
		return 0;
	return test_random_below(one_in(40) ? BLOCK_SIZED : HOST_PAGES);
}

/* ---- the virtio host ---- */

static struct virtio_balloon *virtio_driver(void)
{
	return virtio.fake->device.driver_data;
}

/* Other features and queue sizes each time. */
static bool virtio_attach(void)
{
	static const unsigned sizes[] = {1, 2, 24, 128};

	if (!stamping_host_create(&virtio))
		return false;
	virtio.fake->offered = VIRTIO_F_VERSION_1 | VIRTIO_BALLOON_F_REPORTING;
	virtio.fake->offered |= one_in(2) ? VIRTIO_F_EVENT_INDEX : 0;
	virtio.fake->offered |= one_in(2) ? VIRTIO_F_INDIRECT : 0;
	virtio.fake->offered |= one_in(2) ? VIRTIO_BALLOON_F_MUST_TELL_HOST : 0;
	virtio.fake->offered |= one_in(2) ? VIRTIO_BALLOON_F_DEFLATE_ON_OOM : 0;
	for (unsigned queue = 0; queue <= VIRTIO_BALLOON_QUEUE_DEFLATE; queue++)
		virtio.fake->queue_size[queue] = sizes[test_random_below(ARRAY_SIZE(sizes))];
	virtio.fake->queue_size[VIRTIO_BALLOON_QUEUE_REPORTING] = 32;
	if (virtio_device_attach(&virtio.fake->device)) {
		stamping_host_destroy(&virtio);
		return false;
	}
	virtio_driver()->patience_ns = PATIENCE_NS;
	virtio_driver()->retry_ns = RETRY_NS;
	silent = 0;
	lives++;
	return true;
}

static int put_back_later(void *page)
{
	thread_sleep_ns(NSEC_PER_MSEC);
	movable_putback(page);
	return 0;
}

/* Taken out, now and then while somebody else has one of its pages isolated. */
static const char *virtio_detach(void)
{
	static const struct thread_attributes attributes = {
		.name = "putback", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct page *page = one_in(2) ? stamping_host_page(&virtio, test_random()) : NULL;
	struct thread *holder = NULL;
	const char *problem;

	fake_virtio_behave(virtio.fake, FAKE_PROMPT);
	fake_virtio_release(virtio.fake);
	if (page && movable_isolate(page)) {
		holder = thread_create(&attributes, put_back_later, page);
		if (!holder)
			movable_putback(page);
	}
	virtio_device_detach(&virtio.fake->device);
	if (holder)
		held_at_removal += (uint64_t)thread_join(holder) + 1;
	problem = stamping_host_check(&virtio);
	if (virtio.nr_units && !problem)
		problem = "the virtio host has pages of a driver that is gone";
	resets += virtio.fake->resets;
	reported += virtio.reported;
	inflated += virtio.taken;
	stamping_host_destroy(&virtio);
	return problem;
}

static void virtio_misbehave(void)
{
	static const enum fake_behaviour ways[] = {FAKE_TWICE, FAKE_OTHER, FAKE_WILD_INDEX,
						   FAKE_TOO_LONG};

	fake_virtio_behave(virtio.fake, ways[test_random_below(ARRAY_SIZE(ways))]);
}

/* It answers nothing until the driver loses patience; nothing may be lost meanwhile. */
static void virtio_silent_step(void)
{
	bool reset = virtio_driver()->recoveries >= silent;

	fake_virtio_behave(virtio.fake, reset ? FAKE_PROMPT : FAKE_HOLD);
	if (reset)
		silent = 0;
}

static const char *virtio_step(void)
{
	if (virtio_driver()->dead || virtio_driver()->recoveries >= RECOVERIES_MAX ||
	    one_in(2000)) {
		const char *problem = virtio_detach();

		if (problem)
			return problem;
		return virtio_attach() ? NULL : "the virtio driver did not come back";
	}
	if (one_in(4000))
		virtio_misbehave();
	else if (one_in(4000))
		fake_virtio_needs_reset(virtio.fake);
	else if (one_in(60))
		fake_virtio_behave(virtio.fake, FAKE_HOLD);
	else if (one_in(4000))
		silent = virtio_driver()->recoveries + 1;
	else if (!silent && one_in(30))
		fake_virtio_behave(virtio.fake, FAKE_PROMPT);
	if (silent)
		virtio_silent_step();
	else if (one_in(30))
		fake_virtio_release(virtio.fake);
	if (one_in(3))
		fake_virtio_set_target(virtio.fake, (uint32_t)any_target());
	else if (one_in(50))
		thread_sleep_ns(NSEC_PER_MSEC);
	return NULL;
}

/* ---- the other two ---- */

static uint32_t judge_entry(uint32_t command, unsigned nr, uint64_t frame)
{
	(void)command;
	(void)nr;
	(void)frame;
	return one_in(50) ? 1 + (uint32_t)test_random_below(6) : VMWARE_OK;
}

static uint32_t judge_call(uint32_t command, unsigned nr, uint64_t frame)
{
	static const uint32_t failures[] = {VMWARE_FAILURE, VMWARE_BUSY, VMWARE_BAD_COMMAND};

	(void)command;
	(void)nr;
	(void)frame;
	return one_in(30) ? failures[test_random_below(3)] : VMWARE_OK;
}

static const char *vmware_step(void)
{
	if (one_in(30))
		vmware_model.reset_at = vmware_model.calls + 1 + (unsigned)test_random_below(6);
	if (one_in(8))
		vmware_balloon_shrink(vmware, test_random_below(HOST_PAGES));
	vmware->paused_until = 0;
	vmware_model.target = any_target();
	vmware_balloon_step(vmware);
	return NULL;
}

static bool cmm_fails(bool loaned)
{
	return one_in(loaned ? 300 : 100);
}

static const char *cmm_step(void)
{
	if (one_in(10))
		cmm_balloon_oom(cmm);
	if (one_in(4) && cmm_balloon_set_oom_freed(cmm, 0))
		return "freed pages could not be offered again";
	cmm_model.wanted = any_target();
	cmm_balloon_step(cmm);
	return NULL;
}

/* ---- the guest ---- */

static const char *guest_step(void)
{
	struct load_worker *worker = &guest->workers[0];

	load_step(worker);
	return NULL;
}

static struct page *first_of(const struct balloon_device *device)
{
	return list_is_empty(&device->pages) ? NULL
					     : list_first(&device->pages, struct page, list);
}

static struct page *any_ballooned(void)
{
	switch (test_random_below(3)) {
	case 0:
		return first_of(&vmware->pages);
	case 1:
		return first_of(&cmm->core);
	default:
		return stamping_host_page(&virtio, test_random());
	}
}

/* One page moves, or is put back; it may be gone before we have it. */
static const char *move_step(void)
{
	struct page *source = any_ballooned(), *destination;
	int error;

	if (!source || !movable_isolate(source))
		return NULL;
	destination = page_alloc(NODE_ANY, 0, FOLIO_NOWARN);
	error = destination && !one_in(4) ? movable_migrate(destination, source) : -ECANCELED;
	if (error)
		movable_putback(source);
	moved += !error;
	if (destination)
		page_put(destination);
	return error > 0 ? "a migration ended with neither success nor an error" : NULL;
}

/* All pages around one move out of the way, and the guest uses the place. */
static const char *evacuate_step(void)
{
	struct page *near = any_ballooned();
	uint64_t count = UINT64_C(1) << test_random_below(6);
	struct pfn start, busy;

	if (!near)
		return NULL;
	start = pfn(align_down(page_to_pfn(near).nr, count));
	if (page_alloc_evacuated(start, count, &busy) == 0) {
		load_take_singles(&guest->workers[0], pfn_to_page(start), count);
		evacuated++;
	}
	return NULL;
}

/* A block that becomes free, for reporting; used before, and stamped. */
static const char *block_step(void)
{
	struct folio *block = folio_alloc(NODE_ANY, BLOCK_ORDER, FOLIO_NOWARN, NULL);

	if (block) {
		memset(folio_address(block), 0x5a, PAGE_SIZE);
		folio_put(block);
	}
	return NULL;
}

/* ---- memory is short ---- */

#ifdef QUIRE_TEST_HOOKS
static struct thread *stepping;
static unsigned countdown; /* stepping's own: the allocation that fails, 0: none */
static _Atomic bool dry;   /* others get some and then none */
static _Atomic unsigned asked;

static bool decide(void)
{
	if (thread_current() == stepping)
		return countdown > 0 && --countdown == 0;
	return atomic_load(&dry) && atomic_fetch_add(&asked, 1) % 16 == 15;
}

static void pressure_begin(void)
{
	stepping = thread_current();
	countdown = 0;
	fault_set_plan(decide);
}

static void pressure_end(void)
{
	fault_set_plan(NULL);
	atomic_store(&dry, false);
}

static const char *under_pressure(const char *(*run)(void))
{
	const char *problem;

	if (one_in(200))
		atomic_store(&dry, !atomic_load(&dry) && one_in(2));
	/* Taking the device out and in again is set-up here, and may not fail. */
	if (run != virtio_step && one_in(40))
		countdown = 1 + (unsigned)test_random_below(12);
	problem = run();
	countdown = 0;
	return problem;
}
#else
static void pressure_begin(void)
{
}

static void pressure_end(void)
{
}

static const char *under_pressure(const char *(*run)(void))
{
	return run();
}
#endif

/* ---- all of it ---- */

static const struct {
	const char *(*run)(void);
	unsigned weight;
} kinds[] = {
	{guest_step, 600}, {virtio_step, 180},  {vmware_step, 70}, {cmm_step, 70},
	{move_step, 59},   {evacuate_step, 20}, {block_step, 1},
};
#define WEIGHTS 1000u

static const char *step(void)
{
	uint64_t chance = test_random_below(WEIGHTS);
	unsigned kind = 0;

	while (chance >= kinds[kind].weight)
		chance -= kinds[kind++].weight;
	return under_pressure(kinds[kind].run);
}

/* Every page of the guest and of each host. */
static const char *look(void)
{
	const char *problem;

	if (load_check(guest))
		return "a page of the guest was written by somebody else";
	problem = stamping_host_check(&virtio);
	if (!problem)
		problem = vmware_model_compare(vmware);
	return problem ? problem : cmm_model_compare(cmm);
}

static void begin(void)
{
	lives = resets = inflated = reported = moved = evacuated = held_at_removal = 0;
	guest = load_create(1);
	NEED(guest, "no memory for the guest's pages");
	guest->pages_max = GUEST_PAGES;
	guest->order_max = GUEST_ORDER;
	load_seed(&guest->workers[0], test_random());
	vmware_model_create();
	vmware = vmware_balloon_create(vmware_model_call, VMWARE_NO_DOORBELL);
	cmm = cmm_balloon_create(cmm_model_create(PAGE_SHIFT - 2));
	NEED(vmware && cmm, "no memory for the balloons");
	cmm->minimum_pages = 0;
	vmware_model.judge = judge_entry;
	vmware_model.judge_call = judge_call;
	cmm_model.fails = cmm_fails;
	NEED(virtio_attach(), "no virtio balloon");
}

/* All pages come home, and every account ends at nothing. */
static const char *end(void)
{
	const char *problem = virtio_detach();

	vmware_balloon_destroy(vmware);
	if (!problem && (vmware_model.nr_held || vmware_model.errors))
		problem = "the VMware host has pages, or saw an error";
	vmware_model_destroy();
	cmm_model.fails = NULL;
	cmm_balloon_stop(cmm);
	cmm_balloon_destroy(cmm);
	if (!problem && (cmm_model.nr_loaned != cmm_model.nr_stray || cmm_model.errors))
		problem = "the hypervisor has pages on loan, or saw an error";
	cmm_model_destroy();
	return problem;
}

TEST(page_stamps, every_page_keeps_its_holders_stamp_after_each_step)
{
	uint64_t steps = command_line_number("steps", STEPS), done = 0;
	const char *problem = NULL, *last;
	struct load_report report;

	begin();
	pressure_begin();
	text_sink_open(); /* every broken host is complained about */
	while (done < steps && !problem) {
		problem = step();
		done++;
		if (!problem)
			problem = look();
	}
	pressure_end();
	last = end();
	(void)text_sink_close();
	CHECK_STR(problem ? problem : "all right", "all right");
	CHECK_STR(last ? last : "all right", "all right");
	CHECK_EQ(done, steps);
	load_empty(guest);
	load_report(guest, &report);
	CHECK_EQ(report.counts.wrong, 0);
	CHECK_EQ(load_ledger_check(&report), -1);
	load_destroy(guest);
	print("# %llu steps, %llu of the guest; %llu pages moved, %llu ranges evacuated\n",
	      (unsigned long long)done, (unsigned long long)report.operations,
	      (unsigned long long)moved, (unsigned long long)evacuated);
	print("# virtio device: %llu lives, %llu of them ended with a page isolated, %llu "
	      "resets, "
	      "%llu pages inflated, %llu blocks reported; calls of VMware %u, of CMM %u\n",
	      (unsigned long long)lives, (unsigned long long)held_at_removal,
	      (unsigned long long)resets, (unsigned long long)inflated,
	      (unsigned long long)reported, vmware_model.calls, cmm_model.calls);
}

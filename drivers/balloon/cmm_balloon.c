// SPDX-License-Identifier: MIT
/*
 * Collaborative memory. A worker compares the request with what is on loan every second. A page
 * is counted as loaned exactly while it is in the core's balloon. That the hypervisor will not
 * take a page back into use changes nothing here: it is the guest's memory, and the call only
 * spares the hypervisor a fault.
 */
#include <drivers/balloon/cmm_balloon.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>

/* Pages taken off the list at a time. */
#define FREE_BATCH 256u

/* ---- the two calls ---- */

/* Every page of the hypervisor's inside ours; those done go back to what they were when one
 * fails, which itself is left as it is. */
static int page_call(struct cmm_balloon *balloon, const struct page *page, bool loaned)
{
	uint64_t start = page_to_phys(page).addr, step, done;
	int error = 0;

	if (!balloon->host)
		return 0;
	step = BIT64(balloon->host->page_shift);
	for (done = 0; done < PAGE_SIZE && !error; done += step)
		error = balloon->host->page_init(phys(start + done), loaned);
	if (!error)
		return 0;
	for (done -= step; done > 0; done -= step)
		if (balloon->host->page_init(phys(start + done - step), !loaned))
			balloon->failures++;
	return error;
}

static int request_read(struct cmm_balloon *balloon, int64_t *request)
{
	if (balloon->host)
		return balloon->host->performance(request);
	*request = (int64_t)(balloon->loan_wanted - balloon->loaned) * (int64_t)PAGE_SIZE;
	return 0;
}

/* ---- pages ---- */

static bool is_stopping(struct cmm_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool stopping = balloon->stopping;

	wait_queue_unlock(&balloon->news, irq);
	return stopping;
}

static bool loan_page(struct cmm_balloon *balloon)
{
	struct page *page = balloon_page_alloc(&balloon->core);

	if (!page)
		return false;
	if (page_call(balloon, page, true)) {
		page_free(page, 0);
		return false;
	}
	balloon->loaned++; /* first: whoever is out of memory may take it at once */
	balloon_enqueue(&balloon->core, page);
	return true;
}

/* Not while memory goes offline, nor before the worker has seen that it did. */
static bool loan_one(struct cmm_balloon *balloon)
{
	bool done;

	HOOK(cmm_loan);
	if (is_stopping(balloon) || !mutex_trylock(&balloon->hotplug))
		return false;
	done = !balloon->hotplug_occurred && loan_page(balloon);
	mutex_unlock(&balloon->hotplug);
	return done;
}

/* What could not be loaned. */
static uint64_t loan(struct cmm_balloon *balloon, uint64_t pages)
{
	while (pages > 0 && loan_one(balloon))
		pages--;
	return pages;
}

/* What could not be freed, because it is isolated or there is no more. */
static uint64_t unloan(struct cmm_balloon *balloon, uint64_t pages)
{
	struct list_head entries = LIST_INIT(entries);
	struct page *page;
	uint64_t got;

	do {
		got = balloon_dequeue_list(&balloon->core, &entries, MIN(pages, FREE_BATCH));
		list_for_each_entry (page, &entries, list)
			if (page_call(balloon, page, false))
				balloon->failures++;
		balloon_free_list(&entries);
		balloon->loaned -= got;
		pages -= got;
	} while (got > 0 && pages > 0);
	return pages;
}

static int migrate(struct balloon_device *device, struct page *destination, struct page *source)
{
	struct cmm_balloon *balloon = container_of(device, struct cmm_balloon, core);

	if (page_call(balloon, destination, true))
		return -EBUSY;
	if (page_call(balloon, source, false))
		balloon->failures++;
	return 0;
}

/* ---- the target ---- */

uint64_t cmm_target(int64_t request, uint64_t loaned, uint64_t total, uint64_t minimum,
		    uint64_t oom_freed)
{
	int64_t wanted = request / (int64_t)PAGE_SIZE + (int64_t)loaned;
	uint64_t target;

	if (wanted < 0 || total < minimum)
		return 0;
	target = (uint64_t)wanted;
	target -= MIN(target, oom_freed);
	return MIN(target, total - minimum);
}

/* Down to the target, if it is below; what is to be loaned for it, if it is above. */
static uint64_t target_follow(struct cmm_balloon *balloon)
{
	struct mm_statistics now;
	uint64_t loaned, target;
	int64_t request;

	if (request_read(balloon, &request)) {
		balloon->failures++;
		return 0;
	}
	HOOK(cmm_requested);
	mm_statistics(&now);
	loaned = balloon->loaned;
	target = cmm_target(request, loaned, now.managed + loaned, balloon->minimum_pages,
			    balloon->oom_freed);
	balloon->target = target;
	if (target > loaned)
		return target - loaned;
	unloan(balloon, loaned - target);
	return 0;
}

static void follow(struct cmm_balloon *balloon)
{
	uint64_t more;

	mutex_lock(&balloon->account);
	more = target_follow(balloon);
	mutex_unlock(&balloon->account);
	if (loan(balloon, more)) {
		balloon->shortages++;
		balloon->target = balloon->loaned;
	}
}

uint64_t cmm_balloon_step(struct cmm_balloon *balloon)
{
	bool occurred;

	if (!mutex_trylock(&balloon->hotplug))
		return CMM_DELAY_NS;
	occurred = balloon->hotplug_occurred;
	balloon->hotplug_occurred = false;
	mutex_unlock(&balloon->hotplug);
	if (occurred)
		return CMM_HOTPLUG_DELAY_NS;
	follow(balloon);
	return CMM_DELAY_NS;
}

/* ---- what others say ---- */

uint64_t cmm_balloon_oom(struct cmm_balloon *balloon)
{
	uint64_t freed;

	mutex_lock(&balloon->account);
	freed = CMM_OOM_PAGES - unloan(balloon, CMM_OOM_PAGES);
	HOOK(cmm_given);
	balloon->target = balloon->loaned;
	balloon->oom_freed += freed;
	mutex_unlock(&balloon->account);
	return freed;
}

/* Always the same amount, however little is missing. */
static uint64_t give(struct oom_hook *hook, uint64_t pages)
{
	(void)pages;
	return cmm_balloon_oom(container_of(hook, struct cmm_balloon, oom));
}

int cmm_balloon_set_oom_freed(struct cmm_balloon *balloon, uint64_t value)
{
	if (value != 0)
		return -EINVAL;
	balloon->oom_freed = 0;
	return 0;
}

void cmm_balloon_hotplug_begin(struct cmm_balloon *balloon)
{
	mutex_lock(&balloon->hotplug);
	balloon->hotplug_occurred = true;
}

void cmm_balloon_hotplug_end(struct cmm_balloon *balloon)
{
	mutex_unlock(&balloon->hotplug);
}

/* The thread that takes memory offline holds the mutex from one event to the next, whatever the
 * range: our pages in it move by migration meanwhile. */
NO_LOCK_ANALYSIS
static void tell(struct offline_notifier *notifier, enum offline_event event, struct pfn start,
		 uint64_t count)
{
	struct cmm_balloon *balloon = container_of(notifier, struct cmm_balloon, offline);

	(void)start;
	(void)count;
	if (event == OFFLINE_GOING)
		cmm_balloon_hotplug_begin(balloon);
	else
		cmm_balloon_hotplug_end(balloon);
}

/* ---- worker, start and end ---- */

/* False at the end. */
static bool news_wait(struct cmm_balloon *balloon, uint64_t delay)
{
	uint64_t deadline = wait_deadline(delay);
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;
	bool go_on;

	while (!balloon->stopping && !error)
		error = wait_queue_sleep(&balloon->news, &irq, deadline);
	go_on = !balloon->stopping;
	wait_queue_unlock(&balloon->news, irq);
	return go_on;
}

static int cmm_thread(void *arg)
{
	struct cmm_balloon *balloon = arg;

	while (news_wait(balloon, cmm_balloon_step(balloon)))
		;
	return 0;
}

static void set_stopping(struct cmm_balloon *balloon, bool stopping)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->stopping = stopping;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

static void report(struct balloon_client *client, struct balloon_client_report *report)
{
	struct cmm_balloon *balloon = container_of(client, struct cmm_balloon, client);

	report->state = balloon->host ? "following" : "simulated";
	report->target = balloon->target;
	report->actual = balloon->loaned;
	report->isolated = balloon_isolated(&balloon->core);
	report->counters[0] = (struct balloon_client_counter){"oom_freed", balloon->oom_freed};
	report->counters[1] = (struct balloon_client_counter){"shortages", balloon->shortages};
	report->counters[2] = (struct balloon_client_counter){"failures", balloon->failures};
}

/* No worker, and nothing that asks for pages to be moved. */
static void worker_stop(struct cmm_balloon *balloon)
{
	set_stopping(balloon, true);
	if (balloon->thread) {
		offline_notifier_unregister(&balloon->offline);
		oom_hook_unregister(&balloon->oom);
		balloon_client_remove(&balloon->client);
		thread_join(balloon->thread);
	}
	balloon->thread = NULL;
}

/* Isolated pages come back in bounded time (mm/migrate.h). */
static void unloan_all(struct cmm_balloon *balloon)
{
	while (balloon->loaned > 0) {
		unloan(balloon, balloon->loaned);
		HOOK(cmm_stop);
		if (balloon->loaned > 0)
			thread_sleep_ns(NSEC_PER_MSEC);
	}
	balloon->target = 0;
}

/* C-T11: what is on loan when the machine starts again is lost to it. */
static int run_shutdown(struct shutdown_hook *hook)
{
	struct cmm_balloon *balloon = container_of(hook, struct cmm_balloon, shutdown);

	worker_stop(balloon);
	unloan_all(balloon);
	return 0;
}

struct cmm_balloon *cmm_balloon_create(const struct cmm_host *host)
{
	struct cmm_balloon *balloon = kzalloc(sizeof(*balloon));

	ASSERT(!host || host->page_shift <= PAGE_SHIFT);
	if (!balloon)
		return NULL;
	balloon->host = host;
	balloon->minimum_pages = CMM_MINIMUM_PAGES;
	balloon_device_init(&balloon->core, "cmm", true, migrate);
	mutex_init(&balloon->hotplug);
	mutex_init(&balloon->account);
	wait_queue_init(&balloon->news);
	balloon->client = (struct balloon_client){.name = "cmm", .report = report};
	balloon->oom = (struct oom_hook){.name = "cmm balloon", .give = give};
	balloon->offline.tell = tell;
	balloon->shutdown = (struct shutdown_hook){
		.name = "cmm balloon", .stage = SHUTDOWN_CLIENTS, .run = run_shutdown};
	return balloon;
}

int cmm_balloon_run(struct cmm_balloon *balloon)
{
	struct thread_attributes attributes = {
		.name = "cmm balloon",
		.cpu = THREAD_ANY_CPU,
		.priority = THREAD_NORMAL,
	};

	if (balloon->thread)
		return -EALREADY;
	set_stopping(balloon, false);
	balloon->thread = thread_create(&attributes, cmm_thread, balloon);
	if (!balloon->thread)
		return -ENOMEM;
	balloon_client_add(&balloon->client);
	oom_hook_register(&balloon->oom);
	offline_notifier_register(&balloon->offline);
	shutdown_hook_register(&shutdown_hooks, &balloon->shutdown);
	return 0;
}

void cmm_balloon_stop(struct cmm_balloon *balloon)
{
	if (balloon->thread)
		shutdown_hook_unregister(&shutdown_hooks, &balloon->shutdown);
	worker_stop(balloon);
	unloan_all(balloon);
	set_stopping(balloon, false);
}

void cmm_balloon_destroy(struct cmm_balloon *balloon)
{
	cmm_balloon_stop(balloon);
	balloon_device_destroy(&balloon->core);
	kfree(balloon);
}

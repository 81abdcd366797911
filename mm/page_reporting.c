// SPDX-License-Identifier: MIT
/*
 * Page reporting at work: which device, a thread for it that sleeps unless there is something
 * to look at, and what was counted.
 */
#include <mm/page_reporter.h>

#include <errno.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <kernel/thread.h>
#include <mm/slab.h>
#include <platform/clock.h>

bool page_reporting_free_keeps_value;
uint32_t page_reporting_free_value;

struct reporting {
	struct page_reporter reporter;
	struct thread *thread;
	struct wait_queue queue;
	bool woken;    /* queue.lock */
	bool stopping; /* queue.lock */
};

/* Above `current_one`: who registers and who reads. */
static struct mutex lock = MUTEX_INIT(lock);
static struct reporting *current_one; /* lock */

static void wake(struct page_reporter *reporter)
{
	struct reporting *reporting = container_of(reporter, struct reporting, reporter);
	struct irq_state irq = wait_queue_lock(&reporting->queue);

	reporting->woken = true;
	wait_queue_wake_all(&reporting->queue);
	wait_queue_unlock(&reporting->queue, irq);
}

uint64_t page_reporting_keep(uint64_t blocks)
{
	return MIN(blocks / PAGE_REPORTING_KEEP_SHARE, PAGE_REPORTING_KEEP);
}

/* Sleep until the deadline, or until a block became free; false: the end. */
static bool sleep_until(struct reporting *reporting, uint64_t deadline)
{
	struct irq_state irq = wait_queue_lock(&reporting->queue);
	int error = 0;
	bool go_on;

	while (!reporting->stopping && !error && clock_ns() < deadline &&
	       !(deadline == CLOCK_NEVER && reporting->woken))
		error = wait_queue_sleep(&reporting->queue, &irq, deadline);
	reporting->woken = false;
	go_on = !reporting->stopping;
	wait_queue_unlock(&reporting->queue, irq);
	return go_on;
}

static int reporting_thread(void *arg)
{
	struct reporting *reporting = arg;
	uint64_t next = 0;

	while (sleep_until(reporting, next))
		next = page_reporter_look(&reporting->reporter);
	return 0;
}

static int thread_start(struct reporting *reporting)
{
	const struct thread_attributes attributes = {
		.name = "page reporting",
		.cpu = THREAD_ANY_CPU,
		.priority = THREAD_NORMAL,
	};

	reporting->thread = thread_create(&attributes, reporting_thread, reporting);
	return reporting->thread ? 0 : -ENOMEM;
}

static int start(struct page_reporting_device *device)
{
	struct reporting *reporting = kzalloc(sizeof(*reporting));
	int error;

	if (!reporting)
		return -ENOMEM;
	wait_queue_init(&reporting->queue);
	reporting->reporter.device = device;
	reporting->reporter.clock = clock_ns;
	reporting->reporter.wake = wake;
	reporting->reporter.keep = page_reporting_keep;
	error = page_reporter_start(&reporting->reporter);
	if (error) {
		kfree(reporting);
		return error;
	}
	error = thread_start(reporting);
	if (error) {
		page_reporter_end(&reporting->reporter);
		kfree(reporting);
		return error;
	}
	current_one = reporting;
	return 0;
}

int page_reporting_register(struct page_reporting_device *device)
{
	int error;

	if (page_reporting_free_keeps_value && !device->keeps_value)
		return -EOPNOTSUPP;
	mutex_lock(&lock);
	error = current_one ? -EBUSY : start(device);
	mutex_unlock(&lock);
	return error;
}

static void thread_stop(struct reporting *reporting)
{
	struct irq_state irq = wait_queue_lock(&reporting->queue);

	reporting->stopping = true;
	wait_queue_wake_all(&reporting->queue);
	wait_queue_unlock(&reporting->queue, irq);
	thread_join(reporting->thread);
}

void page_reporting_unregister(struct page_reporting_device *device)
{
	struct reporting *reporting;

	mutex_lock(&lock);
	reporting = current_one && current_one->reporter.device == device ? current_one : NULL;
	if (reporting) {
		current_one = NULL;
		thread_stop(reporting);
		page_reporter_end(&reporting->reporter);
		kfree(reporting);
	}
	mutex_unlock(&lock);
}

/* What was used again first: no more than was reported until then. */
static void copy(struct page_reporting_statistics *to, struct page_reporter *from)
{
	uint64_t taken_back = atomic_load(&from->taken_back);

	*to = (struct page_reporting_statistics){
		.reported = atomic_load(&from->reported),
		.refused = atomic_load(&from->refused),
		.lost = atomic_load(&from->lost),
		.taken_back = taken_back,
		.early = atomic_load(&from->early),
		.looks = atomic_load(&from->looks),
		.batches = atomic_load(&from->batches),
		.pending = atomic_load(&from->pending),
		.held = atomic_load(&from->held),
		.waited_max_ns = atomic_load(&from->waited_max_ns),
	};
	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS; i++)
		to->waited[i] = atomic_load(&from->waited[i]);
}

const char *page_reporting_statistics(struct page_reporting_statistics *statistics)
{
	const char *name = NULL;

	*statistics = (struct page_reporting_statistics){0};
	mutex_lock(&lock);
	if (current_one) {
		name = current_one->reporter.device->name;
		copy(statistics, &current_one->reporter);
	}
	mutex_unlock(&lock);
	return name;
}

uint64_t page_reporting_percentile(const struct page_reporting_statistics *statistics,
				   unsigned percent)
{
	uint64_t sum = 0, all = 0;

	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS; i++)
		all += statistics->waited[i];
	for (unsigned i = 0; i < PAGE_REPORTING_BUCKETS - 1; i++) {
		sum += statistics->waited[i];
		if (all && sum * 100 >= all * percent)
			return MIN((i + 1) * PAGE_REPORTING_BUCKET_NS,
				   statistics->waited_max_ns);
	}
	return all ? statistics->waited_max_ns : 0;
}

// SPDX-License-Identifier: MIT
/*
 * Memory taken back ahead of need, for the sake of requests that cannot wait: when a zone goes
 * below its low watermark the thread shrinks caches until every zone is at its high one, harder
 * each time that gave too little, up to everything. Compaction and out-of-memory hooks are left
 * to requests: their price is paid when somebody would fail without.
 */
#include <mm/reclaim.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/scheduler.h>
#include <mm/node.h>
#include <mm/shrinker.h>
#include <platform/clock.h>

/* After a round that freed nothing: caches fill by use, not by being asked. */
#define FRUITLESS_NS (100 * NSEC_PER_MSEC)

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
/* Somebody was low since zones were last looked at. */
static _Atomic bool wanted;
static _Atomic uint64_t rounds, freed_pages;

/* An exchange each time: of who finds it set, the look that ends it sees what he counted. */
void reclaim_wake(void)
{
	struct irq_state irq;

	if (atomic_exchange(&wanted, true))
		return;
	irq = wait_queue_lock(&queue);
	wait_queue_wake_all(&queue);
	wait_queue_unlock(&queue, irq);
}

/* Pages that the zones of a node have less than their high watermarks ask for. */
static uint64_t missing_on(unsigned node)
{
	uint64_t missing = 0;

	for (unsigned i = 0; i < zone_count; i++)
		if (zones[i]->node == node)
			missing += zone_missing(zones[i], zones[i]->high);
	return missing;
}

uint64_t reclaim_balance(void)
{
	struct thread *self = thread_current();
	unsigned priority = SHRINK_PRIORITY_LIGHT;
	uint64_t freed = 0, enough, got;

	self->reclaims = true;
	do {
		(void)atomic_exchange(&wanted, false);
		enough = got = 0;
		for (unsigned node = 0; node < node_count(); node++) {
			uint64_t missing = missing_on(node);

			enough += missing;
			got += missing ? shrink_node(node, priority) : 0;
		}
		freed += got;
		/* When others used what was enough, that is no reason to press harder. */
	} while (enough && (got >= enough || priority-- > 0));
	self->reclaims = false;
	atomic_fetch_add(&rounds, 1);
	atomic_fetch_add(&freed_pages, freed);
	return freed;
}

static void sleep_until_low(void)
{
	struct irq_state irq;

	HOOK(reclaim_thread_sleeps);
	irq = wait_queue_lock(&queue);
	while (!atomic_load(&wanted))
		(void)!wait_queue_sleep(&queue, &irq, CLOCK_NEVER);
	wait_queue_unlock(&queue, irq);
}

static NORETURN int reclaim_thread(void *unused)
{
	(void)unused;
	for (;;) {
		sleep_until_low();
		if (reclaim_balance() > 0)
			continue;
		thread_sleep_ns(FRUITLESS_NS);
		/* Who asked meanwhile would have got nothing: the next one is looked after. */
		atomic_store(&wanted, false);
	}
}

void reclaim_start(void)
{
	const struct thread_attributes attributes = {
		.name = "reclaim", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *thread = thread_create(&attributes, reclaim_thread, NULL);

	if (!thread)
		panic("mm: no memory for the reclaim thread: give the machine more memory");
	thread_detach(thread);
}

void reclaim_thread_statistics(struct reclaim_statistics *statistics)
{
	statistics->rounds = atomic_load(&rounds);
	statistics->freed_ahead = atomic_load(&freed_pages);
}

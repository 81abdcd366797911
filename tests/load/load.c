// SPDX-License-Identifier: MIT
/*
 * The load as a whole: workers as threads, for a time or a number of steps.
 */
#include <tests/load/load.h>
#include <errno.h>
#include <kernel/bits.h>
#include <kernel/thread.h>
#include <mm/slab.h>
#include <platform/clock.h>

#define CLOCK_STEPS 64u /* between two looks at the clock */

static struct lock_class exchange_class = {.name = "load.exchange"};

struct load *load_create(unsigned nr_workers)
{
	size_t size = sizeof(struct load) + nr_workers * sizeof(struct load_worker);
	struct load *load = kzalloc(MAX(size, (size_t)SLAB_OBJECT_MAX + 1));

	if (!load)
		return NULL;
	load->nr_workers = nr_workers;
	load->pages_max = UINT64_MAX;
	load->order_max = FOLIO_ORDER_MAX;
	spin_lock_init(&load->lock, &exchange_class);
	for (unsigned i = 0; i < nr_workers; i++)
		load->workers[i].load = load;
	return load;
}

void load_empty(struct load *load)
{
	struct load_worker *first = &load->workers[0];

	for (unsigned i = 0; i < load->nr_workers; i++)
		while (load->workers[i].nr_items > 0) {
			struct load_item item = load_item_remove(&load->workers[i], 0);

			load_item_put(first, &item);
		}
	for (unsigned i = 0; i < LOAD_EXCHANGE; i++) {
		if (load->exchange[i].kind != LOAD_NOTHING)
			load_item_put(first, &load->exchange[i]);
		load->exchange[i] = (struct load_item){0};
	}
}

void load_destroy(struct load *load)
{
	kfree(load);
}

static int worker_thread(void *arg)
{
	struct load_worker *worker = arg;
	const struct load *load = worker->load;

	for (uint64_t step = 0; step < load->operations; step++) {
		if (step % CLOCK_STEPS == 0 && clock_ns() >= load->until_ns)
			break;
		load_step(worker);
	}
	return 0;
}

int load_run(struct load *load, uint64_t seed, uint64_t until_ns, uint64_t operations)
{
	static const struct thread_attributes attributes = {
		.name = "load", .cpu = THREAD_ANY_CPU, .priority = THREAD_NORMAL};
	struct thread *threads[LOAD_WORKERS_MAX];
	unsigned started = 0;

	load->until_ns = until_ns;
	load->operations = operations;
	while (started < load->nr_workers) {
		struct load_worker *worker = &load->workers[started];

		/* Never 0, and far from the neighbour's. */
		worker->random =
			(seed * LOAD_WORKERS_MAX + started + 1) * UINT64_C(0x9e3779b97f4a7c15);
		threads[started] = thread_create(&attributes, worker_thread, worker);
		if (!threads[started])
			break;
		started++;
	}
	for (unsigned i = 0; i < started; i++)
		thread_join(threads[i]);
	return started == load->nr_workers ? 0 : -ENOMEM;
}

uint64_t load_check(struct load *load)
{
	struct load_worker *first = &load->workers[0];
	uint64_t before = first->counts.wrong;

	for (unsigned i = 0; i < load->nr_workers; i++)
		for (unsigned nr = 0; nr < load->workers[i].nr_items; nr++)
			load_item_check(first, &load->workers[i].items[nr]);
	for (unsigned i = 0; i < LOAD_EXCHANGE; i++)
		if (load->exchange[i].kind != LOAD_NOTHING)
			load_item_check(first, &load->exchange[i]);
	return first->counts.wrong - before;
}

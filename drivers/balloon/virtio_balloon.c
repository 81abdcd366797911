// SPDX-License-Identifier: MIT
/*
 * Virtio balloon. A thread per device compares the host's target with what the host has and
 * moves up to 128 arrays of 256 page numbers at a time: one notification, one interrupt. The
 * order always satisfies must-tell-host: inflated pages are not taken back and deflated ones
 * not freed before the host has used the arrays that name them. Pages are allocated before the
 * device's lock is taken; a shortage is never fought: the thread sends what it got and tries
 * again in 200 ms.
 *
 * A device that breaks (see virtqueue.h), asks for a reset or never acknowledges is reset. That
 * ends every loan: all pages return to the allocator, and inflation starts over.
 */
#include <drivers/balloon/virtio_balloon.h>

#include <errno.h>
#include <kernel/assert.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <platform/clock.h>

#define ARRAY_BYTES (VIRTIO_BALLOON_ARRAY * sizeof(struct ring32))

struct mutex virtio_balloons_lock = MUTEX_INIT(virtio_balloons_lock);
struct list_head virtio_balloons = LIST_INIT(virtio_balloons);

uint64_t virtio_balloon_round(uint64_t units, unsigned units_per_page)
{
	return align_up(units, units_per_page);
}

uint64_t virtio_balloon_reserve(uint64_t pages)
{
	uint64_t low = MIB(4) >> PAGE_SHIFT, high = MIB(64) >> PAGE_SHIFT;

	return MIN(MAX(pages / 32, low), high);
}

/* ---- news: interrupts and requests wake the thread ---- */

static void news_wake(struct virtio_balloon *balloon, bool config)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->config_news |= config;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

static void config_changed(struct virtio_device *device)
{
	news_wake(device->driver_data, true);
}

static void queue_used(struct virtio_queue *queue)
{
	news_wake(queue->device->driver_data, false);
}

static void report_used(struct virtio_queue *queue)
{
	struct virtio_balloon *balloon = queue->device->driver_data;

	virtio_reporting_used(&balloon->reporting);
}

static bool is_stopping(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool stopping = balloon->stopping;

	wait_queue_unlock(&balloon->news, irq);
	return stopping;
}

static bool take_config_news(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool news = balloon->config_news;

	balloon->config_news = false;
	wait_queue_unlock(&balloon->news, irq);
	return news;
}

/* Sleep until there is news or the deadline came; false when the device goes away. */
static bool news_wait(struct virtio_balloon *balloon, uint64_t deadline)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	int error = 0;
	bool go_on;

	while (!balloon->stopping && !balloon->config_news && !balloon->broken && !error)
		error = wait_queue_sleep(&balloon->news, &irq, deadline);
	go_on = !balloon->stopping;
	wait_queue_unlock(&balloon->news, irq);
	return go_on;
}

/* A migration met a device that does not behave: the thread resets it. */
static void tell_broken(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->broken = true;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
}

static bool take_broken(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);
	bool broken = balloon->broken;

	balloon->broken = false;
	wait_queue_unlock(&balloon->news, irq);
	return broken;
}

/* ---- one batch of arrays ---- */

static struct ring32 *array_at(const struct virtio_balloon *balloon, unsigned nr)
{
	return (struct ring32 *)folio_address(balloon->arrays) + nr * VIRTIO_BALLOON_ARRAY;
}

/* Units that fit one batch on this queue. */
static uint64_t batch_units(const struct virtio_balloon *balloon,
			    const struct virtio_queue *queue)
{
	return (uint64_t)MIN(balloon->nr_arrays, queue->ring.layout.size) *
	       VIRTIO_BALLOON_ARRAY;
}

/* Write the unit numbers of an entry; the count. */
static uint64_t array_fill(struct ring32 *out, const struct page *page)
{
	uint64_t units = balloon_entry_pages(page) * VIRTIO_BALLOON_UNITS_PER_PAGE;
	uint64_t first = page_to_pfn(page).nr * VIRTIO_BALLOON_UNITS_PER_PAGE;

	for (uint64_t i = 0; i < units; i++)
		ring32_store(&out[i], (uint32_t)(first + i));
	return units;
}

/* The same for all entries, in their order. */
static uint64_t arrays_fill(struct virtio_balloon *balloon, const struct list_head *entries)
{
	uint64_t count = 0;
	const struct page *page;

	list_for_each_entry (page, entries, list)
		count += array_fill(array_at(balloon, 0) + count, page);
	return count;
}

static int arrays_add(struct virtio_balloon *balloon, struct virtio_queue *queue,
		      uint64_t units)
{
	for (unsigned nr = 0; units > 0; nr++) {
		uint64_t here = MIN(units, VIRTIO_BALLOON_ARRAY);
		struct virtqueue_piece piece = {
			.start = virt_to_phys(array_at(balloon, nr)),
			.length = (uint32_t)(here * sizeof(struct ring32)),
		};
		int error = virtqueue_add(&queue->ring, &piece, 1, 0, array_at(balloon, nr));

		if (error)
			return error;
		units -= here;
	}
	return 0;
}

/* Sleep until the device has used everything that is out, as far as its index tells. */
static int used_wait(struct virtio_balloon *balloon, struct virtio_queue *queue)
{
	unsigned count = queue->ring.outstanding;
	uint64_t deadline = wait_deadline(balloon->patience_ns);
	struct irq_state irq;
	int error = 0;

	if (virtqueue_arm(&queue->ring, count))
		return 0;
	irq = wait_queue_lock(&balloon->news);
	while (virtqueue_pending(&queue->ring) < count && !error)
		if (balloon->config_news && virtio_device_needs_reset(balloon->device))
			error = -EIO;
		else
			error = wait_queue_sleep(&balloon->news, &irq, deadline);
	wait_queue_unlock(&balloon->news, irq);
	return error;
}

static int used_take(struct virtio_queue *queue)
{
	uint32_t written;

	while (virtqueue_take(&queue->ring, &written))
		;
	return virtqueue_is_broken(&queue->ring) || queue->ring.outstanding ? -EIO : 0;
}

/* Tell the host of the units in the arrays and wait until it has heard. */
static int batch_send(struct virtio_balloon *balloon, struct virtio_queue *queue,
		      uint64_t units)
{
	int error = arrays_add(balloon, queue, units);

	if (error)
		return error;
	virtqueue_kick(&queue->ring);
	error = used_wait(balloon, queue);
	if (error == -ETIMEDOUT)
		log_error("balloon: %s: %s of %u pages not acknowledged within %u ms",
			  balloon->device->name,
			  queue == balloon->inflate ? "inflate" : "deflate", (unsigned)units,
			  (unsigned)(balloon->patience_ns / NSEC_PER_MSEC));
	if (!error)
		error = used_take(queue);
	virtqueue_disarm(&queue->ring);
	return error;
}

/* ---- inflate and deflate ---- */

/* Base pages that may be taken now so that the reserve stays free. */
static uint64_t room_to_inflate(struct virtio_balloon *balloon)
{
	struct mm_statistics now;
	uint64_t reserve;

	mm_statistics(&now);
	reserve = virtio_balloon_reserve(now.managed + balloon_pages(&balloon->core));
	return now.free > reserve ? now.free - reserve : 0;
}

/* Whole free blocks first, scattered pages last; base pages allocated. */
static uint64_t allocate(struct virtio_balloon *balloon, struct list_head *entries,
			 uint64_t pages)
{
	bool blocks = true;
	uint64_t got = 0;

	while (got < pages) {
		struct page *page = NULL;

		if (blocks && pages - got >= BALLOON_BLOCK_PAGES)
			page = balloon_block_alloc(&balloon->core);
		blocks = page != NULL;
		if (!page)
			page = balloon_page_alloc(&balloon->core);
		if (!page)
			break;
		list_add_tail(entries, &page->list);
		got += balloon_entry_pages(page);
	}
	return got;
}

/* Messages that a host can provoke at will are given at most every VIRTIO_BALLOON_QUIET_NS. */
static bool may_complain(uint64_t *last)
{
	uint64_t now = clock_ns();

	if (*last && now - *last < VIRTIO_BALLOON_QUIET_NS)
		return false;
	*last = now;
	return true;
}

static void note_shortage(struct virtio_balloon *balloon, uint64_t got, uint64_t pages)
{
	balloon->shortages++;
	balloon->retry_at = clock_ns() + VIRTIO_BALLOON_RETRY_NS;
	if (may_complain(&balloon->shortage_told))
		log_info("balloon: %s: memory is short: %llu of %llu pages for now, trying "
			 "again every "
			 "%u ms",
			 balloon->device->name, (unsigned long long)got,
			 (unsigned long long)pages,
			 (unsigned)(VIRTIO_BALLOON_RETRY_NS / NSEC_PER_MSEC));
}

static int inflate_step(struct virtio_balloon *balloon, uint64_t units)
{
	uint64_t pages = MIN(units, batch_units(balloon, balloon->inflate)) /
			 VIRTIO_BALLOON_UNITS_PER_PAGE;
	struct list_head entries = LIST_INIT(entries);
	uint64_t got = allocate(balloon, &entries, MIN(pages, room_to_inflate(balloon)));
	int error = 0;

	if (got < pages)
		note_shortage(balloon, got, pages);
	if (got == 0)
		return 0;
	mutex_lock(&balloon->lock);
	arrays_fill(balloon, &entries);
	balloon_enqueue_list(&balloon->core, &entries);
	balloon->size += got * VIRTIO_BALLOON_UNITS_PER_PAGE;
	error = batch_send(balloon, balloon->inflate, got * VIRTIO_BALLOON_UNITS_PER_PAGE);
	mutex_unlock(&balloon->lock);
	return error;
}

static int deflate_step(struct virtio_balloon *balloon, uint64_t units)
{
	struct list_head entries = LIST_INIT(entries);
	uint64_t count;
	int error = 0;

	mutex_lock(&balloon->lock);
	units = MIN(MIN(units, batch_units(balloon, balloon->deflate)), balloon->size);
	balloon_dequeue_list(&balloon->core, &entries, units / VIRTIO_BALLOON_UNITS_PER_PAGE);
	count = arrays_fill(balloon, &entries);
	if (count)
		error = batch_send(balloon, balloon->deflate, count);
	if (error)
		/* The host may still be at them: they wait for the reset with the others. */
		balloon_enqueue_list(&balloon->core, &entries);
	else
		balloon->size -= count;
	mutex_unlock(&balloon->lock);
	balloon_free_list(&entries);
	/* All are isolated: whoever moves them gives them back soon. */
	if (count == 0)
		thread_sleep_ns(VIRTIO_BALLOON_ISOLATED_NS);
	return error;
}

/* ---- migration ---- */

static int page_send(struct virtio_balloon *balloon, struct virtio_queue *queue,
		     const struct page *page)
{
	return batch_send(balloon, queue, array_fill(array_at(balloon, 0), page));
}

/*
 * The host gets destination, then gives source back (V-T6). When it does not acknowledge,
 * nobody knows what it has: source stays in the balloon, destination is kept, and the reset
 * that follows ends both loans.
 */
static int swap(struct virtio_balloon *balloon, struct page *destination, struct page *source)
{
	int error = page_send(balloon, balloon->inflate, destination);

	HOOK(virtio_balloon_inflated);
	if (!error)
		error = page_send(balloon, balloon->deflate, source);
	if (error) {
		balloon->ready = false;
		page_get(destination);
		list_add_tail(&balloon->limbo, &destination->list);
		tell_broken(balloon);
	}
	return error;
}

static int migrate(struct balloon_device *core, struct page *destination, struct page *source)
{
	struct virtio_balloon *balloon = container_of(core, struct virtio_balloon, core);
	int error = -EAGAIN;

	/* Its holder may be waiting for the memory that this is to free (V-T5). */
	if (!mutex_trylock(&balloon->lock))
		return -EAGAIN;
	if (balloon->ready)
		error = swap(balloon, destination, source);
	mutex_unlock(&balloon->lock);
	return error;
}

/* ---- following the target ---- */

static void write_actual(struct virtio_balloon *balloon)
{
	if (virtio_config_write32(balloon->device, VIRTIO_BALLOON_CONFIG_ACTUAL,
				  (uint32_t)balloon->size))
		return;
	balloon->actual = balloon->size;
	balloon->actual_at = clock_ns();
}

/* Most units the host may have, with a message when it asks for more. */
static uint64_t target_bound(struct virtio_balloon *balloon, uint64_t units)
{
	struct mm_statistics now;
	uint64_t pages, most;

	mm_statistics(&now);
	pages = now.managed + balloon_pages(&balloon->core);
	most = (pages - MIN(pages, virtio_balloon_reserve(pages))) *
	       VIRTIO_BALLOON_UNITS_PER_PAGE;
	if (units <= most)
		return units;
	if (may_complain(&balloon->absurd_told))
		log_warn("balloon: %s: the host asks for %llu pages, this guest can give %llu "
			 "at "
			 "most: the rest stays",
			 balloon->device->name, (unsigned long long)units,
			 (unsigned long long)most);
	return most;
}

static void read_target(struct virtio_balloon *balloon)
{
	uint32_t wanted;

	if (virtio_config_read32(balloon->device, VIRTIO_BALLOON_CONFIG_TARGET, &wanted))
		return;
	balloon->wanted = wanted;
	balloon->target = target_bound(
		balloon, virtio_balloon_round(wanted, VIRTIO_BALLOON_UNITS_PER_PAGE));
}

/* True while there is something to move now. */
static bool must_move(const struct virtio_balloon *balloon)
{
	if (balloon->size > balloon->target)
		return true;
	return balloon->size < balloon->target && clock_ns() >= balloon->retry_at;
}

/* Move towards the target until it is reached, memory is short or the device breaks. */
static int resize(struct virtio_balloon *balloon)
{
	int error = 0;

	while (!error && !is_stopping(balloon)) {
		if (take_broken(balloon))
			return -EIO;
		if (take_config_news(balloon)) {
			if (virtio_device_needs_reset(balloon->device) ||
			    virtio_reporting_failed(&balloon->reporting))
				return -EIO;
			read_target(balloon);
		}
		if (!must_move(balloon))
			break;
		if (balloon->size < balloon->target)
			error = inflate_step(balloon, balloon->target - balloon->size);
		else
			error = deflate_step(balloon, balloon->size - balloon->target);
		if (clock_ns() - balloon->actual_at >= VIRTIO_BALLOON_REPORT_NS)
			write_actual(balloon);
	}
	if (!error && balloon->actual != balloon->size)
		write_actual(balloon);
	return error;
}

/* ---- start, recovery, end ---- */

static int queues_create(struct virtio_balloon *balloon)
{
	struct virtio_queue_request request = {
		.index = VIRTIO_BALLOON_QUEUE_INFLATE,
		.size = VIRTIO_BALLOON_ARRAYS_MAX,
		.callback = queue_used,
	};
	int error = virtio_queue_create(balloon->device, &request, &balloon->inflate);

	if (error)
		return error;
	request.index = VIRTIO_BALLOON_QUEUE_DEFLATE;
	error = virtio_queue_create(balloon->device, &request, &balloon->deflate);
	if (error)
		return error;
	return virtio_reporting_queue(&balloon->reporting, report_used);
}

static int device_start(struct virtio_balloon *balloon)
{
	int error = queues_create(balloon);

	if (!error)
		error = virtio_device_ready(balloon->device);
	mutex_lock(&balloon->lock);
	balloon->ready = !error;
	mutex_unlock(&balloon->lock);
	balloon->actual = 0;
	balloon->actual_at = clock_ns();
	balloon->retry_at = 0;
	if (!error)
		news_wake(balloon, true);
	return error;
}

/* From now on no page moves, until the queues work again. */
static void migration_stop(struct virtio_balloon *balloon)
{
	mutex_lock(&balloon->lock);
	balloon->ready = false;
	mutex_unlock(&balloon->lock);
}

/* The device was reset: nothing is lent any more. Isolated pages are waited for: who has them
 * is told "not now" by now and puts them back. */
static void take_everything_back(struct virtio_balloon *balloon)
{
	struct list_head entries = LIST_INIT(entries);

	mutex_lock(&balloon->lock);
	while (virtqueue_detach(&balloon->inflate->ring))
		;
	while (virtqueue_detach(&balloon->deflate->ring))
		;
	list_splice_tail(&balloon->limbo, &entries);
	mutex_unlock(&balloon->lock);
	balloon_free_list(&entries);
	for (;;) {
		balloon_dequeue_list(&balloon->core, &entries, balloon_pages(&balloon->core));
		balloon_free_list(&entries);
		if (balloon_pages(&balloon->core) == 0)
			break;
		thread_sleep_ns(VIRTIO_BALLOON_ISOLATED_NS);
	}
	balloon->size = 0;
}

static void recover(struct virtio_balloon *balloon)
{
	struct virtio_device *device = balloon->device;
	bool stuck;
	int error;

	log_warn("balloon: %s: the device does not behave: reset %u of %u, all pages come back",
		 device->name, ++balloon->recoveries, VIRTIO_BALLOON_RECOVERIES);
	migration_stop(balloon);
	(void)take_broken(balloon);
	virtio_reporting_hold(&balloon->reporting);
	error = virtio_device_reset(device);
	stuck = error != 0;
	if (!error) {
		virtio_reporting_detach(&balloon->reporting);
		take_everything_back(balloon);
		error = balloon->recoveries < VIRTIO_BALLOON_RECOVERIES
				? virtio_device_restart(device)
				: -EIO;
	}
	if (!error)
		error = device_start(balloon);
	virtio_reporting_resume(&balloon->reporting, stuck, !error);
	/* A device that breaks at once again must not keep a CPU busy. */
	balloon->retry_at = clock_ns() + VIRTIO_BALLOON_RETRY_NS;
	if (!error)
		return;
	log_error("balloon: %s: given up (error %d), %llu pages stay lent: reboot to get them "
		  "back",
		  device->name, error, (unsigned long long)balloon->size);
	balloon->dead = true;
}

static uint64_t next_attempt(const struct virtio_balloon *balloon)
{
	return balloon->size < balloon->target ? balloon->retry_at : CLOCK_NEVER;
}

static int balloon_thread(void *arg)
{
	struct virtio_balloon *balloon = arg;

	while (news_wait(balloon, next_attempt(balloon)))
		if (!balloon->dead && resize(balloon))
			recover(balloon);
		else if (balloon->dead)
			take_config_news(balloon);
	return 0;
}

/* Room for as many arrays as one block of memory gives; one page holds four. */
static int arrays_alloc(struct virtio_balloon *balloon)
{
	unsigned order = log2_ceil(VIRTIO_BALLOON_ARRAYS_MAX * ARRAY_BYTES / PAGE_SIZE) + 1;

	while (!balloon->arrays && order-- > 0)
		balloon->arrays = folio_alloc(NODE_ANY, order, FOLIO_NOWARN, NULL);
	if (!balloon->arrays)
		return -ENOMEM;
	balloon->nr_arrays = (unsigned)(folio_size(balloon->arrays) / ARRAY_BYTES);
	return 0;
}

static void balloon_free(struct virtio_balloon *balloon)
{
	if (balloon->arrays)
		folio_put(balloon->arrays);
	balloon_device_destroy(&balloon->core);
	kfree(balloon);
}

static struct virtio_balloon *balloon_create(struct virtio_device *device)
{
	struct virtio_balloon *balloon = kzalloc(sizeof(*balloon));

	if (!balloon)
		return NULL;
	balloon->device = device;
	balloon->patience_ns = VIRTIO_BALLOON_PATIENCE_NS;
	balloon_device_init(&balloon->core, device->name, true, migrate);
	list_init(&balloon->limbo);
	mutex_init(&balloon->lock);
	wait_queue_init(&balloon->news);
	virtio_reporting_init(&balloon->reporting, device, balloon->patience_ns,
			      config_changed);
	if (arrays_alloc(balloon)) {
		balloon_free(balloon);
		return NULL;
	}
	return balloon;
}

static int thread_start(struct virtio_balloon *balloon)
{
	struct thread_attributes attributes = {
		.name = "balloon",
		.cpu = THREAD_ANY_CPU,
		.priority = THREAD_NORMAL,
	};

	balloon->thread = thread_create(&attributes, balloon_thread, balloon);
	return balloon->thread ? 0 : -ENOMEM;
}

static int probe(struct virtio_device *device)
{
	struct virtio_balloon *balloon = balloon_create(device);
	int error;

	if (!balloon)
		return -ENOMEM;
	device->driver_data = balloon;
	error = device_start(balloon);
	if (!error)
		error = thread_start(balloon);
	if (error) {
		if (!virtio_device_quiesce(device))
			balloon_free(balloon);
		return error;
	}
	mutex_lock(&virtio_balloons_lock);
	list_add_tail(&virtio_balloons, &balloon->link);
	mutex_unlock(&virtio_balloons_lock);
	virtio_reporting_start(&balloon->reporting);
	return 0;
}

static void thread_stop(struct virtio_balloon *balloon)
{
	struct irq_state irq = wait_queue_lock(&balloon->news);

	balloon->stopping = true;
	wait_queue_wake_all(&balloon->news);
	wait_queue_unlock(&balloon->news, irq);
	thread_join(balloon->thread);
}

static void remove(struct virtio_device *device)
{
	struct virtio_balloon *balloon = device->driver_data;
	int error;

	virtio_reporting_stop(&balloon->reporting);
	mutex_lock(&virtio_balloons_lock);
	list_del(&balloon->link);
	mutex_unlock(&virtio_balloons_lock);
	thread_stop(balloon);
	error = balloon->dead ? -EIO : 0;
	while (!error && balloon->size > 0)
		error = deflate_step(balloon, balloon->size);
	if (!error)
		write_actual(balloon);
	migration_stop(balloon);
	if (virtio_device_quiesce(device))
		return; /* the device may still use the pages: record and pages stay */
	take_everything_back(balloon);
	balloon_free(balloon);
}

static const struct virtio_driver virtio_balloon_driver = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.features = VIRTIO_BALLOON_F_MUST_TELL_HOST | VIRTIO_BALLOON_F_REPORTING,
	.features_refused = virtio_reporting_refused,
	.probe = probe,
	.remove = remove,
	.config_changed = config_changed,
};
VIRTIO_DRIVER(balloon, virtio_balloon_driver);

// SPDX-License-Identifier: MIT
/*
 * Life of a virtio balloon: one thread per device, from probe to removal, follows the host's
 * target (virtio_balloon_target.c).
 *
 * A device that breaks (see virtqueue.h), asks for a reset or never acknowledges is reset. That
 * ends every loan: all pages return to the allocator, and inflation starts over.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/folio.h>
#include <mm/slab.h>
#include <platform/clock.h>

struct mutex virtio_balloons_lock = MUTEX_INIT(virtio_balloons_lock);
struct list_head virtio_balloons = LIST_INIT(virtio_balloons);

/* What reads the configuration on behalf of the host's target, and of resets. */
static void look(struct virtio_device *device)
{
	virtio_balloon_wake(device->driver_data, true);
}

static void config_changed(struct virtio_device *device)
{
	struct virtio_balloon *balloon = device->driver_data;

	look(device);
	virtio_hinting_config_changed(&balloon->hinting);
}

static void queue_used(struct virtio_queue *queue)
{
	virtio_balloon_wake(queue->device->driver_data, false);
}

static void report_used(struct virtio_queue *queue)
{
	struct virtio_balloon *balloon = queue->device->driver_data;

	virtio_reporting_used(&balloon->reporting);
}

static void hint_used(struct virtio_queue *queue)
{
	struct virtio_balloon *balloon = queue->device->driver_data;

	virtio_hinting_used(&balloon->hinting);
}

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
	error = virtio_balloon_stats_queue(balloon);
	if (error)
		return error;
	error = virtio_hinting_queue(&balloon->hinting, hint_used);
	if (error)
		return error;
	return virtio_reporting_queue(&balloon->reporting, report_used);
}

static int device_start(struct virtio_balloon *balloon)
{
	int error = queues_create(balloon);

	if (!error)
		error = virtio_reporting_tell_value(&balloon->reporting);
	if (!error)
		error = virtio_device_ready(balloon->device);
	if (!error)
		error = virtio_balloon_stats_offer(balloon);
	mutex_lock(&balloon->lock);
	balloon->ready = !error;
	mutex_unlock(&balloon->lock);
	balloon->actual = 0;
	balloon->actual_at = clock_ns();
	balloon->retry_at = 0;
	if (!error)
		virtio_balloon_wake(balloon, true);
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
	virtio_balloon_stats_detach(balloon);
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

	HOOK(virtio_balloon_breaking);
	/* Who waits for the host under the lock hears of it, too. */
	virtio_balloon_wake(balloon, true);
	log_warn("balloon: %s: the device does not behave: reset %u of %u, all pages come back",
		 device->name, balloon->recoveries + 1, VIRTIO_BALLOON_RECOVERIES);
	migration_stop(balloon);
	(void)virtio_balloon_take_broken(balloon);
	virtio_reporting_hold(&balloon->reporting);
	virtio_hinting_hold(&balloon->hinting);
	error = virtio_device_reset(device);
	stuck = error != 0;
	if (!error) {
		virtio_reporting_detach(&balloon->reporting);
		virtio_hinting_detach(&balloon->hinting);
	}
	/* Others see it when nothing moves, and what was hinted or reported is back. */
	balloon->recoveries++;
	if (!error) {
		take_everything_back(balloon);
		error = balloon->recoveries < VIRTIO_BALLOON_RECOVERIES
				? virtio_device_restart(device)
				: -EIO;
	}
	if (!error)
		error = device_start(balloon);
	virtio_hinting_resume(&balloon->hinting, !error);
	virtio_reporting_resume(&balloon->reporting, stuck, !error);
	/* A device that breaks at once again must not keep a CPU busy. */
	balloon->retry_at = clock_ns() + balloon->retry_ns;
	if (!error)
		return;
	log_error("balloon: %s: given up (error %d), %llu pages stay lent: reboot to get them "
		  "back",
		  device->name, error, (unsigned long long)balloon->size);
	balloon->dead = true;
}

static uint64_t next_attempt(const struct virtio_balloon *balloon)
{
	if (balloon->dead || !virtio_balloon_wants_more(balloon))
		return CLOCK_NEVER;
	return balloon->retry_at;
}

static int balloon_thread(void *arg)
{
	struct virtio_balloon *balloon = arg;

	while (virtio_balloon_wait(balloon, next_attempt(balloon)))
		if (balloon->dead)
			virtio_balloon_forget_news(balloon);
		else if (virtio_balloon_resize(balloon))
			recover(balloon);
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
	balloon->retry_ns = VIRTIO_BALLOON_RETRY_NS;
	/* What the guest may take back in need stays its own. */
	balloon_device_init(&balloon->core, device->name,
			    !virtio_has_feature(device, VIRTIO_BALLOON_F_DEFLATE_ON_OOM),
			    virtio_balloon_migrate);
	list_init(&balloon->limbo);
	mutex_init(&balloon->lock);
	wait_queue_init(&balloon->news);
	virtio_reporting_init(&balloon->reporting, device, balloon->patience_ns, look);
	virtio_hinting_init(&balloon->hinting, device, balloon->patience_ns, look);
	if (virtio_balloon_arrays_alloc(balloon)) {
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
	HOOK(virtio_balloon_probed);
	mutex_lock(&virtio_balloons_lock);
	list_add_tail(&virtio_balloons, &balloon->link);
	mutex_unlock(&virtio_balloons_lock);
	virtio_balloon_oom_start(balloon);
	virtio_reporting_start(&balloon->reporting);
	virtio_hinting_start(&balloon->hinting);
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

/* Nobody moves pages any more but who was asked to migrate one. */
static void stop(struct virtio_balloon *balloon)
{
	virtio_hinting_stop(&balloon->hinting);
	virtio_reporting_stop(&balloon->reporting);
	virtio_balloon_oom_stop(balloon);
	mutex_lock(&virtio_balloons_lock);
	list_del(&balloon->link);
	mutex_unlock(&virtio_balloons_lock);
	thread_stop(balloon);
}

/* The reset that follows ends all loans at once: whoever starts next has all of memory, and the
 * host's books say so. */
static void shutdown(struct virtio_device *device)
{
	struct virtio_balloon *balloon = device->driver_data;

	stop(balloon);
	migration_stop(balloon);
	if (balloon->dead)
		return;
	balloon->size = 0;
	virtio_balloon_write_actual(balloon);
}

static void remove(struct virtio_device *device)
{
	struct virtio_balloon *balloon = device->driver_data;
	int error;

	stop(balloon);
	error = balloon->dead ? -EIO : 0;
	while (!error && balloon->size > 0)
		error = virtio_balloon_deflate_step(balloon, 0);
	if (!error)
		virtio_balloon_write_actual(balloon);
	migration_stop(balloon);
	if (virtio_device_quiesce(device))
		return; /* the device may still use the pages: record and pages stay */
	virtio_hinting_detach(&balloon->hinting);
	take_everything_back(balloon);
	balloon_free(balloon);
}

static const struct virtio_driver virtio_balloon_driver = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.features = VIRTIO_BALLOON_F_MUST_TELL_HOST | VIRTIO_BALLOON_F_STATS |
		    VIRTIO_BALLOON_F_DEFLATE_ON_OOM | VIRTIO_BALLOON_F_HINTING |
		    VIRTIO_BALLOON_F_POISON | VIRTIO_BALLOON_F_REPORTING,
	.features_refused = virtio_reporting_refused,
	.probe = probe,
	.remove = remove,
	.shutdown = shutdown,
	.config_changed = config_changed,
};
VIRTIO_DRIVER(balloon, virtio_balloon_driver);

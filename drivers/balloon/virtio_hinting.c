// SPDX-License-Identifier: MIT
/*
 * A run: the host's id goes out, then free blocks from the largest order down as buffers the
 * device may write to, then the id "stop". One entry of the ring is always left for that. A
 * block whose buffer was used is held until the host is done; when memory is short a shrinker
 * gives held blocks back, which ends the run. A block whose buffer is still out is given to
 * nobody: the specification would allow it, but a host that clears its log of written pages
 * when it looks at the buffer would lose what was written before.
 *
 * Memory that was never used is not hinted: the host has nothing there but zeros, and taking it
 * would cost records. Two threads: the hinting thread, and the balloon's, which resets.
 */
#include <drivers/balloon/virtio_hinting.h>
#include <drivers/balloon/virtio_balloon_internal.h>
#include <drivers/balloon/virtio_reporting.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <mm/balloon.h>
#include <mm/folio.h>
#include <mm/mm.h>
#include <platform/clock.h>

static struct lock_class blocks_class = {.name = "hinted blocks"};

/* ---- news ---- */

static void news_tell(struct virtio_hinting *hinting, bool *what)
{
	struct irq_state irq = wait_queue_lock(&hinting->news);

	*what = true;
	wait_queue_wake_all(&hinting->news);
	wait_queue_unlock(&hinting->news, irq);
}

void virtio_hinting_used(struct virtio_hinting *hinting)
{
	news_tell(hinting, &hinting->used_news);
}

void virtio_hinting_config_changed(struct virtio_hinting *hinting)
{
	news_tell(hinting, &hinting->config_news);
}

/* True once for each time it was said: set, cleared, then read (B5). */
static bool take_config_news(struct virtio_hinting *hinting)
{
	struct irq_state irq = wait_queue_lock(&hinting->news);
	bool news = hinting->config_news;

	hinting->config_news = false;
	wait_queue_unlock(&hinting->news, irq);
	return news;
}

/* Leave the queue alone. Under news.lock. */
static bool is_over(const struct virtio_hinting *hinting)
{
	return hinting->leave || hinting->stopping;
}

static bool is_wanted(struct virtio_hinting *hinting, uint32_t id)
{
	struct irq_state irq;
	uint32_t now;
	bool over;

	while (take_config_news(hinting))
		if (!virtio_config_read32(hinting->virtio, VIRTIO_BALLOON_CONFIG_HINTING, &now))
			hinting->wanted = now;
	irq = wait_queue_lock(&hinting->news);
	over = is_over(hinting);
	wait_queue_unlock(&hinting->news, irq);
	return !over && hinting->wanted == id;
}

/* ---- blocks ---- */

static uint64_t hint_pages(const struct page *block)
{
	return UINT64_C(1) << folio_order((const struct folio *)block);
}

static void hint_free(struct page *block)
{
	page_free(block, folio_order((const struct folio *)block));
}

static void hint_hold(struct virtio_hinting *hinting, struct page *block)
{
	struct irq_state irq = spin_lock_irqsave(&hinting->blocks_lock);

	list_add_tail(&hinting->blocks, &block->list);
	hinting->held += hint_pages(block);
	spin_unlock_irqrestore(&hinting->blocks_lock, irq);
}

/* The largest one that is held, which is held no longer; NULL: none. */
static struct page *hint_take(struct virtio_hinting *hinting)
{
	struct irq_state irq = spin_lock_irqsave(&hinting->blocks_lock);
	struct page *block = NULL;

	if (!list_is_empty(&hinting->blocks)) {
		block = list_entry(hinting->blocks.next, struct page, list);
		list_del(&block->list);
		hinting->held -= hint_pages(block);
	}
	spin_unlock_irqrestore(&hinting->blocks_lock, irq);
	return block;
}

static void blocks_free(struct virtio_hinting *hinting)
{
	struct page *block;

	while ((block = hint_take(hinting)) != NULL)
		hint_free(block);
}

static uint64_t pristine_frames(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < zone_count; i++)
		frames += atomic_load(&zones[i]->pristine);
	return frames;
}

/* A block of memory that was in use before. */
static struct page *hint_alloc(unsigned order)
{
	uint64_t pristine = pristine_frames();
	struct page *block = page_alloc(NODE_ANY, order, FOLIO_NOWARN | FOLIO_NORETRY);

	if (!block || pristine_frames() >= pristine)
		return block;
	page_free(block, order);
	return NULL;
}

/* Base pages that may be taken now so that the balloon's reserve stays free. */
static uint64_t room_to_hint(void)
{
	struct mm_statistics now;
	uint64_t stays;

	mm_statistics(&now);
	stays = MAX(balloon_reserve(now.managed), now.pristine);
	return now.free > stays ? now.free - stays : 0;
}

/* The next block, of the largest order that there is; NULL: no more. */
static struct page *next_block(struct virtio_hinting *hinting, uint64_t room)
{
	for (;; hinting->order--) {
		if (UINT64_C(1) << hinting->order <= room) {
			struct page *block = hint_alloc(hinting->order);

			if (block)
				return block;
		}
		if (hinting->order == 0)
			return NULL;
	}
}

/* ---- memory is short: any thread ---- */

static uint64_t count(struct shrinker *shrinker, const struct shrink_request *request)
{
	struct virtio_hinting *hinting = shrinker->is.private;

	(void)request;
	return hinting->held ? hinting->held : SHRINK_EMPTY;
}

static uint64_t scan(struct shrinker *shrinker, struct shrink_request *request)
{
	struct virtio_hinting *hinting = shrinker->is.private;
	uint64_t freed = 0;
	struct page *block;

	hinting->pressed = true;
	while (freed < request->nr_to_scan && (block = hint_take(hinting)) != NULL) {
		freed += hint_pages(block);
		hint_free(block);
	}
	hinting->returned += freed;
	request->nr_scanned = MAX(freed, 1);
	return freed ? freed : SHRINK_STOP;
}

/* ---- the queue, in the hinting thread ---- */

static int word_send(struct virtio_hinting *hinting, struct ring32 *word, uint32_t id)
{
	struct virtqueue *ring = &hinting->queue->ring;
	struct virtqueue_piece piece = {virt_to_phys(word), sizeof(*word)};
	int error;

	ring32_store(word, id);
	error = virtqueue_add(ring, &piece, 1, 0, word);
	virtqueue_kick(ring);
	return error;
}

/* Fill the ring but for the entry of the last word; false: there is no more to give. */
static bool blocks_add(struct virtio_hinting *hinting)
{
	struct virtqueue *ring = &hinting->queue->ring;
	uint64_t room = room_to_hint();

	while (ring->free_count > 1 && ring->outstanding < VIRTIO_HINTING_IN_FLIGHT) {
		struct virtqueue_piece piece;
		struct page *block;

		block = hinting->pressed ? NULL : next_block(hinting, room);
		if (!block)
			return false;
		piece.start = page_to_phys(block);
		piece.length = (uint32_t)(hint_pages(block) << PAGE_SHIFT);
		if (virtqueue_add(ring, &piece, 0, 1, block)) {
			hint_free(block);
			return false;
		}
		room -= hint_pages(block);
		hinting->hinted += hint_pages(block);
	}
	return true;
}

/* Sleep until the device used `count` buffers, or something else is to be done. */
static int used_wait(struct virtio_hinting *hinting, unsigned count)
{
	struct virtqueue *ring = &hinting->queue->ring;
	uint64_t deadline = wait_deadline(hinting->patience_ns);
	struct irq_state irq;
	int error = 0;

	if (virtqueue_arm(ring, count))
		return 0;
	irq = wait_queue_lock(&hinting->news);
	while (virtqueue_pending(ring) < count && !hinting->config_news && !is_over(hinting) &&
	       !error)
		error = wait_queue_sleep(&hinting->news, &irq, deadline);
	wait_queue_unlock(&hinting->news, irq);
	/* What was used while the time ran out has only its interrupt still to come. */
	return virtqueue_pending(ring) < count ? error : 0;
}

static void buffer_back(struct virtio_hinting *hinting, void *cookie)
{
	if (cookie == &hinting->start_word || cookie == &hinting->stop_word)
		return;
	if (hinting->followed != VIRTIO_HINTING_DONE)
		hint_hold(hinting, cookie);
	else
		hint_free(cookie);
}

static int used_take(struct virtio_hinting *hinting)
{
	struct virtqueue *ring = &hinting->queue->ring;
	uint32_t written;
	void *cookie;

	while ((cookie = virtqueue_take(ring, &written)) != NULL)
		buffer_back(hinting, cookie);
	return virtqueue_is_broken(ring) ? -EIO : 0;
}

static int wait_and_take(struct virtio_hinting *hinting, unsigned count)
{
	int error = used_wait(hinting, count);

	return error ? error : used_take(hinting);
}

/* What is in the queue from before is used first. A machine that was moved may have left the
 * notification behind. */
static int queue_settle(struct virtio_hinting *hinting, uint32_t id)
{
	struct virtqueue *ring = &hinting->queue->ring;
	int error = 0;

	while (!error && ring->outstanding && is_wanted(hinting, id)) {
		ring->notify(ring);
		error = wait_and_take(hinting, ring->outstanding);
	}
	return error;
}

static int run(struct virtio_hinting *hinting, uint32_t id)
{
	struct virtqueue *ring = &hinting->queue->ring;
	int error = queue_settle(hinting, id);
	bool more = true;

	HOOK(virtio_hinting_settled);
	if (error || !is_wanted(hinting, id))
		return error;
	hinting->runs++;
	hinting->order = FOLIO_ORDER_MAX;
	hinting->pressed = false;
	error = word_send(hinting, &hinting->start_word, id);
	while (!error && more && is_wanted(hinting, id)) {
		more = blocks_add(hinting);
		virtqueue_kick(ring);
		if (more)
			error = wait_and_take(hinting, (ring->outstanding + 1u) / 2);
	}
	if (error && error != -ETIMEDOUT)
		return error;
	return word_send(hinting, &hinting->stop_word, VIRTIO_HINTING_STOP) ?: error;
}

/* ---- the thread ---- */

static void note_silence(struct virtio_hinting *hinting)
{
	if (!virtio_balloon_may_complain(&hinting->silence_told))
		return;
	log_warn("balloon: %s: hints not used within %u ms: %u buffers stay with the device, "
		 "the migration goes on without hints",
		 hinting->virtio->name, (unsigned)(hinting->patience_ns / NSEC_PER_MSEC),
		 hinting->queue->ring.outstanding);
}

/* Do what the id says, if it is another one than last time. */
static int follow(struct virtio_hinting *hinting)
{
	struct virtqueue *ring = &hinting->queue->ring;
	int error = used_take(hinting);

	if (error || is_wanted(hinting, hinting->followed))
		return error;
	hinting->followed = hinting->wanted;
	if (hinting->followed == VIRTIO_HINTING_DONE)
		blocks_free(hinting);
	else if (hinting->followed != VIRTIO_HINTING_STOP)
		error = run(hinting, hinting->followed);
	if (error == -ETIMEDOUT) {
		note_silence(hinting);
		error = 0;
	}
	if (error || !ring->outstanding)
		return error;
	/* A device that asks for notifications and does not look again may sleep beside
	 * buffers, and one that was moved never heard of them. */
	ring->notify(ring);
	if (virtqueue_arm(ring, ring->outstanding))
		virtio_hinting_used(hinting);
	return 0;
}

/* Nothing to do. An id that was read while another one was followed is news, too: `wanted` is
 * the thread's own but for detach(), which has `leave`. Under news.lock. */
static bool is_idle(const struct virtio_hinting *hinting)
{
	return hinting->leave || hinting->failed ||
	       (!hinting->config_news && !hinting->used_news &&
		hinting->wanted == hinting->followed);
}

/* Sleep until there is news; false when the device goes away. */
static bool news_wait(struct virtio_hinting *hinting)
{
	struct irq_state irq = wait_queue_lock(&hinting->news);
	int error = 0;
	bool go_on;

	while (!hinting->stopping && !error && is_idle(hinting))
		error = wait_queue_sleep(&hinting->news, &irq, CLOCK_NEVER);
	hinting->used_news = false;
	go_on = !hinting->stopping;
	wait_queue_unlock(&hinting->news, irq);
	return go_on;
}

static int hinting_thread(void *arg)
{
	struct virtio_hinting *hinting = arg;

	while (news_wait(hinting)) {
		int error = 0;

		HOOK(virtio_hinting_news);
		mutex_lock(&hinting->lock);
		if (hinting->queue)
			error = follow(hinting);
		else
			(void)take_config_news(hinting);
		/* A reset that comes first must end this, too. */
		if (error)
			news_tell(hinting, &hinting->failed);
		mutex_unlock(&hinting->lock);
		if (error) {
			HOOK(virtio_hinting_failed);
			hinting->complain(hinting->virtio);
		}
	}
	return 0;
}

/* ---- the balloon's thread ---- */

bool virtio_hinting_failed(struct virtio_hinting *hinting)
{
	struct irq_state irq = wait_queue_lock(&hinting->news);
	bool failed = hinting->failed;

	wait_queue_unlock(&hinting->news, irq);
	return failed;
}

void virtio_hinting_hold(struct virtio_hinting *hinting)
{
	news_tell(hinting, &hinting->leave);
	mutex_lock(&hinting->lock);
}

void virtio_hinting_detach(struct virtio_hinting *hinting)
{
	void *cookie;

	/* Forgotten with the device: whatever its id is next, it is new. */
	hinting->wanted = hinting->followed = VIRTIO_HINTING_DONE;
	while (hinting->queue && (cookie = virtqueue_detach(&hinting->queue->ring)) != NULL)
		buffer_back(hinting, cookie);
	blocks_free(hinting);
}

void virtio_hinting_resume(struct virtio_hinting *hinting, bool usable)
{
	struct irq_state irq;

	if (!usable)
		hinting->queue = NULL;
	/* Before the thread can have the lock: told to leave it takes an id for followed. */
	irq = wait_queue_lock(&hinting->news);
	hinting->leave = hinting->failed = false;
	hinting->config_news = true;
	wait_queue_wake_all(&hinting->news);
	wait_queue_unlock(&hinting->news, irq);
	mutex_unlock(&hinting->lock);
	HOOK(virtio_hinting_resumed);
}

/* ---- start and end ---- */

void virtio_hinting_init(struct virtio_hinting *hinting, struct virtio_device *virtio,
			 uint64_t patience_ns, void (*complain)(struct virtio_device *))
{
	hinting->virtio = virtio;
	hinting->patience_ns = patience_ns;
	hinting->complain = complain;
	hinting->wanted = hinting->followed = VIRTIO_HINTING_DONE;
	mutex_init(&hinting->lock);
	spin_lock_init(&hinting->blocks_lock, &blocks_class);
	list_init(&hinting->blocks);
	wait_queue_init(&hinting->news);
}

int virtio_hinting_queue(struct virtio_hinting *hinting,
			 void (*callback)(struct virtio_queue *))
{
	struct virtio_queue_request request = {
		.index = VIRTIO_BALLOON_QUEUE_HINTING_FIRST,
		.size = VIRTIO_HINTING_SIZE,
		.callback = callback,
	};
	int error = -ENODEV;

	hinting->queue = NULL;
	HOOK(virtio_hinting_queue);
	if (!virtio_has_feature(hinting->virtio, VIRTIO_BALLOON_F_HINTING))
		return 0;
	request.index += virtio_has_feature(hinting->virtio, VIRTIO_BALLOON_F_STATS);
	while (error == -ENODEV && request.index <= VIRTIO_BALLOON_QUEUE_HINTING) {
		error = virtio_queue_create(hinting->virtio, &request, &hinting->queue);
		request.index++;
	}
	if (error == -ENODEV) {
		log_warn("balloon: %s: offers free page hinting, but no queue for it: not used",
			 hinting->virtio->name);
		return 0;
	}
	if (error || hinting->queue->ring.layout.size >= 2)
		return error;
	log_error(
		"balloon: %s: the queue for hints has one entry, 2 are needed: give the device "
		"a longer one, or no hinting",
		hinting->virtio->name);
	return -EINVAL;
}

void virtio_hinting_start(struct virtio_hinting *hinting)
{
	const struct shrinker_attributes shrinks = {
		.name = "hinted blocks",
		.count = count,
		.scan = scan,
		.seeks = SHRINK_SEEKS,
		.private = hinting,
	};
	const struct thread_attributes attributes = {
		.name = "hinting",
		.cpu = THREAD_ANY_CPU,
		.priority = THREAD_NORMAL,
	};
	bool has_queue;

	/* The balloon's thread may be resetting the device already. */
	mutex_lock(&hinting->lock);
	has_queue = hinting->queue != NULL;
	mutex_unlock(&hinting->lock);
	if (!has_queue)
		return;
	virtio_hinting_config_changed(hinting);
	hinting->shrinker = shrinker_alloc(&shrinks);
	if (hinting->shrinker)
		hinting->thread = thread_create(&attributes, hinting_thread, hinting);
	if (!hinting->thread) {
		log_warn("balloon: %s: no memory for hinting: a live migration sends free "
			 "memory too",
			 hinting->virtio->name);
		return;
	}
	shrinker_register(hinting->shrinker);
}

void virtio_hinting_stop(struct virtio_hinting *hinting)
{
	if (hinting->thread) {
		news_tell(hinting, &hinting->stopping);
		thread_join(hinting->thread);
	}
	shrinker_free(hinting->shrinker);
}

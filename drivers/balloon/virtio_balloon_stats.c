// SPDX-License-Identifier: MIT
/*
 * The statistics queue of a virtio balloon (spec-balloon B4). One buffer, which the device
 * keeps until it wants fresh figures; then it uses the buffer, and the balloon's thread fills
 * it again. Always the same tags in the same order. This kernel has no swap, no page cache and
 * takes no page faults on memory it handed out, and kills nobody: those figures are 0.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <errno.h>
#include <kernel/log.h>
#include <mm/mm.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>

/* The specification's numbers. */
enum tag {
	SWAP_IN,
	SWAP_OUT,
	MAJOR_FAULTS,
	MINOR_FAULTS,
	FREE_BYTES,
	TOTAL_BYTES,
	AVAILABLE_BYTES,
	CACHE_BYTES,
	LARGE_GOT,
	LARGE_FAILED,
	OOM_KILLS,
	STALLS,
	ASYNC_SCANNED,
	DIRECT_SCANNED,
	ASYNC_RECLAIMED,
	DIRECT_RECLAIMED,
};

_Static_assert(DIRECT_RECLAIMED + 1 == VIRTIO_BALLOON_STATS_TAGS, "one entry per tag");

static void stats_collect(struct virtio_balloon *balloon,
			  uint64_t values[VIRTIO_BALLOON_STATS_TAGS])
{
	struct reclaim_statistics reclaim;
	struct shrink_statistics shrink;
	struct mm_statistics memory;

	mm_statistics(&memory);
	reclaim_statistics(&reclaim);
	shrink_statistics(&shrink);
	memset(values, 0, VIRTIO_BALLOON_STATS_TAGS * sizeof(values[0]));
	values[FREE_BYTES] = memory.free * PAGE_SIZE;
	values[TOTAL_BYTES] = memory.managed * PAGE_SIZE;
	values[AVAILABLE_BYTES] = virtio_balloon_room(balloon) * PAGE_SIZE;
	mm_large_blocks(&values[LARGE_GOT], &values[LARGE_FAILED]);
	values[STALLS] = reclaim.requests;
	values[DIRECT_SCANNED] = shrink.scanned;
	values[DIRECT_RECLAIMED] = shrink.freed;
}

static void stats_fill(struct virtio_balloon *balloon)
{
	uint64_t values[VIRTIO_BALLOON_STATS_TAGS];
	uint8_t *entries = balloon->stats_entries;

	stats_collect(balloon, values);
	for (unsigned tag = 0; tag < VIRTIO_BALLOON_STATS_TAGS; tag++) {
		le16_store(entries + tag * VIRTIO_BALLOON_STATS_ENTRY, (uint16_t)tag);
		le64_store(entries + tag * VIRTIO_BALLOON_STATS_ENTRY + 2, values[tag]);
	}
}

static void stats_used(struct virtio_queue *queue)
{
	virtio_balloon_tell_stats(queue->device->driver_data);
}

int virtio_balloon_stats_queue(struct virtio_balloon *balloon)
{
	const struct virtio_queue_request request = {
		.index = VIRTIO_BALLOON_QUEUE_STATS,
		.size = 1,
		.callback = stats_used,
	};
	int error;

	balloon->stats = NULL;
	if (!virtio_has_feature(balloon->device, VIRTIO_BALLOON_F_STATS))
		return 0;
	error = virtio_queue_create(balloon->device, &request, &balloon->stats);
	if (error != -ENODEV)
		return error;
	log_warn("balloon: %s: offers statistics, but no queue for them: not used",
		 balloon->device->name);
	return 0;
}

int virtio_balloon_stats_offer(struct virtio_balloon *balloon)
{
	const struct virtqueue_piece piece = {
		.start = virt_to_phys(balloon->stats_entries),
		.length = sizeof(balloon->stats_entries),
	};
	int error;

	if (!balloon->stats)
		return 0;
	stats_fill(balloon);
	error = virtqueue_add(&balloon->stats->ring, &piece, 1, 0, balloon);
	if (error)
		return error;
	if (virtqueue_arm(&balloon->stats->ring, 1))
		virtio_balloon_tell_stats(balloon);
	virtqueue_kick(&balloon->stats->ring);
	return 0;
}

int virtio_balloon_stats_answer(struct virtio_balloon *balloon)
{
	uint32_t written;

	if (virtqueue_take(&balloon->stats->ring, &written))
		return virtio_balloon_stats_offer(balloon);
	return virtqueue_is_broken(&balloon->stats->ring) ? -EIO : 0;
}

void virtio_balloon_stats_detach(struct virtio_balloon *balloon)
{
	while (balloon->stats && virtqueue_detach(&balloon->stats->ring))
		;
}

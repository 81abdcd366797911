// SPDX-License-Identifier: MIT
/*
 * A virtio balloon follows the host's target: read once per change, bounded by what the guest
 * can give, reached step by step; `actual` is written at the end, or every 250 ms on the way.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <errno.h>
#include <kernel/hook.h>
#include <kernel/log.h>
#include <mm/mm.h>
#include <platform/clock.h>

uint64_t virtio_balloon_round(uint64_t units, unsigned units_per_page)
{
	return align_up(units, units_per_page);
}

bool virtio_balloon_may_complain(uint64_t *last)
{
	uint64_t now = clock_ns();

	if (*last && now - *last < VIRTIO_BALLOON_QUIET_NS)
		return false;
	*last = now;
	return true;
}

void virtio_balloon_write_actual(struct virtio_balloon *balloon)
{
	uint64_t size = balloon->size; /* need may make it smaller at any time */
	uint64_t before = balloon->actual;

	/* First: whoever sees what the host was told finds it here, too. */
	balloon->actual = size;
	if (virtio_config_write32(balloon->device, VIRTIO_BALLOON_CONFIG_ACTUAL,
				  (uint32_t)size)) {
		balloon->actual = before;
		return;
	}
	HOOK(virtio_balloon_told);
	balloon->actual_at = clock_ns();
}

uint64_t virtio_balloon_guest_pages(struct virtio_balloon *balloon)
{
	struct mm_statistics now;

	mm_statistics(&now);
	return now.managed + (balloon->core.adjust_managed ? balloon_pages(&balloon->core) : 0);
}

/* Most units the host may have, with a message when it asks for more. */
static uint64_t target_bound(struct virtio_balloon *balloon, uint64_t units)
{
	uint64_t pages = virtio_balloon_guest_pages(balloon), most;

	most = (pages - MIN(pages, balloon_reserve(pages))) * VIRTIO_BALLOON_UNITS_PER_PAGE;
	if (units <= most)
		return units;
	if (virtio_balloon_may_complain(&balloon->absurd_told))
		log_warn("balloon: %s: the host asks for %llu pages, this guest can give %llu "
			 "at most: the rest stays",
			 balloon->device->name, (unsigned long long)units,
			 (unsigned long long)most);
	return most;
}

static void read_target(struct virtio_balloon *balloon)
{
	uint32_t wanted;
	int error;

	/* Need gives way to the target that it finds: not to one that was read before it. */
	mutex_lock(&balloon->lock);
	error = virtio_config_read32(balloon->device, VIRTIO_BALLOON_CONFIG_TARGET, &wanted);
	HOOK(virtio_balloon_target_read);
	if (!error && wanted != balloon->wanted)
		balloon->yielded = false;
	mutex_unlock(&balloon->lock);
	if (error)
		return;
	balloon->wanted = wanted;
	balloon->target = target_bound(
		balloon, virtio_balloon_round(wanted, VIRTIO_BALLOON_UNITS_PER_PAGE));
}

bool virtio_balloon_wants_more(const struct virtio_balloon *balloon)
{
	return balloon->size < balloon->target && !balloon->yielded;
}

/* True while there is something to move now. */
static bool must_move(const struct virtio_balloon *balloon)
{
	if (balloon->size > balloon->target)
		return true;
	return virtio_balloon_wants_more(balloon) && clock_ns() >= balloon->retry_at;
}

int virtio_balloon_resize(struct virtio_balloon *balloon)
{
	int error = 0;

	while (!error && !virtio_balloon_is_stopping(balloon)) {
		if (virtio_balloon_take_broken(balloon))
			return -EIO;
		if (virtio_balloon_take_config_news(balloon)) {
			if (virtio_device_needs_reset(balloon->device) ||
			    virtio_reporting_failed(&balloon->reporting) ||
			    virtio_hinting_failed(&balloon->hinting))
				return -EIO;
			read_target(balloon);
		}
		if (virtio_balloon_take_stats_news(balloon) && balloon->stats) {
			error = virtio_balloon_stats_answer(balloon);
			if (error)
				return error;
		}
		if (!must_move(balloon))
			break;
		if (balloon->size < balloon->target)
			error = virtio_balloon_inflate_step(balloon,
							    balloon->target - balloon->size);
		else
			error = virtio_balloon_deflate_step(balloon, balloon->target);
		if (!error && clock_ns() - balloon->actual_at >= VIRTIO_BALLOON_REPORT_NS)
			virtio_balloon_write_actual(balloon);
	}
	if (!error && balloon->actual != balloon->size)
		virtio_balloon_write_actual(balloon);
	return error;
}

// SPDX-License-Identifier: MIT
/*
 * A virtio balloon in need (VIRTIO_BALLOON_F_DEFLATE_ON_OOM, spec-balloon B3): a request for
 * memory that would fail takes pages back from the host, whatever the target. What was given
 * that way is not asked for again until the host moves its target: a balloon that inflates what
 * need has just deflated keeps the guest busy with nothing else.
 *
 * The hook runs in the thread that asked. It waits for the device's lock, for a bounded time:
 * nobody asks for memory with that lock held, and who holds it waits for the host at most.
 */
#include <drivers/balloon/virtio_balloon_internal.h>

#include <kernel/hook.h>
#include <kernel/log.h>

static uint64_t take_back(struct virtio_balloon *balloon, struct list_head *entries)
	REQUIRES(&balloon->lock)
{
	uint64_t units = 0;

	if (!balloon->ready)
		return 0;
	if (virtio_balloon_take_back(balloon, VIRTIO_BALLOON_OOM_UNITS, entries, &units)) {
		virtio_balloon_tell_broken(balloon);
		return 0;
	}
	if (units > 0)
		balloon->yielded = true;
	balloon->given_in_need += units;
	return units;
}

/* Always the same amount, however little is missing: the next requests find the rest. */
static uint64_t give(struct oom_hook *hook, uint64_t pages)
{
	struct virtio_balloon *balloon = container_of(hook, struct virtio_balloon, oom);
	struct list_head entries = LIST_INIT(entries);
	uint64_t units;

	(void)pages;
	HOOK(virtio_balloon_oom);
	if (mutex_lock_timeout(&balloon->lock, VIRTIO_BALLOON_OOM_WAIT_NS))
		return 0;
	units = take_back(balloon, &entries);
	mutex_unlock(&balloon->lock);
	balloon_free_list(&entries);
	/* The device's thread writes `actual`, and finds that there is nothing to inflate. */
	if (units > 0)
		virtio_balloon_wake(balloon, true);
	if (units > 0 && virtio_balloon_may_complain(&balloon->need_told))
		log_info("balloon: %s: memory is short: %u pages taken back from the host, "
			 "kept until it moves its target",
			 balloon->device->name, (unsigned)units);
	return units / VIRTIO_BALLOON_UNITS_PER_PAGE;
}

void virtio_balloon_oom_start(struct virtio_balloon *balloon)
{
	balloon->helps_in_need =
		virtio_has_feature(balloon->device, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	if (!balloon->helps_in_need)
		return;
	balloon->oom = (struct oom_hook){.name = balloon->device->name, .give = give};
	oom_hook_register(&balloon->oom);
}

void virtio_balloon_oom_stop(struct virtio_balloon *balloon)
{
	if (balloon->helps_in_need)
		oom_hook_unregister(&balloon->oom);
}

// SPDX-License-Identifier: MIT
/*
 * A balloon's device that asks for a reset while its probe is not through: the balloon's thread
 * makes the queues anew beside it.
 */
#ifndef TESTS_DRIVERS_PROBE_RESET_H
#define TESTS_DRIVERS_PROBE_RESET_H

#include <kernel/hook.h>

#ifdef QUIRE_TEST_HOOKS
#include <kernel/thread.h>
#include <platform/clock.h>
#include <tests/drivers/fake_virtio.h>
#include <tests/wait.h>

struct probe_reset {
	struct hook probed; /* the balloon is there, what it reports and hints with is not */
	struct hook queue;  /* the queue is about to be made */
	struct fake_virtio *fake;
	_Atomic unsigned queues_wanted;
};

static inline void probe_reset_ask(struct hook *hook)
{
	struct probe_reset *reset = container_of(hook, struct probe_reset, probed);

	fake_virtio_needs_reset(reset->fake);
	WAIT_FOR(reset->queues_wanted == 2);
}

/* The second time: the probe comes by while there is no queue. */
static inline void probe_reset_take_time(struct hook *hook)
{
	struct probe_reset *reset = container_of(hook, struct probe_reset, queue);

	if (++reset->queues_wanted == 2)
		thread_sleep_ns(20 * NSEC_PER_MSEC);
}

/* Attach the device; `point`: where its queue is made. As virtio_device_attach(). */
static inline int probe_with_reset(struct fake_virtio *fake, const char *point)
{
	struct probe_reset reset = {
		.probed = {.name = "virtio_balloon_probed", .function = probe_reset_ask},
		.queue = {.name = point, .function = probe_reset_take_time},
		.fake = fake,
	};
	int error;

	hook_attach(&reset.probed);
	hook_attach(&reset.queue);
	error = virtio_device_attach(&fake->device);
	hook_detach(&reset.probed);
	hook_detach(&reset.queue);
	return error;
}
#endif

#endif

// SPDX-License-Identifier: MIT
/*
 * The host of a virtio balloon that uses the memory it is given: it stamps every page at once,
 * and looks for its stamps until the guest may have the page again. Free pages that are
 * reported to it lose what they held. What the guest still uses is found out by the guest, what
 * it uses too early by the host.
 */
#ifndef TESTS_LOAD_STAMPING_HOST_H
#define TESTS_LOAD_STAMPING_HOST_H

#include <tests/drivers/fake_virtio.h>

#define STAMPING_UNITS 4096u

/* All under the fake's lock. */
struct stamping_host {
	struct fake_virtio *fake;
	fake_buffer_fn *books;
	unsigned resets;   /* of the device, seen so far */
	uint64_t taken;    /* units, since it was made */
	uint64_t reported; /* blocks */
	unsigned nr_units;
	struct {
		uint32_t unit;
		bool leaving; /* the guest asked for it, and has not been answered */
	} units[STAMPING_UNITS];
};

/* A device that stamps, not attached yet; false when memory is short. */
bool stamping_host_create(struct stamping_host *host) MUST_CHECK;
/* After virtio_device_detach(). */
void stamping_host_destroy(struct stamping_host *host);
/* What the guest did wrong, or NULL. At any time. */
const char *stamping_host_check(struct stamping_host *host);
/* One of the pages it holds, `nr` taken modulo their number; NULL: none. */
struct page *stamping_host_page(struct stamping_host *host, uint64_t nr);

#endif

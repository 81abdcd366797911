// SPDX-License-Identifier: MIT
/*
 * Pages of a VMware balloon on their way: giving, taking back, and one for another. For
 * vmware_balloon.c alone.
 */
#ifndef DRIVERS_BALLOON_VMWARE_MOVE_H
#define DRIVERS_BALLOON_VMWARE_MOVE_H

#include <drivers/balloon/vmware_balloon.h>

/* Up to `pages` base pages to the host, blocks first if it takes any. */
void vmware_inflate(struct vmware_balloon *balloon, uint64_t pages) REQUIRES(&balloon->lock);
/* At least `pages` back from the host if it lets them go, single ones first; how many. */
uint64_t vmware_deflate(struct vmware_balloon *balloon, uint64_t pages)
	REQUIRES(&balloon->lock);
/* Everything back without a word, but for pages that are isolated. The host has forgotten. */
void vmware_pop(struct vmware_balloon *balloon);
/* The host takes destination for source; as balloon_migrate_fn. */
int vmware_exchange(struct vmware_balloon *balloon, const struct page *destination,
		    const struct page *source);

#endif

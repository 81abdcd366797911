// SPDX-License-Identifier: MIT
/*
 * Taking ranges of memory away from the guest and giving them back, and telling those who must
 * know: what can move out of the range moves, the rest stops it. Thread context, sleeps.
 */
#ifndef MM_OFFLINE_H
#define MM_OFFLINE_H

#include <kernel/attributes.h>
#include <kernel/list.h>
#include <platform/types.h>

enum offline_event {
	OFFLINE_GOING,    /* before anything is done; one of the next two follows */
	OFFLINE_DONE,     /* the range is no memory of the guest any more */
	OFFLINE_CANCELLED /* it stays */
};

/* Told in the order of registration, one event at a time. May sleep, and take locks at GOING
 * that it releases at the event that follows. */
struct offline_notifier {
	void (*tell)(struct offline_notifier *notifier, enum offline_event event,
		     struct pfn start, uint64_t count);
	struct list_head link;
};

void offline_notifier_register(struct offline_notifier *notifier);
/* Afterwards nobody is inside it, and nobody will be. Not from a notifier. */
void offline_notifier_unregister(struct offline_notifier *notifier);

/* Take the frames [start, start + count) away; 0 or as page_alloc_evacuated(), with nothing
 * taken then (*busy: a frame in the way). */
int memory_offline(struct pfn start, uint64_t count, struct pfn *busy) MUST_CHECK;
/* Give back a range that memory_offline() took. */
void memory_online(struct pfn start, uint64_t count);

#endif

// SPDX-License-Identifier: MIT
/*
 * Collaborative memory of pseries (spec-balloon part D): the hypervisor says how much more or
 * less it wants on loan, page by page the guest says what is on loan. No port of Quire runs on
 * that platform: a host is given to cmm_balloon_create(), by tests alone, or simulated.
 *
 * Lock order: hotplug, or account, > core list lock; news is taken alone.
 */
#ifndef DRIVERS_BALLOON_CMM_BALLOON_H
#define DRIVERS_BALLOON_CMM_BALLOON_H

#include <drivers/balloon/balloon_client.h>
#include <kernel/mutex.h>
#include <kernel/shutdown.h>
#include <mm/balloon.h>
#include <mm/offline.h>
#include <mm/reclaim.h>

#define CMM_DELAY_NS         UINT64_C(1000000000) /* between two looks at the request */
#define CMM_HOTPLUG_DELAY_NS UINT64_C(5000000000) /* after memory went offline */
#define CMM_MINIMUM_PAGES    (MIB(256) >> PAGE_SHIFT)
#define CMM_OOM_PAGES        (KIB(1024) >> PAGE_SHIFT)

/* The two calls. Thread context; 0 or a negative errno. */
struct cmm_host {
	unsigned page_shift; /* of the pages it is told of, at most PAGE_SHIFT */
	/* The page at this address is on loan, or in use again. */
	int (*page_init)(struct phys address, bool loaned);
	/* Bytes the hypervisor wants more (less: negative) than are on loan now. */
	int (*performance)(int64_t *loan_request);
};

/* Fields: H under `hotplug`; Q under news.lock; others fixed or atomic. */
struct cmm_balloon {
	const struct cmm_host *host; /* NULL: simulated, loan_wanted says what it would want */
	struct balloon_device core;
	struct balloon_client client;
	struct oom_hook oom;
	struct offline_notifier offline;
	struct shutdown_hook shutdown;
	struct thread *thread;
	struct mutex hotplug;  /* held while memory goes offline, and to loan a page */
	bool hotplug_occurred; /* H: since the last look */
	/* A request is relative to what is on loan, and what need took is part of the sum: held
	 * from the one to the other. Nobody allocates under it. */
	struct mutex account;
	struct wait_queue news;
	bool stopping; /* Q */
	uint64_t minimum_pages;

	_Atomic uint64_t loaned; /* base pages */
	_Atomic uint64_t target;
	_Atomic uint64_t oom_freed;   /* not to be taken again until somebody writes 0 */
	_Atomic uint64_t loan_wanted; /* pages, simulated */
	_Atomic uint64_t shortages;
	_Atomic uint64_t failures; /* of calls whose failure changes nothing */
};

/* What shall be on loan: all in pages, request in bytes relative to what is. */
uint64_t cmm_target(int64_t request, uint64_t loaned, uint64_t total, uint64_t minimum,
		    uint64_t oom_freed);

/* NULL when memory is short. */
struct cmm_balloon *cmm_balloon_create(const struct cmm_host *host) MUST_CHECK;
/* Stops, and frees the record. */
void cmm_balloon_destroy(struct cmm_balloon *balloon);

/* A worker that looks every second. 0; -ENOMEM; -EALREADY. */
int cmm_balloon_run(struct cmm_balloon *balloon) MUST_CHECK;
/* No worker, nothing on loan: to switch it off. Before the machine starts again its shutdown
 * hook does the same. */
void cmm_balloon_stop(struct cmm_balloon *balloon);

/* One look with all that follows; nanoseconds until the next. The worker, or a test instead. */
uint64_t cmm_balloon_step(struct cmm_balloon *balloon);

/* Out of memory: a mebibyte back; pages that came. */
uint64_t cmm_balloon_oom(struct cmm_balloon *balloon);
/* 0 lets the hypervisor have again what went back; -EINVAL for any other value. */
int cmm_balloon_set_oom_freed(struct cmm_balloon *balloon, uint64_t value) MUST_CHECK;

/* Around memory that goes offline, by the same thread: afterwards nothing is loaned until end.
 */
void cmm_balloon_hotplug_begin(struct cmm_balloon *balloon) ACQUIRE(&balloon->hotplug);
void cmm_balloon_hotplug_end(struct cmm_balloon *balloon) RELEASE(&balloon->hotplug);

#endif

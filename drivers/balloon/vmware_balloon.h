// SPDX-License-Identifier: MIT
/*
 * VMware balloon (spec-balloon part C): when to give and to take, and which pages. What is said
 * to the host is in vmware_host.h. Here is what the boot, the tests and the shell see.
 *
 * Base pages are on a device record that can migrate, blocks of 2 MiB on one that cannot; the
 * core counts both. Lock order: lock > host.lock, core list lock; news is taken alone.
 */
#ifndef DRIVERS_BALLOON_VMWARE_BALLOON_H
#define DRIVERS_BALLOON_VMWARE_BALLOON_H

#include <drivers/balloon/balloon_client.h>
#include <drivers/balloon/vmware_host.h>
#include <kernel/mutex.h>
#include <kernel/shutdown.h>
#include <mm/balloon.h>
#include <mm/reclaim.h>

#define VMWARE_POLL_NS  UINT64_C(1000000000) /* between two looks at the target */
#define VMWARE_PAUSE_NS UINT64_C(5000000000) /* after pages went back for want of memory */
#define VMWARE_PATIENT_NS                                                    \
	UINT64_C(1000000000)   /* for isolated pages, before a later attempt \
				*/
#define VMWARE_GIVE_PAGES 256u /* at least, when memory has run out */
#define VMWARE_REFUSALS   16u  /* of one page size, before it is left */

/* Fields: M under `lock`; Q under news.lock; T only the thread; others fixed. */
struct vmware_balloon {
	struct vmware_host host;
	struct balloon_device pages;
	struct balloon_device blocks;
	struct mutex lock;            /* pages on their way to or from the host */
	struct vmware_entry *entries; /* M: VMWARE_BATCH_MAX */
	struct vmware_doorbell doorbell;
	struct thread *thread;
	struct balloon_client client;
	struct oom_hook oom;
	struct shutdown_hook shutdown;

	struct wait_queue news;
	bool rung;       /* Q */
	bool stopping;   /* Q */
	bool resetting;  /* Q: nobody else moves a page */
	unsigned movers; /* Q: migrations and shrinks on their way */

	_Atomic uint64_t size;         /* base pages the host has */
	_Atomic uint64_t paused_until; /* no inflation before */
	_Atomic uint64_t resets;
	_Atomic uint64_t refused; /* entries, by the host */
	_Atomic uint64_t shortages;
};

/*
 * A balloon that knows its host but has told it nothing yet; NULL when memory is short. The
 * doorbell is offered if the host wants one; VMWARE_NO_DOORBELL without a device to ring it.
 */
struct vmware_balloon *vmware_balloon_create(vmware_call_fn *call,
					     struct vmware_doorbell doorbell) MUST_CHECK;
/* Take every page back and free the record. */
void vmware_balloon_destroy(struct vmware_balloon *balloon);

/* One look at the target, with all that follows. The balloon's thread, or a test instead. */
void vmware_balloon_step(struct vmware_balloon *balloon);
/* Base pages to give (positive) or to take back now. */
int64_t vmware_balloon_change(const struct vmware_balloon *balloon);
/* Memory is short: take up to `pages` back, and pause. What came back; 0 while pages are on
 * their way, or the host has forgotten us. Waits for nobody. */
uint64_t vmware_balloon_shrink(struct vmware_balloon *balloon, uint64_t pages);
/* The doorbell rang. Any context. */
void vmware_balloon_ring(struct vmware_balloon *balloon);

/* With a thread that looks every second, until the machine ends or starts again: then the host
 * is told to forget us. 0; -ENOMEM: as before. */
int vmware_balloon_run(struct vmware_balloon *balloon) MUST_CHECK;

/* The balloon of this machine, if there is a host to follow (NULL: none). At boot. */
void vmware_balloon_probe(vmware_call_fn *call);

#endif

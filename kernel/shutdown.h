// SPDX-License-Identifier: MIT
/*
 * The orderly end: who must tell somebody before the machine powers off, starts again or exits
 * with a verdict registers a hook. A panic runs none: it trusts nothing any more.
 *
 * Hooks run one after the other, each in a thread of its own, lower stages first, and in a
 * stage the one registered last first. One that fails is named and the next one runs; one that
 * has not returned after SHUTDOWN_PATIENCE_NS is named and left behind.
 */
#ifndef KERNEL_SHUTDOWN_H
#define KERNEL_SHUTDOWN_H

#include <kernel/attributes.h>
#include <kernel/mutex.h>
#include <kernel/completion.h>

#define SHUTDOWN_PATIENCE_NS UINT64_C(5000000000)

enum shutdown_stage {
	SHUTDOWN_CLIENTS, /* give back what is not a device's: balloons by hypervisor call */
	SHUTDOWN_DEVICES, /* no device touches memory afterwards */
	SHUTDOWN_REPORTS, /* what was counted and not said yet */
};

struct shutdown_list;

/* The caller's, until it is unregistered. */
struct shutdown_hook {
	const char *name;
	enum shutdown_stage stage;
	/* Thread context. 0, or a negative errno for the message. Must not unregister itself.
	 */
	int (*run)(struct shutdown_hook *hook);

	/* Fields of the list's lock. */
	struct list_head link;
	bool running;            /* it was taken off the list */
	int result;              /* of its end */
	struct completion ended; /* its thread has left it */
	struct completion left;  /* and so has who ran the list; for who unregisters it */
};

struct shutdown_list {
	struct mutex runs; /* whoever ends the machine waits for who does already */
	struct spin_lock lock;
	struct list_head hooks; /* in the order in which they run */
};

extern struct shutdown_list shutdown_hooks;

void shutdown_list_init(struct shutdown_list *list);
/* Any context. */
void shutdown_hook_register(struct shutdown_list *list, struct shutdown_hook *hook);
/* Afterwards nobody is inside it, and nobody will be. Thread context. */
void shutdown_hook_unregister(struct shutdown_list *list, struct shutdown_hook *hook);
/* Run all, each once and for at most patience_ns; how many failed or did not return. Thread
 * context, not from a hook. */
unsigned shutdown_list_run(struct shutdown_list *list, uint64_t patience_ns);

/* All hooks, then the end (platform/exit.h). Thread context. */
NORETURN void shutdown_exit(bool success);
NORETURN void shutdown_power_off(void);
NORETURN void shutdown_reboot(void);

#endif

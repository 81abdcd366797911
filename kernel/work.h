// SPDX-License-Identifier: MIT
/*
 * Deferred work: functions that run later in a thread of their CPU, in the order in which they
 * were queued; delayed work is queued by a timer. For interrupt handlers and timers that need
 * to sleep, and for what need not be done now.
 */
#ifndef KERNEL_WORK_H
#define KERNEL_WORK_H

#include <kernel/list.h>
#include <kernel/timer.h>

struct work;
typedef void work_function(struct work *work);

/* All but `function` belong to the lock of the worker of `cpu`. */
struct work {
	struct list_head link;
	work_function *function;
	_Atomic unsigned cpu; /* + 1, where it was queued last; 0 never */
};

#define WORK_INIT(name, work_body)                                      \
	{                                                               \
		.link = LIST_INIT((name).link), .function = (work_body) \
	}

void work_init(struct work *work, work_function *function);

/* Queue for this CPU or `cpu`; false when it is queued already. Work that runs right now is
 * queued behind itself, on its CPU. Any context. One CPU at a time runs it. */
bool work_queue(struct work *work);
bool work_queue_on(unsigned cpu, struct work *work);

/* Wait until it is neither queued nor running / take it out, and wait if it runs; true if it
 * was queued. Thread context, not from work of the same CPU. */
void work_flush(struct work *work);
bool work_cancel_sync(struct work *work);

struct delayed_work {
	struct work work;
	struct timer timer;
	_Atomic bool cancelled;
};

void delayed_work_init(struct delayed_work *delayed, work_function *function);
/* Queue it delay_ns from now; moves the time if it was waiting. Nothing once it is cancelled.
 * Any context. */
void delayed_work_start(struct delayed_work *delayed, uint64_t delay_ns);
/* For good, until delayed_work_init(): neither waiting, queued nor running afterwards, although
 * its function may start it again; nobody else may meanwhile. Thread context, not from work. */
void delayed_work_cancel_sync(struct delayed_work *delayed);

/* Once per CPU before it is in cpus_online; its thread follows by itself. */
void works_init_cpu(void);
/* Start this CPU's worker; the boot CPU calls it once threads run. */
void works_start(void);

#endif

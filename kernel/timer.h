// SPDX-License-Identifier: MIT
/*
 * One-shot timers, one ordered heap per CPU. The hardware timer is armed for the earliest one
 * and for nothing else: a machine without timers sleeps.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <kernel/attributes.h>
#include <kernel/lock.h>

struct timer;

/* Runs in interrupt context on the CPU that started the timer; may start it again. */
typedef void timer_function(struct timer *timer);

/* All fields belong to the lock of the CPU the timer was last started on. */
struct timer {
	uint64_t deadline_ns;
	timer_function *function;
	struct timer *child;    /* first child in the pairing heap */
	struct timer *sibling;  /* next sibling */
	struct timer *previous; /* parent if first child, else previous sibling */
	_Atomic unsigned cpu;   /* + 1, where it is queued or was last queued; 0 never */
	bool queued;
};

void timer_init(struct timer *timer, timer_function *function);

/* Fire at deadline_ns (clock_ns() scale) on this CPU; moves the timer if it was pending, on
 * whichever CPU. Any context; of two that start it at the same time one comes second. */
void timer_start(struct timer *timer, uint64_t deadline_ns);

/* Take it out; true if it was pending. Its function may still run on another CPU. */
bool timer_cancel(struct timer *timer);

/* As above, and wait until its function does not run: afterwards its memory may go. Not from
 * the function itself, nor with locks that the function takes. */
bool timer_cancel_sync(struct timer *timer);

bool timer_pending(const struct timer *timer);

/* Set up this CPU's heap; once per CPU that exists. */
void timers_init_cpu(void);

/* Run what is due and arm the hardware for the next; from the timer interrupt. */
void timers_run(void);

/* Deadline of this CPU's earliest timer, CLOCK_NEVER when none. */
uint64_t timers_next(void);

#endif

// SPDX-License-Identifier: MIT
/*
 * The inside of threads, for the primitives that put them to sleep, the shell and tests; others
 * use kernel/thread.h. One run queue per CPU. Inside a priority the thread with the least
 * virtual run time goes next; a sleeper earns at most one slice of credit, so that it preempts
 * who has run long, and two that wake each other starve nobody.
 */
#ifndef KERNEL_SCHEDULER_H
#define KERNEL_SCHEDULER_H

#include <kernel/completion.h>
#include <kernel/cpumask.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/thread.h>
#include <kernel/timer.h>
#include <platform/context.h>

#define SCHEDULER_SLICE_NS       (UINT64_C(5) * 1000 * 1000)
#define SCHEDULER_GRANULARITY_NS (UINT64_C(1) * 1000 * 1000)

#define THREAD_PRIORITIES  3
#define THREAD_NAME_LENGTH 24

enum thread_state {
	THREAD_RUNNING, /* current on its CPU */
	THREAD_READY,   /* on a run queue, or on its way to one */
	THREAD_BLOCKED,
	THREAD_DEAD,
};

/* Reasons to do something when preemption opens. */
#define ATTENTION_RESCHEDULE (1u << 0)
#define ATTENTION_RCU        (1u << 1)

/*
 * q: lock of the run queue of `cpu`. c: only the thread itself, or an interrupt on top of it.
 * s: set before the thread starts. t: lock of the list of threads.
 */
struct thread {
	struct context context;
	unsigned preempt_count;        /* c; spin locks, RCU readers, interrupts */
	unsigned interrupt_depth;      /* c */
	_Atomic unsigned attention;    /* set by any CPU, read by the thread */
	_Atomic unsigned cpu;          /* q; whose queue rules it. Changes while READY only */
	_Atomic unsigned state;        /* q for writing; enum thread_state */
	bool wake_permit;              /* q; a wake-up came before the sleep */
	enum thread_priority priority; /* s */
	unsigned pinned_cpu;           /* s; THREAD_ANY_CPU */
	unsigned flags;                /* s */
	uint64_t vtime_ns;             /* q; relative to the queue's least while not queued */
	uint64_t blocked_at_ns;        /* q */
	_Atomic uint64_t run_ns;       /* q */
	_Atomic uint64_t switches;     /* q */
	struct list_head ready_link;   /* q */
	struct list_head all_link;     /* t */
	int (*function)(void *);       /* s */
	void *argument;                /* s */
	int result;                    /* c, then the joiner */
	_Atomic unsigned references;   /* the handle, and the running thread itself */
	struct completion gone;        /* left its stack for good */
	void *stack;                   /* s */
	void *fpu;                     /* s; THREAD_USES_FPU */
	void *library;                 /* c; C library state, kernel/newlib_reent.c */
	bool reclaims;                 /* c; takes memory back for a request, mm/reclaim.c */
	struct thread *next_reaped;
	char name[THREAD_NAME_LENGTH];
};

/* q: its own lock. */
struct run_queue {
	struct spin_lock lock;
	unsigned cpu;
	_Atomic unsigned nr_ready;                  /* q for writing */
	struct thread *current;                     /* q */
	struct thread *previous;                    /* q; across a switch */
	struct thread *idle;                        /* set once */
	struct list_head ready[THREAD_PRIORITIES];  /* q; by virtual time */
	uint64_t least_vtime_ns[THREAD_PRIORITIES]; /* q; never goes back */
	uint64_t since_ns;                          /* q; current was charged up to here */
	bool slice_armed;                           /* q */
	bool owes_rcu;                              /* q; across a switch */
	struct timer slice;
	_Atomic uint64_t steals;
};

struct run_queue *run_queue_of(unsigned cpu);

/* CPUs whose scheduler runs, and those of them that sleep or are about to. */
extern struct cpumask cpus_online;
extern struct cpumask cpus_idle;

/* Sleep until thread_wake(); returns at once if one came since the last sleep. May also return
 * without cause: callers look at their condition in a loop. Preemption and interrupts on. */
void thread_block(void);

/* May the running flow sleep: a thread, not the idle one, with preemption and interrupts on? */
bool thread_may_sleep(void);
/* Panics when it must not; for primitives that may find no need to. */
void thread_assert_may_sleep(void);

/* Make a blocked thread run again, or its next thread_block() return. The caller keeps the
 * thread alive. Any context. */
void thread_wake(struct thread *thread);

/* Put a new thread, state READY and on no queue, on a CPU. */
void scheduler_start(struct thread *thread);

/* This flow becomes the idle thread (secondary CPU) or `self` (boot CPU, with `idle` beside).
 */
void scheduler_init_cpu(struct thread *self, struct thread *idle);
NORETURN void scheduler_idle(void);

/* Last switch of the current thread; its state is DEAD. */
NORETURN void scheduler_exit(void);

/* First thing a new thread does: end the switch that led to it. */
void scheduler_switch_done(void);

/* When attention is set and the preemption count is 0. may_switch: the last interrupt ends, or
 * interrupts are on. */
void scheduler_attend(bool may_switch);

/* From the reschedule IPI. */
void scheduler_ipi(void);

/* Called once a dead thread has left its stack; kernel/thread.c. */
void thread_gone(struct thread *thread);

/* Visit every thread, in order of creation, under the list's lock; `visit` must not sleep. */
void threads_for_each(void (*visit)(const struct thread *thread, void *arg), void *arg);

#endif

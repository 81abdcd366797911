// SPDX-License-Identifier: MIT
/*
 * Preemptible kernel threads: one run queue per CPU, round robin inside a priority, time
 * slices. Sleeping always goes through a wait queue (kernel/wait.h).
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <kernel/attributes.h>
#include <platform/types.h>

struct thread;

enum thread_priority { THREAD_IDLE, THREAD_NORMAL, THREAD_URGENT };

#define THREAD_ANY_CPU  (~0u)
#define THREAD_USES_FPU (1u << 0) /* applications: vector state saved on switch */

struct thread_attributes {
	const char *name; /* copied, at most 23 characters */
	unsigned cpu;     /* pinned there, or THREAD_ANY_CPU */
	enum thread_priority priority;
	unsigned flags;
};

/* Start function(arg) in a new thread; NULL when memory is short. The caller owns the handle
 * and gives it back with thread_join() or thread_detach(). */
struct thread *thread_create(const struct thread_attributes *attributes,
			     int (*function)(void *), void *arg) MUST_CHECK;
/* Wait for the end, free the thread, return what its function returned. */
int thread_join(struct thread *thread);
void thread_detach(struct thread *thread);

NORETURN void thread_exit(int result);
struct thread *thread_current(void);
const char *thread_name(const struct thread *thread);
void thread_yield(void);
void thread_sleep_ns(uint64_t ns);

/* Nestable; implied by every spin lock. The last enable may switch. */
void preempt_disable(void);
void preempt_enable(void);
bool preemptible(void);

/* Set up the boot CPU's run queue and make the running flow a thread. */
void threads_init(void);

/* Start all other CPUs and wait until they take threads; the number running. Boot CPU. */
unsigned threads_start_cpus(void);

#endif

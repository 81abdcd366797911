// SPDX-License-Identifier: MIT
/*
 * Threads for tests: start one or many, end them all.
 */
#ifndef TESTS_KERNEL_THREADS_H
#define TESTS_KERNEL_THREADS_H

#include <kernel/thread.h>
#include <tests/test.h>

#define TEST_THREADS_MAX 64

/* CPUs for tests that keep each of them busy: in an emulator 64 busy ones starve each other. */
unsigned test_busy_cpus(void);

/* A joinable thread; ends the test with an ERROR when memory is short. */
struct thread *test_thread(int (*function)(void *), void *arg, unsigned cpu);
/* NULL when memory is short, for tests that must let others go then. */
struct thread *test_thread_try(int (*function)(void *), void *arg, unsigned cpu);
struct thread *test_thread_priority(int (*function)(void *), void *arg, unsigned cpu,
				    enum thread_priority priority);

/* Run function(arg) in `count` threads at once and wait for all; the sum of their results. */
long test_threads_run(unsigned count, int (*function)(void *), void *arg);

#endif

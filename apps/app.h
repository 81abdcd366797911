// SPDX-License-Identifier: MIT
/*
 * What a program in apps/ may use besides newlib. A program is C with a main(); it runs in a
 * kernel thread that owns floating-point state, and the machine powers off with its status.
 */
#ifndef APPS_APP_H
#define APPS_APP_H

struct thread;

/* Start function(arg) in a thread of its own, with floating point and a C library state; NULL
 * when memory is short. */
struct thread *app_thread_start(int (*function)(void *), void *arg);
/* Wait for its end; what its function returned. */
int app_thread_join(struct thread *thread);

#endif

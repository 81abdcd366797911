// SPDX-License-Identifier: MIT
/*
 * Named points where a test forces an interleaving: HOOK(name) in the code under test, and in
 * the test a struct hook that counts, acts or holds whoever comes by. Nothing in release
 * builds.
 */
#ifndef KERNEL_HOOK_H
#define KERNEL_HOOK_H

#ifdef QUIRE_TEST_HOOKS
#include <kernel/list.h>

struct thread;

/* only: the one thread that is meant, but not what interrupts it; NULL for all. Runs in
 * whatever context the point is in. */
struct hook {
	const char *name;
	void (*function)(struct hook *hook);
	void *arg;
	struct thread *only;
	struct list_head link;
};

void hook_attach(struct hook *hook);
/* Afterwards nobody is inside its function. Not from the function. */
void hook_detach(struct hook *hook);
void hook_run(const char *name);

/*
 * A gate at a point: who comes by announces itself and waits, spinning, until it is opened. The
 * gate stays open then.
 */
struct hook_gate {
	struct hook hook;
	_Atomic unsigned arrived;
	_Atomic bool open;
};

void hook_gate_attach(struct hook_gate *gate, const char *name, struct thread *only);
void hook_gate_wait(struct hook_gate *gate); /* until somebody stands before it */
void hook_gate_open(struct hook_gate *gate);
void hook_gate_detach(struct hook_gate *gate); /* opens it */

#define HOOK(name) hook_run(#name)
#else
#define HOOK(name) ((void)0)
#endif

#endif

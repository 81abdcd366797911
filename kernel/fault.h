// SPDX-License-Identifier: MIT
/*
 * Fault injection: "fail the n-th allocation, for every n". Allocators ask FAULT_INJECTED() at
 * their entrance; the answer is false except for the thread that armed it. Nothing in release
 * builds. The suites' loop:
 *
 *	for (unsigned n = 1;; n++) {
 *		fault_arm(n);
 *		result = operation();
 *		if (!fault_disarm())
 *			break;	(it needs fewer than n allocations)
 *		CHECK(undone);
 *	}
 */
#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

#include <stdbool.h>

#ifdef QUIRE_TEST_HOOKS
/* Who decides for all threads at once, in any context: the runner (tests/faults.c). NULL:
 * nobody.
 */
void fault_set_plan(bool (*decide)(void));
/* The nth allocation of the running thread from now on fails, n >= 1; those after it succeed.
 */
void fault_arm(unsigned n);
/* No more faults; true if one was injected since fault_arm(). */
bool fault_disarm(void);
bool fault_injected(void);
#define FAULT_INJECTED() fault_injected()
#else
#define FAULT_INJECTED() false
#endif

#endif

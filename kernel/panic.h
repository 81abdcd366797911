// SPDX-License-Identifier: MIT
/*
 * The end of the world, and how tests look at it. panic() itself is in kernel/assert.h.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <stdbool.h>

/* Tests that expect a panic: hook(message) is called on the panicking CPU before anything is
 * printed or stopped, and does not return. NULL: panics are real again. */
void panic_set_hook(void (*hook)(const char *message));

/* True once a panic is under way on any CPU. */
bool panic_in_progress(void);

#endif

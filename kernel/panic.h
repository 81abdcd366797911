// SPDX-License-Identifier: MIT
/*
 * The end of everything: what kernel/assert.h's panic() does, and what other CPUs ask about it.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <kernel/attributes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True from the first panic on. A CPU that takes an NMI then calls cpu_halt_forever(). */
bool panic_in_progress(void);

/*
 * Called first in a panic with its message, for tests that expect one; a hook that does not
 * return has taken the panic over, and the next one is a first panic again. NULL: none. Runs on
 * the panicking CPU with interrupts as they were.
 */
void panic_set_hook(void (*hook)(const char *message));

/*
 * A check of memory that every panic runs last: the first thing wrong as text, or NULL. It
 * reads only, ends in bounded time, and may find what the stopped CPUs left half done. NULL:
 * none.
 */
void panic_set_check(const char *(*check)(void));

/* Print return addresses with the functions they lie in, through the log. Any context. */
void backtrace_print(const uintptr_t *addresses, size_t count);

#endif

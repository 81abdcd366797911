// SPDX-License-Identifier: MIT
/*
 * Names of functions for back traces: the table that tools/make_symbols.py made from the first
 * link of the kernel.
 */
#ifndef KERNEL_SYMBOLS_H
#define KERNEL_SYMBOLS_H

#include <stdint.h>

/* Name of the function that holds `address`, and how far into it; NULL when unknown. Any
 * context. */
const char *symbol_find(uintptr_t address, uintptr_t *offset);

#endif

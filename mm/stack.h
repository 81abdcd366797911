// SPDX-License-Identifier: MIT
/*
 * Kernel stacks with an unmapped page on both sides. Thread context.
 */
#ifndef MM_STACK_H
#define MM_STACK_H

#include <kernel/attributes.h>
#include <stddef.h>

/* At least `size` bytes, page aligned; NULL when memory or address space is short. */
void *stack_alloc(size_t size) MUST_CHECK;
/* The address and size of stack_alloc(); nobody runs on it. */
void stack_free(void *stack, size_t size);

#endif

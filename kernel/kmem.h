// SPDX-License-Identifier: MIT
/*
 * Memory for the ground floor, which cannot include mm/: mm registers its functions at start.
 * Before that, requests come from a small static pool and are never given back.
 */
#ifndef KERNEL_KMEM_H
#define KERNEL_KMEM_H

#include <kernel/attributes.h>
#include <stddef.h>

struct kmem_operations {
	/* Zeroed; NULL when memory is short. Any context but NMI: a thread with interrupts and
	 * preemption on sleeps until some was taken back, others get what there is. */
	void *(*alloc)(size_t size);
	void (*free)(void *object);
	/* Kernel stack with guard pages on both sides; the same, thread context. */
	void *(*stack_alloc)(size_t size);
	void (*stack_free)(void *stack, size_t size);
};

void kmem_register(const struct kmem_operations *operations);

void *kmem_alloc(size_t size) MUST_CHECK;
void kmem_free(void *object);

#define KERNEL_STACK_SIZE 16384
void *kmem_stack_alloc(size_t size) MUST_CHECK;
void kmem_stack_free(void *stack, size_t size);

#endif

// SPDX-License-Identifier: MIT
/*
 * The ground floor's door to memory. Until mm registers, a small static pool serves what starts
 * before it and lives for ever.
 */
#include <kernel/kmem.h>
#include <kernel/assert.h>
#include <kernel/bits.h>
#include <kernel/fault.h>
#include <stdatomic.h>

#define EARLY_POOL_SIZE 8192

static uint8_t early_pool[EARLY_POOL_SIZE] ALIGNED(16);
static _Atomic size_t early_used;
static _Atomic(const struct kmem_operations *) operations;

void kmem_register(const struct kmem_operations *new_operations)
{
	atomic_store_explicit(&operations, new_operations, memory_order_release);
}

static const struct kmem_operations *registered(void)
{
	return atomic_load_explicit(&operations, memory_order_acquire);
}

static void *early_alloc(size_t size)
{
	size_t rounded = align_up(size, 16);
	size_t at = atomic_fetch_add(&early_used, rounded);

	if (at + rounded > EARLY_POOL_SIZE)
		panic("kmem: %zu bytes asked before memory is up: raise EARLY_POOL_SIZE", size);
	return early_pool + at;
}

void *kmem_alloc(size_t size)
{
	if (!registered())
		return early_alloc(size);
	return FAULT_INJECTED() ? NULL : registered()->alloc(size);
}

static bool is_early(const void *object)
{
	return (const uint8_t *)object >= early_pool &&
	       (const uint8_t *)object < early_pool + EARLY_POOL_SIZE;
}

void kmem_free(void *object)
{
	if (object && !is_early(object))
		registered()->free(object);
}

void *kmem_stack_alloc(size_t size)
{
	ASSERT(registered());
	return FAULT_INJECTED() ? NULL : registered()->stack_alloc(size);
}

void kmem_stack_free(void *stack, size_t size)
{
	registered()->stack_free(stack, size);
}

// SPDX-License-Identifier: MIT
/*
 * Changes of a reference count as pure functions, and the loop that applies them. 0 means: in
 * the allocator, being released, or frozen.
 */
#ifndef MM_REFERENCE_H
#define MM_REFERENCE_H

#include <kernel/attributes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One less; not below 0. */
static inline bool reference_drop(int32_t *count)
{
	if (*count <= 0)
		return false;
	*count -= 1;
	return true;
}

/* One more, if there is one. */
static inline bool reference_add_live(int32_t *count)
{
	if (*count <= 0 || *count == INT32_MAX)
		return false;
	*count += 1;
	return true;
}

typedef bool reference_change(int32_t *count);

static ALWAYS_INLINE bool reference_update(_Atomic int32_t *word, reference_change *change,
					   int32_t *before)
{
	int32_t old = atomic_load_explicit(word, memory_order_relaxed);
	int32_t new;

	do {
		new = old;
		if (!change(&new))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_acq_rel,
							memory_order_relaxed));
	*before = old;
	return true;
}

#endif

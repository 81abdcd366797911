// SPDX-License-Identifier: MIT
/*
 * Included before everything else (-include) in the sources that are explored: each atomic
 * access becomes a step, before which any other actor may run, and tells the explorer what it
 * read. Accesses are sequentially consistent: weaker orders are the thread sanitizer's and the
 * targets' matter.
 */
#ifndef TESTS_EXPLORE_ATOMICS_H
#define TESTS_EXPLORE_ATOMICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Before an access that may write, or only reads. */
void explore_step(const volatile void *address, bool writes);
void explore_saw(uint64_t value);
/* It changed what was there. */
void explore_changed(const volatile void *address);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_load
#undef atomic_store

#define EXPLORE_PLAIN(pointer) __typeof__((void)0, *(pointer))

#define atomic_load_explicit(pointer, order)                        \
	__extension__({                                             \
		__auto_type explore_at = (pointer);                 \
		EXPLORE_PLAIN(explore_at) explore_value;            \
		explore_step(explore_at, false);                    \
		__atomic_load(explore_at, &explore_value, (order)); \
		explore_saw((uint64_t)explore_value);               \
		explore_value;                                      \
	})

#define atomic_store_explicit(pointer, value, order)                                \
	__extension__({                                                             \
		__auto_type explore_at = (pointer);                                 \
		EXPLORE_PLAIN(explore_at) explore_value = (value);                  \
		explore_step(explore_at, true);                                     \
		if (__atomic_load_n(explore_at, __ATOMIC_RELAXED) != explore_value) \
			explore_changed(explore_at);                                \
		__atomic_store(explore_at, &explore_value, (order));                \
	})

#define atomic_exchange_explicit(pointer, value, order)                               \
	__extension__({                                                               \
		__auto_type explore_at = (pointer);                                   \
		EXPLORE_PLAIN(explore_at) explore_value = (value);                    \
		EXPLORE_PLAIN(explore_at) explore_old;                                \
		explore_step(explore_at, true);                                       \
		__atomic_exchange(explore_at, &explore_value, &explore_old, (order)); \
		if (explore_old != explore_value)                                     \
			explore_changed(explore_at);                                  \
		explore_saw((uint64_t)explore_old);                                   \
		explore_old;                                                          \
	})

#define atomic_compare_exchange_strong_explicit(pointer, expected, value, yes, no)            \
	__extension__({                                                                       \
		__auto_type explore_at = (pointer);                                           \
		__auto_type explore_expected = (expected);                                    \
		EXPLORE_PLAIN(explore_at) explore_value = (value);                            \
		bool explore_done;                                                            \
		explore_step(explore_at, true);                                               \
		explore_done = __atomic_compare_exchange(explore_at, explore_expected,        \
							 &explore_value, false, (yes), (no)); \
		if (explore_done && *explore_expected != explore_value)                       \
			explore_changed(explore_at);                                          \
		explore_saw(explore_done);                                                    \
		explore_saw((uint64_t)*explore_expected);                                     \
		explore_done;                                                                 \
	})
/* A weak one that fails for no reason only goes round once more. */
#define atomic_compare_exchange_weak_explicit atomic_compare_exchange_strong_explicit

#define EXPLORE_FETCH(builtin, pointer, value, order)                             \
	__extension__({                                                           \
		__auto_type explore_at = (pointer);                               \
		EXPLORE_PLAIN(explore_at) explore_value = (value);                \
		EXPLORE_PLAIN(explore_at) explore_old;                            \
		explore_step(explore_at, true);                                   \
		explore_old = builtin(explore_at, explore_value, (order));        \
		if (__atomic_load_n(explore_at, __ATOMIC_RELAXED) != explore_old) \
			explore_changed(explore_at);                              \
		explore_saw((uint64_t)explore_old);                               \
		explore_old;                                                      \
	})
#define atomic_fetch_add_explicit(p, v, o) EXPLORE_FETCH(__atomic_fetch_add, p, v, o)
#define atomic_fetch_sub_explicit(p, v, o) EXPLORE_FETCH(__atomic_fetch_sub, p, v, o)
#define atomic_fetch_or_explicit(p, v, o)  EXPLORE_FETCH(__atomic_fetch_or, p, v, o)
#define atomic_fetch_and_explicit(p, v, o) EXPLORE_FETCH(__atomic_fetch_and, p, v, o)
#define atomic_load(p)                     atomic_load_explicit(p, memory_order_seq_cst)
#define atomic_store(p, v)                 atomic_store_explicit(p, v, memory_order_seq_cst)

#endif

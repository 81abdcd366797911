// SPDX-License-Identifier: MIT
/*
 * Compiler attributes with names that say what they are for.
 */
#ifndef KERNEL_ATTRIBUTES_H
#define KERNEL_ATTRIBUTES_H

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN                __attribute__((noreturn))
#define NOINLINE                __attribute__((noinline))
#define ALWAYS_INLINE           inline __attribute__((always_inline))
#define PACKED                  __attribute__((packed))
#define ALIGNED(n)              __attribute__((aligned(n)))
#define USED                    __attribute__((used))
#define UNUSED                  __attribute__((unused))
#define COLD                    __attribute__((cold))
#define LIKELY(x)               __builtin_expect(!!(x), 1)
#define UNLIKELY(x)             __builtin_expect(!!(x), 0)

/* clang checks on functions that the caller holds, takes or drops a lock; gcc sees nothing. */
#if defined(__clang__)
#define LOCK_CAPABILITY  __attribute__((capability("lock")))
#define REQUIRES(...)    __attribute__((requires_capability(__VA_ARGS__)))
#define ACQUIRE(...)     __attribute__((acquire_capability(__VA_ARGS__)))
#define TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define RELEASE(...)     __attribute__((release_capability(__VA_ARGS__)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define LOCK_CAPABILITY
#define REQUIRES(...)
#define ACQUIRE(...)
#define TRY_ACQUIRE(...)
#define RELEASE(...)
#define NO_LOCK_ANALYSIS
#endif

#endif

// SPDX-License-Identifier: MIT
/*
 * Sets of CPUs in one atomic word. Changes are sequentially consistent: idle masks and grace
 * periods publish in one word and look in another.
 */
#ifndef KERNEL_CPUMASK_H
#define KERNEL_CPUMASK_H

#include <platform/cpu.h>
#include <stdatomic.h>

_Static_assert(CPUS_MAX <= 64, "a set of CPUs is one word");

struct cpumask {
	_Atomic uint64_t bits;
};

static inline uint64_t cpu_bit(unsigned cpu)
{
	return UINT64_C(1) << cpu;
}

static inline void cpumask_set(struct cpumask *mask, unsigned cpu)
{
	atomic_fetch_or(&mask->bits, cpu_bit(cpu));
}

/* True if the CPU was in the set. */
static inline bool cpumask_clear(struct cpumask *mask, unsigned cpu)
{
	return (atomic_fetch_and(&mask->bits, ~cpu_bit(cpu)) & cpu_bit(cpu)) != 0;
}

static inline uint64_t cpumask_load(const struct cpumask *mask)
{
	return atomic_load(&mask->bits);
}

static inline bool cpumask_has(const struct cpumask *mask, unsigned cpu)
{
	return (cpumask_load(mask) & cpu_bit(cpu)) != 0;
}

/* Each member of a loaded word, lowest first; `word` is evaluated once. */
#define cpumask_for_each(cpu, word)                                                        \
	for (uint64_t cpu##_left = (word); cpu##_left; cpu##_left &= cpu##_left - 1)       \
		for (unsigned cpu = (unsigned)__builtin_ctzll(cpu##_left), cpu##_once = 1; \
		     cpu##_once; cpu##_once = 0)

#endif

// SPDX-License-Identifier: MIT
/*
 * Data per CPU: an array of cache-line aligned slots in shared memory, so that another CPU may
 * sum them up. (The area behind the private top-level slot is the port's, spec-pt-shadow A-6.)
 */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include <kernel/attributes.h>
#include <platform/cpu.h>

#define PER_CPU(type, name)                     \
	struct {                                \
		type value ALIGNED(CACHE_LINE); \
	} name[CPUS_MAX]

/* This CPU's slot; preemption off, or the caller tolerates a stale choice. */
#define this_cpu(name)    (&(name)[cpu_current()].value)
#define on_cpu(name, cpu) (&(name)[cpu].value)
#define cpu_for_each(cpu) for (unsigned cpu = 0; cpu < cpu_count(); cpu++)

#endif

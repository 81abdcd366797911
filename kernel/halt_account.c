// SPDX-License-Identifier: MIT
/*
 * The account of sleep. Only its CPU writes a record, others read the sum.
 */
#include <kernel/halt_account.h>

#include <kernel/percpu.h>
#include <platform/clock.h>
#include <platform/cpu.h>
#include <stdatomic.h>

struct halt_record {
	uint64_t since; /* 0: running */
	_Atomic uint64_t cycles;
};

static PER_CPU(struct halt_record, records);

void halt_begins(void)
{
	this_cpu(records)->since = clock_cycles();
}

void halt_ended(void)
{
	struct halt_record *record = this_cpu(records);

	if (!record->since)
		return;
	atomic_fetch_add_explicit(&record->cycles, clock_cycles() - record->since,
				  memory_order_relaxed);
	record->since = 0;
}

uint64_t cpu_halted_cycles(unsigned cpu)
{
	return atomic_load_explicit(&on_cpu(records, cpu)->cycles, memory_order_relaxed);
}

// SPDX-License-Identifier: MIT
/*
 * An interrupt of the other CPU is the barrier. The caller may hold locks, so it runs nobody's
 * functions while it waits; it answers for itself, which is right as it is in none of the
 * sections that others wait for. Two that wait for each other get on; a CPU that waits for a
 * lock of the caller does not, and then the bound ends it. So the interrupt itself is tried and
 * never waited for: while the other has no room for calls it may be waiting for us.
 */
#include <mm/settle.h>
#include <kernel/ipi.h>

#define SETTLE_ROUNDS (1u << 20)

static _Atomic uint64_t asked[CPUS_MAX];
static _Atomic uint64_t answered[CPUS_MAX];

const struct frames_waiting settle_waiting = {settle_cpu, settle_relax};

static void answer(void *unused)
{
	unsigned cpu = cpu_current();

	(void)unused;
	atomic_store(&answered[cpu], atomic_load(&asked[cpu]));
}

void settle_relax(void)
{
	unsigned cpu = cpu_current();

	if (atomic_load_explicit(&asked[cpu], memory_order_relaxed) !=
	    atomic_load_explicit(&answered[cpu], memory_order_relaxed))
		answer(NULL);
	cpu_relax();
}

bool settle_cpu(unsigned cpu)
{
	uint64_t ticket;
	bool sent = false;

	if (cpu == cpu_current())
		return true;
	ticket = atomic_fetch_add(&asked[cpu], 1) + 1;
	for (unsigned round = 0; round < SETTLE_ROUNDS; round++) {
		if (atomic_load(&answered[cpu]) >= ticket)
			return true;
		sent = sent || ipi_try_call(cpu, answer, NULL);
		settle_relax();
	}
	return false;
}

// SPDX-License-Identifier: MIT
/*
 * Waiting until another CPU has passed a point: a CPU with interrupts off answers where it
 * waits itself, however many calls are queued for it.
 */
#include <mm/settle.h>
#include <kernel/ipi.h>
#include <platform/cpu.h>
#include <platform/irq.h>
#include <tests/kernel/threads.h>
#include <tests/wait.h>

#define TIMES 100 /* more than a CPU has room for calls */

struct masked {
	_Atomic bool here;
	_Atomic bool enough;
};

/* As a CPU does that waits for a lock of whoever wants it settled. */
static int wait_masked(void *arg)
{
	struct masked *masked = arg;
	struct irq_state irq = irq_save();

	atomic_store(&masked->here, true);
	while (!atomic_load(&masked->enough))
		settle_relax();
	irq_restore(irq);
	return 0;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* The CPU answers, but may itself stand still for longer than one call waits. */
static bool settles(unsigned cpu)
{
	uint64_t begin = clock_ns();
	bool settled;

	while (!(settled = settle_cpu(cpu)) && wait_a_little(begin))
		;
	return settled;
}

TEST(settle, cpu_without_room_for_calls_is_settled_all_the_same)
{
	unsigned last = cpu_count() - 1, queued = 0;
	bool settled = true;
	struct masked masked = {false, false};
	struct thread *thread;

	if (last == 0) {
		CHECK(settle_cpu(0));
		return;
	}
	thread = test_thread(wait_masked, &masked, last);
	while (!atomic_load(&masked.here))
		cpu_relax();
	for (unsigned i = 0; i < TIMES && settled; i++)
		settled = settles(last);
	while (ipi_try_call(last, nothing, NULL))
		queued++;
	settled = settled && settles(last);
	atomic_store(&masked.enough, true);
	CHECK_EQ(thread_join(thread), 0);
	CHECK(settled);
	CHECK(queued < TIMES);
}

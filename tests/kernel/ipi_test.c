// SPDX-License-Identifier: MIT
/*
 * Calls between CPUs: every call runs once, waiting means it ran, and CPUs that call each other
 * with interrupts off get on.
 */
#include <kernel/ipi.h>
#include <kernel/interrupt.h>
#include <kernel/scheduler.h>
#include <platform/cpu.h>
#include <tests/kernel/threads.h>

struct calls {
	_Atomic unsigned count;
	_Atomic uint64_t cpus;
	_Atomic unsigned outside_interrupt;
};

static void count_call(void *arg)
{
	struct calls *calls = arg;

	atomic_fetch_add(&calls->count, 1);
	atomic_fetch_or(&calls->cpus, cpu_bit(cpu_current()));
	atomic_fetch_add(&calls->outside_interrupt, irq_enabled());
}

TEST(ipi, each_cpu_runs_the_call_made_to_it)
{
	struct calls calls = {.count = 0};

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		ipi_call(cpu, count_call, &calls, true);
		CHECK_EQ(atomic_load(&calls.count), cpu + 1);
		CHECK((atomic_load(&calls.cpus) & cpu_bit(cpu)) != 0);
	}
	CHECK_EQ(atomic_load(&calls.outside_interrupt), 0);
}

TEST(ipi, call_to_others_reaches_all_but_this_one)
{
	struct calls calls = {.count = 0};

	preempt_disable();
	ipi_call_others(count_call, &calls, true);
	CHECK_EQ(atomic_load(&calls.count), cpu_count() - 1);
	CHECK_EQ(atomic_load(&calls.cpus) | cpu_bit(cpu_current()), cpumask_load(&cpus_online));
	preempt_enable();
}

TEST(ipi, calls_without_wait_all_run)
{
	struct calls calls = {.count = 0};
	unsigned last = cpu_count() - 1;

	/* More than a ring holds, so that the caller meets a full one. */
	for (unsigned i = 0; i < 200; i++)
		ipi_call(last, count_call, &calls, false);
	ipi_call(last, count_call, &calls, true);
	while (atomic_load(&calls.count) != 201)
		cpu_relax();
	CHECK_EQ(atomic_load(&calls.count), 201);
}

/* Everybody calls everybody, with interrupts off, at the same time; fewer rounds where there
 * are many to call. */
static unsigned masked_rounds(void)
{
	return 1 + 100 / cpu_count();
}

static int call_all_masked(void *arg)
{
	for (unsigned round = 0; round < masked_rounds(); round++) {
		struct irq_state irq = irq_save();

		for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
			ipi_call(cpu, count_call, arg, true);
		irq_restore(irq);
	}
	return 0;
}

TEST(ipi, cpus_that_call_each_other_with_interrupts_off_get_on)
{
	static struct calls calls; /* threads go on with it when another cannot start */
	unsigned count = cpu_count() < 8 ? cpu_count() : 8;
	struct thread *threads[8];

	atomic_store(&calls.count, 0);
	for (unsigned cpu = 0; cpu < count; cpu++)
		threads[cpu] = test_thread(call_all_masked, &calls, cpu);
	for (unsigned cpu = 0; cpu < count; cpu++)
		thread_join(threads[cpu]);
	CHECK_EQ(atomic_load(&calls.count), count * cpu_count() * masked_rounds());
}

/* A call made from a call: ends inside out. */
static void call_back(void *arg)
{
	ipi_call(0, count_call, arg, true);
	count_call(arg);
}

TEST(ipi, a_called_function_may_call)
{
	struct calls calls = {.count = 0};

	for (unsigned i = 0; i < 20; i++)
		ipi_call(cpu_count() - 1, call_back, &calls, true);
	CHECK_EQ(atomic_load(&calls.count), 40);
}

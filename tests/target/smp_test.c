// SPDX-License-Identifier: MIT
/*
 * All CPUs the firmware names are up, each knows its own number, and each answers.
 */
#include <platform/cpu.h>
#include <kernel/bits.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>
#include <tests/test.h>

static _Atomic uint64_t answered;

static void answer(void *arg UNUSED)
{
	answered |= BIT64(cpu_current());
}

static uint64_t all_cpus(void)
{
	return cpu_count() == 64 ? UINT64_MAX : BIT64(cpu_count()) - 1;
}

TEST(smp, every_cpu_of_the_firmware_runs)
{
	CHECK(cpu_count() >= 1);
	CHECK_EQ(cpu_count(), cpu_possible());
}

TEST(smp, each_cpu_answers_an_ipi)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		answered = 0;
		ipi_call(cpu, answer, NULL, true);
		CHECK_EQ(answered, BIT64(cpu));
	}
}

static int thread_on_cpu(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	if (cpu_current() == cpu)
		answered |= BIT64(cpu);
	return (int)cpu;
}

TEST(smp, each_cpu_runs_a_thread)
{
	static struct thread *threads[CPUS_MAX];

	answered = 0;
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		const struct thread_attributes attributes = {
			.name = "on-cpu", .cpu = cpu, .priority = THREAD_NORMAL};

		threads[cpu] =
			thread_create(&attributes, thread_on_cpu, (void *)(uintptr_t)cpu);
		REQUIRE(threads[cpu]);
	}
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		CHECK_EQ(thread_join(threads[cpu]), cpu);
	CHECK_EQ(answered, all_cpus());
}

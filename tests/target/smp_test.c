// SPDX-License-Identifier: MIT
/*
 * All CPUs the firmware names are up, each knows its own number, and each answers.
 */
#include <platform/cpu.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <kernel/bits.h>
#include <kernel/ipi.h>
#include <kernel/thread.h>
#include <tests/test.h>

static _Atomic uint64_t answered;
static uint32_t said_apic_id[CPUS_MAX];

static void answer(void *arg UNUSED)
{
	said_apic_id[cpu_current()] = private_area()->apic_id;
	answered |= BIT64(cpu_current());
}

static uint64_t all_cpus(void)
{
	return cpu_count() == 64 ? UINT64_MAX : BIT64(cpu_count()) - 1;
}

TEST(x86_smp, every_cpu_of_the_firmware_runs)
{
	CHECK(cpu_count() >= 1);
	CHECK_EQ(cpu_count(), cpu_possible());
}

TEST(x86_smp, each_cpu_answers_an_ipi_with_its_own_identity)
{
	answered = 0;
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, answer, NULL, true);
	CHECK_EQ(answered, all_cpus());
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		CHECK_EQ(said_apic_id[cpu], smp_apic_id(cpu));
		for (unsigned other = 0; other < cpu; other++)
			REQUIRE(said_apic_id[cpu] != said_apic_id[other]);
	}
}

static int thread_on_cpu(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;

	if (cpu_current() == cpu)
		answered |= BIT64(cpu);
	return (int)cpu;
}

TEST(x86_smp, each_cpu_runs_a_thread)
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

// SPDX-License-Identifier: MIT
/*
 * Each CPU knows the APIC id that others call it by.
 */
#include <platform/cpu.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/private.h>
#include <kernel/ipi.h>
#include <tests/test.h>

static uint32_t said_apic_id[CPUS_MAX];

static void say(void *arg UNUSED)
{
	said_apic_id[cpu_current()] = private_area()->apic_id;
}

TEST(x86_smp, each_cpu_answers_an_ipi_with_its_own_identity)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		ipi_call(cpu, say, NULL, true);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		CHECK_EQ(said_apic_id[cpu], smp_apic_id(cpu));
		for (unsigned other = 0; other < cpu; other++)
			REQUIRE(said_apic_id[cpu] != said_apic_id[other]);
	}
}

// SPDX-License-Identifier: MIT
/*
 * Signals between running CPUs, and what a CPU says of itself.
 */
#include <platform/cpu.h>
#include <platform/irq.h>
#include <platform/s390x/features.h>
#include <platform/s390x/interrupts.h>
#include <platform/s390x/page_table_entry.h>
#include <platform/s390x/sigp.h>
#include <kernel/format.h>
#include <kernel/log.h>

#define TRIES 1000000

/* An external call that is pending already will do, and so says the condition code. */
void irq_send_ipi(unsigned cpu)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (sigp(SIGP_EXTERNAL_CALL, smp_cpu_address(cpu), 0, NULL) != SIGP_BUSY)
			return;
		cpu_relax();
	}
	log_error("smp: cpu %u is busy with another order for ever; a call to it is lost", cpu);
}

void irq_send_nmi_others(void)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu != cpu_current())
			sigp(SIGP_RESTART, smp_cpu_address(cpu), 0, NULL);
}

/* STORE CPU ID: the machine type in bits 32-47. */
static unsigned machine_type(void)
{
	uint64_t id;

	__asm__("stidp %0" : "=Q"(id));
	return id >> 16 & 0xffff;
}

void cpu_describe(unsigned cpu, char *text, size_t size)
{
	format(text, size, "machine %04x, address %u, 4 levels,%s%s%s%s%s", machine_type(),
	       smp_cpu_address(cpu), paging_features.segment_pages ? " edat1" : "",
	       paging_features.region_pages ? " edat2" : "",
	       paging_features.no_execute ? " iep" : "",
	       facility_present(FACILITY_VECTOR) ? " vector" : "", cpu == 0 ? " (boot)" : "");
}

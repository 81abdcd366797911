// SPDX-License-Identifier: MIT
/*
 * The hardware below apic.c: device memory or MSRs, and which of the two this machine uses.
 */
#include <platform/barrier.h>
#include <platform/mmu.h>
#include <platform/x86_64/features.h>
#include <platform/x86_64/image.h>
#include <platform/x86_64/interrupts.h>
#include <platform/x86_64/x86.h>
#include <kernel/acpi.h>
#include <kernel/assert.h>

#define APIC_PAGE_DEFAULT UINT64_C(0xfee00000)

static volatile uint8_t *registers;

static uint32_t memory_read(unsigned offset)
{
	return mmio_read32(registers + offset);
}

static void memory_write(unsigned offset, uint32_t value)
{
	mmio_write32(registers + offset, value);
}

struct apic local_apic = {
	.memory_read = memory_read,
	.memory_write = memory_write,
	.msr_read = msr_read,
	.msr_write = msr_write,
};

void local_apic_init(void)
{
	struct phys page = acpi_local_apic_address();

	local_apic.x2 = cpu_features.x2apic;
	if (local_apic.x2)
		return;
	registers = mmio_map(page.addr ? page : phys(APIC_PAGE_DEFAULT), PAGE_SIZE);
	if (!registers)
		panic("apic: no memory to map the local APIC");
}

void local_apic_enable(uint32_t uid)
{
	struct acpi_local_nmi nmi;
	size_t cursor = 0;

	apic_enable(&local_apic, VECTOR_SPURIOUS, VECTOR_ERROR);
	while (acpi_local_nmi_next(&cursor, &nmi))
		if (nmi.uid == ACPI_ALL_CPUS || nmi.uid == uid)
			apic_set_nmi_input(&local_apic, nmi.pin, nmi.active_low, nmi.level);
}

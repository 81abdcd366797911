// SPDX-License-Identifier: MIT
/*
 * Sources: IA-PC HPET specification 1.0a; ACPI 6.5, 4.8.3.3; Intel 8254 data sheet.
 */
#include "reference_counter.h"

#include <platform/barrier.h>
#include <platform/mmu.h>
#include <platform/x86_64/port_io.h>
#include <kernel/acpi.h>
#include <kernel/bits.h>

#define HPET_TABLE_SIZE    56
#define HPET_TABLE_SPACE   40
#define HPET_TABLE_ADDRESS 44
#define HPET_SIZE          0x400
#define HPET_PERIOD        0x004 /* femtoseconds a tick */
#define HPET_CONFIG        0x010
#define HPET_COUNTER       0x0f0
#define HPET_ENABLE        BIT(0)
#define HPET_PERIOD_MAX    100000000u
#define FEMTOSECONDS       UINT64_C(1000000000000000)

#define PM_TIMER_FREQUENCY 3579545

#define PIT_FREQUENCY 1193182
#define PIT_CHANNEL_2 0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61
#define PIT_MODE_2    0xb4 /* channel 2, both bytes, rate generator */
#define PIT_LATCH_2   0x80
#define GATE_OPEN     BIT(0)
#define GATE_SPEAKER  BIT(1)

static volatile uint8_t *hpet;
static volatile uint8_t *pm_timer_memory;

static uint64_t hpet_read(void)
{
	return mmio_read32(hpet + HPET_COUNTER);
}

static void hpet_open(struct reference_counter *counter)
{
	size_t length = 0;
	const uint8_t *table = acpi_table_find("HPET", 0, &length);
	uint32_t period;

	if (!table || length < HPET_TABLE_SIZE || table[HPET_TABLE_SPACE] != ACPI_SPACE_MEMORY)
		return;
	hpet = mmio_map(phys(le64_load(table + HPET_TABLE_ADDRESS)), HPET_SIZE);
	if (!hpet)
		return;
	period = mmio_read32(hpet + HPET_PERIOD);
	if (period == 0 || period > HPET_PERIOD_MAX)
		return;
	mmio_write32(hpet + HPET_CONFIG, mmio_read32(hpet + HPET_CONFIG) | HPET_ENABLE);
	*counter = (struct reference_counter){"HPET", hpet_read, UINT32_MAX,
					      FEMTOSECONDS / period};
}

static uint64_t pm_timer_read(void)
{
	if (pm_timer_memory)
		return mmio_read32(pm_timer_memory);
	return port_read32((uint16_t)acpi_power()->pm_timer.address);
}

static void pm_timer_open(struct reference_counter *counter)
{
	const struct acpi_power *power = acpi_power();

	if (!power->present || power->hardware_reduced || !power->pm_timer.address)
		return;
	if (power->pm_timer.space == ACPI_SPACE_MEMORY)
		pm_timer_memory = mmio_map(phys(power->pm_timer.address), 4);
	else if (power->pm_timer.space != ACPI_SPACE_IO)
		return;
	*counter = (struct reference_counter){
		"ACPI timer", pm_timer_read, power->pm_timer_32_bits ? UINT32_MAX : BIT(24) - 1,
		PM_TIMER_FREQUENCY};
}

/* Counts down; 0 stands for 65536. */
static uint64_t pit_read(void)
{
	uint32_t value;

	port_write8(PIT_COMMAND, PIT_LATCH_2);
	value = port_read8(PIT_CHANNEL_2);
	value |= (uint32_t)port_read8(PIT_CHANNEL_2) << 8;
	return UINT16_MAX - value;
}

static void pit_open(struct reference_counter *counter)
{
	port_write8(PIT_GATE, (port_read8(PIT_GATE) & ~GATE_SPEAKER) | GATE_OPEN);
	port_write8(PIT_COMMAND, PIT_MODE_2);
	port_write8(PIT_CHANNEL_2, 0);
	port_write8(PIT_CHANNEL_2, 0);
	*counter = (struct reference_counter){"PIT", pit_read, UINT16_MAX, PIT_FREQUENCY};
}

bool reference_counter_open(unsigned index, struct reference_counter *counter)
{
	static void (*const kinds[])(struct reference_counter *) = {hpet_open, pm_timer_open,
								    pit_open};

	*counter = (struct reference_counter){0};
	if (index >= ARRAY_SIZE(kinds))
		return false;
	kinds[index](counter);
	return true;
}
